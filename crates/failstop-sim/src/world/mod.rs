//! Owners, operators, one ledger and its gate, and everything that can happen between them.
//!
//! A [`World`] is all that is: the gate's file, the ledger as it is durable, each process with its jobs and its writer,
//! what happened to the outside. A [`Step`] is one atomic step of the code: a read or a write of the gate, a lock, a
//! commit, an answer, the executor entered, a death. What is private to a process needs no step of its own: nobody
//! can look in between.
//!
//! [`Processes`] checks in every state what [`Broken`] names, and has every chain of events that became durable read
//! by the shipped auditor. [`Mutation`]s take one thing away that the code does, to show that it is needed and
//! would be missed.

mod audit;
mod bounds;
mod execution;
mod gate;
mod ledger;
mod operator;
mod process;
mod promise;
mod step;
mod writer;

use std::{cell::RefCell, collections::HashSet, rc::Rc};

pub use bounds::{Bounds, KeyPlan, Mutation, Plan};
use execution_orchestration_core::ledger::{KeyRecord, Standing};
use gate::{FIRST_EPOCH, Gate};
use ledger::{Ledger, Told};
use process::{Command, ExecutionPhase, Job, Life, Process, StopPhase, WriterPhase};
pub use promise::Broken;
pub use step::Step;
use step::What;

use crate::explore::Model;

/// All that is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    gate: Gate,
    ledger: Rc<Ledger>,
    processes: Vec<Rc<Process>>,
    effects: Vec<Effects>,
    deaths_left: u8,
    /// The highest epoch below which somebody has been told that nothing starts any more.
    settled_epoch: u64,
}

/// What was done to the outside under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Effects {
    happened: u8,
    /// Requests that nobody waits for, and that were not refused.
    may_happen: u8,
}

/// The model: worlds within bounds, as the code makes them or with one thing left out.
#[derive(Debug)]
pub struct Processes {
    bounds: Bounds,
    mutation: Option<Mutation>,
    is_reduced: bool,
    only: Option<Broken>,
    audited: RefCell<HashSet<Vec<Told>>>,
}

impl Processes {
    /// As the code does it. Private steps are taken at once: see [`Processes::in_every_order`].
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, mutation: None, is_reduced: true, only: None, audited: RefCell::default() }
    }

    /// As the code does it, every step in every order. That is far more to explore, and the same comes about: what
    /// [`Processes::new`] takes at once either hinders others and then ceases to (a lock let go), or cannot be told
    /// apart from what comes before it (what is done under a lock that keeps everybody else out, the answers within a
    /// process), whether its process is killed before or after.
    pub fn in_every_order(bounds: Bounds) -> Self {
        Self { is_reduced: false, ..Self::new(bounds) }
    }

    /// As the code would do it without one thing; every step in every order.
    pub fn without(bounds: Bounds, mutation: Mutation) -> Self {
        Self { mutation: Some(mutation), ..Self::in_every_order(bounds) }
    }

    /// Looks for this broken promise alone, whatever else breaks on the way.
    #[must_use]
    pub fn looking_only_for(self, broken: Broken) -> Self {
        Self { only: Some(broken), ..self }
    }

    /// How many different chains of events have come about, all of which the auditor has read.
    pub fn chains(&self) -> usize {
        self.audited.borrow().len()
    }

    /// Whether the same chains of events have come about in both.
    pub fn has_same_chains(&self, other: &Self) -> bool {
        *self.audited.borrow() == *other.audited.borrow()
    }

    fn moment(&self, world: World) -> Moment<'_> {
        Moment { bounds: &self.bounds, mutation: self.mutation, world, broken: Vec::new() }
    }

    fn looks_for(&self, broken: Broken) -> bool {
        self.only.is_none_or(|only| only == broken)
    }

    /// What the auditor finds in a chain that it has not read yet.
    fn audit(&self, ledger: &Ledger) -> Option<Broken> {
        if self.audited.borrow().contains(&ledger.told) {
            return None;
        }
        self.audited.borrow_mut().insert(ledger.told.clone());
        audit::finding(&self.bounds, ledger)
    }
}

impl Model for Processes {
    type State = World;
    type Step = Step;
    type Broken = Broken;

    fn first(&self) -> World {
        let bounds = &self.bounds;
        let epoch = if bounds.has_watch { FIRST_EPOCH } else { 0 };
        let living = bounds.processes.iter().map(|plans| Process::new(plans, Life::Alive, epoch));
        let heir = (!bounds.heir.is_empty()).then(|| Process::new(&bounds.heir, Life::Unborn, 0));
        World {
            gate: Gate::new(),
            ledger: Rc::new(Ledger::new(bounds.keys.len())),
            processes: living.chain(heir).map(Rc::new).collect(),
            effects: vec![Effects::default(); bounds.keys.len()],
            deaths_left: bounds.deaths,
            settled_epoch: 0,
        }
    }

    fn steps(&self, world: &World, out: &mut Vec<Step>) {
        let moment = self.moment(world.clone());
        if let Some(step) = self.is_reduced.then(|| moment.private_step()).flatten() {
            return out.push(step);
        }
        let mut of_one = Vec::new();
        for process in 0..world.processes.len() {
            moment.process_steps(process, &mut of_one);
            out.extend(of_one.drain(..).map(|what| Step { process, what }));
        }
        let late = (0..).zip(&world.effects).filter(|(_, effects)| effects.may_happen > 0);
        out.extend(late.map(|(key, _)| Step { process: 0, what: What::LateEffect(key) }));
    }

    fn take(&self, world: &World, step: Step) -> Result<World, Broken> {
        let mut moment = self.moment(world.clone());
        moment.take(step);
        if step.what == What::Commit {
            moment.broken.extend(self.audit(&moment.world.ledger));
        }
        moment.bury(step.process);
        moment.check();
        let Moment { world, broken, .. } = moment;
        broken.into_iter().find(|broken| self.looks_for(*broken)).map_or(Ok(world), Err)
    }

    fn check_end(&self, world: &World) -> Result<(), Broken> {
        let is_at_rest = |process: &Rc<Process>| matches!(process.life, Life::Gone | Life::Unborn);
        let is_stuck = !world.processes.iter().all(is_at_rest);
        if is_stuck && self.looks_for(Broken::Stuck) { Err(Broken::Stuck) } else { Ok(()) }
    }

    fn tell(&self, before: &World, after: &World) -> String {
        let mut told: Vec<String> =
            after.ledger.told[before.ledger.told.len()..].iter().map(|event| event.describe()).collect();
        for ((scope, old), new) in gate::SCOPES.iter().zip(&before.gate.slots).zip(&after.gate.slots) {
            if old.epoch != new.epoch {
                told.push(format!("the gate's {scope} is at {:?} with epoch {}", new.level, new.epoch));
            }
        }
        told.join(", ")
    }
}

/// A world in the middle of a step.
struct Moment<'m> {
    bounds: &'m Bounds,
    mutation: Option<Mutation>,
    world: World,
    /// The promises that the step has broken.
    broken: Vec<Broken>,
}

impl Moment<'_> {
    fn mutates(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn process(&mut self, process: usize) -> &mut Process {
        Rc::make_mut(&mut self.world.processes[process])
    }

    fn send(&mut self, process: usize, command: Command) {
        self.process(process).queue.push(command);
    }

    /// A step that may be taken before all others.
    fn private_step(&self) -> Option<Step> {
        let mut processes = self.world.processes.iter().enumerate();
        processes.find_map(|(process, me)| {
            let what = me.writer.private_step().or_else(|| me.write_under_way())?;
            Some(Step { process, what })
        })
    }

    fn process_steps(&self, process: usize, out: &mut Vec<What>) {
        let me = &self.world.processes[process];
        let somebody_was_killed = self.world.deaths_left < self.bounds.deaths;
        match me.life {
            Life::Unborn if somebody_was_killed => return out.push(What::Open),
            Life::Unborn | Life::Gone => return,
            Life::Opening => {}
            Life::Alive => {
                for (at, job) in me.jobs.iter().enumerate() {
                    self.job_steps(at, job, out);
                }
                if me.seen_epoch != 0 && me.has_executions() && me.seen_epoch != self.world.gate.epoch() {
                    out.push(What::Watch);
                }
            }
        }
        self.writer_steps(process, out);
        if self.world.deaths_left > 0 {
            out.push(What::Die);
        }
    }

    fn job_steps(&self, at: usize, job: &Job, out: &mut Vec<What>) {
        match job {
            Job::Execution(execution) => self.execution_steps(at, execution, out),
            Job::Stop { phase, .. } => self.stop_steps(at, *phase, out),
            Job::Release { scope, phase } => self.release_steps(at, *scope, *phase, out),
            Job::Over => {}
        }
    }

    fn take(&mut self, Step { process, what }: Step) {
        match what {
            What::Open => self.open(process),
            What::Die => self.die(process),
            What::Watch => self.watch(process),
            What::LookUp(at) | What::Withdraw(at) | What::Enter(at) | What::Land(at) | What::Learn(at, _) => {
                self.take_execution(process, at, what);
            }
            What::Begin { count } => self.begin(process, count),
            What::TryLock => self.try_lock(process),
            What::ReadAgain => {
                if let WriterPhase::Tried { seen } = self.world.processes[process].writer.phase {
                    self.read_again(process, seen);
                }
            }
            What::Commit => self.commit(process),
            What::Answer => self.answer(process),
            What::LetGo => self.let_go(process),
            What::Latch(at)
            | What::WriteLatch(at)
            | What::LookToSettle(at)
            | What::Settle(at)
            | What::Acknowledge(at) => self.take_stop(process, at),
            What::Prepare(at) | What::Compare(at) | What::WriteRelease(at) => {
                self.take_release(process, at);
            }
            What::LateEffect(key) => {
                let effects = &mut self.world.effects[usize::from(key)];
                effects.may_happen -= 1;
                effects.happened += 1;
            }
        }
    }

    fn take_execution(&mut self, process: usize, at: usize, what: What) {
        let Job::Execution(execution) = self.world.processes[process].jobs[at] else { return };
        match what {
            What::LookUp(_) => self.look_up(process, at, execution),
            What::Withdraw(_) => self.withdraw(process, at, execution),
            What::Enter(_) => self.enter(process, at, execution),
            What::Land(_) => self.land(process, at, execution),
            What::Learn(_, end) => self.learn(process, at, execution, end),
            _ => {}
        }
    }

    fn open(&mut self, process: usize) {
        self.process(process).life = Life::Opening;
        self.send(process, Command::RecoverDead { is_opening: true });
    }

    /// SIGKILL: its locks are free, what was not committed is lost, what was asked of others is not.
    fn die(&mut self, process: usize) {
        for job in self.world.processes[process].jobs.clone() {
            if let Job::Execution(execution) = job {
                self.give_up(&execution);
            }
        }
        *self.process(process) = Process::gone();
        self.world.deaths_left -= 1;
    }

    fn watch(&mut self, process: usize) {
        let seen = self.world.gate.epoch();
        self.process(process).seen_epoch = seen;
        self.send(process, Command::RecordGate { job: None });
    }

    /// A process ends when it has nothing left to do.
    fn bury(&mut self, process: usize) {
        if self.world.processes[process].is_done() {
            *self.process(process) = Process::gone();
        }
    }

    /// What must hold in every state.
    fn check(&mut self) {
        for (key, plan) in (0..).zip(&self.bounds.keys) {
            let happened = self.world.effects[usize::from(key)].happened;
            if !plan.may_repeat && happened > 1 {
                self.broken.push(Broken::SecondEffect);
            }
            if self.world.attempts_in_executor(key) > 1 {
                self.broken.push(Broken::TwoAtOnce);
            }
            let record = self.world.ledger.record(key);
            self.broken.extend(record.and_then(|record| false_claim(&record, happened > 0)));
        }
    }
}

/// What a record says of the effect, against what happened.
fn false_claim(record: &KeyRecord, has_happened: bool) -> Option<Broken> {
    let denies = match record.standing {
        Standing::Failed => true,
        Standing::Open => !record.may_have_effect,
        Standing::Started | Standing::Succeeded | Standing::InDoubt => false,
    };
    let invents = record.standing == Standing::Succeeded && !has_happened;
    let broken = [(denies && has_happened, Broken::EffectDenied), (invents, Broken::EffectInvented)];
    broken.into_iter().find_map(|(is_broken, broken)| is_broken.then_some(broken))
}

impl World {
    fn is_write_locked(&self) -> bool {
        self.processes.iter().any(|process| process.writer.phase.is_in_transaction())
    }

    /// Whether somebody holds the byte of this epoch alone.
    fn is_settled_over(&self, epoch: u64) -> bool {
        self.processes.iter().filter_map(|process| process.settled_below()).any(|below| epoch < below)
    }

    /// Whether a stop is still to come.
    fn will_stop(&self) -> bool {
        let is_to_come = |job: &Job| {
            matches!(job, Job::Stop { phase: StopPhase::Waiting | StopPhase::Latching { .. }, .. })
        };
        self.processes.iter().any(|process| process.jobs.iter().any(is_to_come))
    }

    fn attempts_in_executor(&self, key: u8) -> usize {
        let is_inside = |job: &&Job| {
            matches!(job, Job::Execution(execution) if execution.key == key
                && matches!(execution.phase, ExecutionPhase::Running { .. }))
        };
        self.processes.iter().flat_map(|process| &process.jobs).filter(is_inside).count()
    }
}
