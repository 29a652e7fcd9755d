//! One group: many commands, one transaction, one flush.

use std::sync::Arc;

use failstop::{
    core::ledger::EventKind,
    ledger::{LedgerUnavailable, NotStarted},
};
use rusqlite::TransactionBehavior;

use super::{
    Command, RecordCommand, Writer,
    gate::{GateReading, last_epoch, record_gate, recorded},
    steps::{Broken, Steps},
};
use crate::{clock, fault::ResolveError, gate_file::GateFault};

/// An answer that waits for its commit.
type Answer = Box<dyn FnOnce(bool)>;

impl Writer {
    /// Does what the commands ask, all or none, and answers.
    pub(super) fn commit_group(&mut self, mut group: Vec<Command>) {
        group.splice(0..0, self.unwritten.drain(..).map(|record| Command::Record(record, None)));
        let unawaited: Vec<_> = group.iter().filter_map(unawaited_record).collect();
        let reads_gate = group.iter().any(|command| {
            matches!(command, Command::Start(..) | Command::RecordGate | Command::Announce { .. })
        });
        if reads_gate && self.gate.is_none() {
            self.open_gate();
        }
        let gate = self.gate.take();
        let mut answers: Vec<Answer> = Vec::with_capacity(group.len());
        let mut reading = GateReading::NotRead;
        let done = self.transact(|steps| {
            if reads_gate {
                let read = gate.as_ref().ok_or(GateFault::Missing).and_then(super::GateFile::hold_shared);
                let recorded = recorded(steps.connection)?;
                reading = read
                    .map_or_else(GateReading::Unreadable, |hold| GateReading::Held(hold.into()))
                    .not_before(&recorded);
                if let GateReading::Held(hold) = &reading {
                    record_gate(
                        steps.connection,
                        steps.head,
                        steps.at_ms,
                        hold.state(),
                        last_epoch(&recorded),
                    )?;
                }
            }
            group.into_iter().try_for_each(|command| perform(steps, command, &reading, &mut answers))
        });
        for answer in answers {
            answer(done.is_some());
        }
        if done.is_none() && !self.owner.has_lost_ledger() {
            self.unwritten = unawaited;
        }
        drop(reading);
        self.gate = gate;
    }
}

/// A record that nobody waits for, and that nobody would give once more.
fn unawaited_record(command: &Command) -> Option<Arc<RecordCommand>> {
    if let Command::Record(record, None) = command { Some(Arc::clone(record)) } else { None }
}

/// Does one command; its answer is kept until the commit. On a fault nothing of the group is done, and what was not
/// looked at yet is answered by dropping its channel.
fn perform(
    steps: &mut Steps<'_>,
    command: Command,
    gate: &GateReading,
    answers: &mut Vec<Answer>,
) -> Result<(), Broken> {
    match command {
        Command::Start(start, waiting) => {
            let started = readable(steps.start(*start, gate))?.unwrap_or(Err(NotStarted::Unavailable));
            answers.push(Box::new(move |is_durable| {
                let _ = waiting.send(if is_durable { started } else { Err(NotStarted::Unavailable) });
            }));
        }
        Command::Record(record, waiting) => {
            let recorded = steps.record(Arc::unwrap_or_clone(record))?;
            answers.push(Box::new(move |is_durable| {
                let answer = if is_durable { recorded } else { Err(LedgerUnavailable) };
                let _ = waiting.map(|waiting| waiting.send(answer));
            }));
        }
        Command::Withdraw { key, attempt } => {
            readable(steps.withdraw(&key, attempt))?;
        }
        Command::Recover(claim, waiting) => {
            let known = readable(steps.look_up(&claim))?.ok_or(LedgerUnavailable);
            answers.push(Box::new(move |is_durable| {
                let _ = waiting.send(if is_durable { known } else { Err(LedgerUnavailable) });
            }));
        }
        // Done for the whole group, before its first step.
        Command::RecordGate => {}
        Command::Announce { expected_epoch, body, announced } => {
            steps.append(super::Saying {
                kind: EventKind::Release,
                key: None,
                fence: None,
                gate_epoch: Some(expected_epoch),
                body,
            })?;
            answers.push(Box::new(move |is_durable| {
                let _ = announced.send(is_durable);
            }));
        }
        Command::Note { kind, key, fence, body, pending } => {
            steps.append(super::Saying { kind, key, fence, gate_epoch: None, body })?;
            answers.push(Box::new(move |_| drop(pending)));
        }
        Command::Resolve(resolve, waiting) => {
            let resolved = readable(steps.resolve(&resolve))?.unwrap_or(Err(ResolveError::LedgerUnavailable));
            answers.push(Box::new(move |is_durable| {
                let _ =
                    waiting.send(if is_durable { resolved } else { Err(ResolveError::LedgerUnavailable) });
            }));
        }
        Command::Flush(waiting) => answers.push(Box::new(move |_| {
            let _ = waiting.send(());
        })),
    }
    Ok(())
}

/// `None` where a stored report cannot be read: that key is lost, the others of the group are not. Steps read before
/// they write.
fn readable<T>(step: Result<T, Broken>) -> Result<Option<T>, Broken> {
    match step {
        Ok(done) => Ok(Some(done)),
        Err(Broken::Unreadable) => Ok(None),
        Err(broken @ Broken::Sqlite(_)) => Err(broken),
    }
}

/// Runs `work` in one transaction behind the chain's end, with the files' identity checked before and after.
pub(super) fn transact<T>(
    writer: &mut Writer,
    work: impl FnOnce(&mut Steps<'_>) -> Result<T, Broken>,
) -> Result<T, Broken> {
    if writer.owner.has_lost_ledger() || !writer.identity.is_unchanged() {
        writer.lose();
        return Err(Broken::Unreadable);
    }
    if writer.identity.was_written() {
        // So that the chain's end is read from the file as it is now.
        writer.connection.release_memory()?;
    }
    let mut head = writer.head;
    let transaction = writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if head.catch_up(&transaction)?.is_err() {
        drop(transaction);
        writer.lose();
        return Err(Broken::Unreadable);
    }
    let before = head.seq;
    let at_ms = clock::unix_ms();
    let mut steps = Steps { connection: &transaction, head: &mut head, owner: &writer.owner, at_ms };
    let done = work(&mut steps)?;
    if head.seq == before {
        // Nothing was written, so there is nothing to flush.
        transaction.rollback()?;
    } else {
        head.checkpoint_if_due(&transaction, at_ms)?;
        transaction.commit()?;
    }
    writer.head = head;
    if !writer.identity.is_unchanged() {
        writer.lose();
        return Err(Broken::Unreadable);
    }
    Ok(done)
}

impl Writer {
    /// The files are not those that were opened. Whatever is at the path now, this process knows nothing of it.
    fn lose(&mut self) {
        if self.owner.lose_ledger() {
            tracing::error!(
                "the ledger's file was moved, deleted, replaced or rolled back: nothing new starts"
            );
        }
    }
}
