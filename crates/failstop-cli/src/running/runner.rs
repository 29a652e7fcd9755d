//! The loop of `failstop run`.

use std::{fs::File, future::Future, io, pin::Pin, time::Duration};

use failstop::{
    Engine,
    core::{
        model::ExecutionReport,
        report::ReportStyle,
        stop::{Level, Scope},
    },
    invalid_input,
    pipeline::{Pipeline, Submission},
};
use indicatif::ProgressBar;
use tokio::{
    sync::mpsc,
    task::JoinError,
    time::{Sleep, sleep},
};

use super::{
    executions::Executions,
    intake::{Fed, feed, parse},
    order::Order,
    signals::{Asked, Signals},
    sink::{Lost, Sink},
    tally::Tally,
    telling::Hints,
};
use crate::{
    clock,
    exit::{Exit, Failure},
    input::{Input, Lines},
    stderr,
};

/// How long the rest of a file may take to be counted after a signal.
const COUNTING: Duration = Duration::from_millis(500);

/// How a run is made.
#[derive(Debug)]
pub struct RunOptions {
    /// Whether reports come in the order of lines.
    pub ordered: bool,
    /// How much a report says.
    pub style: ReportStyle,
    /// What shows how far it is.
    pub bar: ProgressBar,
    /// Where packets are appended.
    pub packets: Option<File>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// What was counted.
    pub tally: Tally,
    /// What to exit with.
    pub exit: Exit,
}

/// Everything one run has.
pub struct Runner<F> {
    pipeline: Pipeline,
    execute: fn(Pipeline, Submission) -> F,
    style: ReportStyle,
    bar: ProgressBar,
    max_concurrency: usize,
    lines: Lines,
    input: mpsc::Receiver<Fed>,
    /// Whether the rest of the input can be counted.
    is_file: bool,
    stage: Stage,
    /// The place of the next execution.
    place: u64,
    in_flight: Executions<F>,
    order: Option<Order>,
    sink: Sink,
    signals: Signals,
    tally: Tally,
    hints: Hints,
    unread: Unread,
    is_output_closed: bool,
    has_bug: bool,
}

/// How far a run is.
enum Stage {
    /// Lines are read.
    Reading,
    /// All lines are read.
    Ended,
    /// A signal came: no more lines are read, what runs may end until the alarm.
    Draining(Pin<Box<Sleep>>),
    /// What runs has been told to stop.
    Stopping,
    /// Standard output is closed, or a bug showed: no more lines are read, what runs may end.
    Deaf,
}

/// What will not be read.
#[derive(Debug, Default)]
struct Unread {
    lines: u64,
    /// Whether more may follow.
    is_partial: bool,
    has_broken: bool,
}

/// What the loop woke up for.
#[allow(clippy::large_enum_variant, reason = "one lives at a time, and no longer than a turn of the loop")]
enum Event {
    Signal(Asked),
    Alarm,
    Finished(Option<Result<(u64, ExecutionReport), JoinError>>),
    Fed(Option<Fed>),
    Written(bool),
}

impl<F: Future<Output = ExecutionReport> + Send + 'static> Runner<F> {
    /// A run of `input` through `pipeline`, each submission by `execute`. To be made within the runtime.
    ///
    /// # Errors
    /// Where threads or signals are not to be had.
    pub fn new(
        pipeline: Pipeline,
        execute: fn(Pipeline, Submission) -> F,
        input: Input,
        options: RunOptions,
    ) -> io::Result<Self> {
        let max_concurrency =
            usize::try_from(pipeline.engine().policy().max_concurrency()).unwrap_or(usize::MAX);
        let is_file = input.is_file;
        Ok(Self {
            style: options.style,
            max_concurrency,
            lines: Lines::default(),
            input: feed(input)?,
            is_file,
            stage: Stage::Reading,
            place: 0,
            in_flight: Executions::new(),
            order: options.ordered.then(|| Order::new(max_concurrency)),
            sink: Sink::new(options.bar.clone(), options.packets)?,
            bar: options.bar,
            signals: Signals::new()?,
            tally: Tally::default(),
            hints: Hints::default(),
            unread: Unread::default(),
            is_output_closed: false,
            has_bug: false,
            pipeline,
            execute,
        })
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// Where standard output was closed.
    pub async fn run(mut self) -> Result<Run, Failure> {
        loop {
            self.admit().await;
            if self.is_over() {
                break;
            }
            match self.wait().await {
                Event::Signal(Asked::End) => self.escalate(),
                Event::Signal(Asked::Stop) => self.stop_here(),
                Event::Alarm => self.stop(),
                Event::Finished(ended) => self.finish(ended),
                Event::Fed(fed) => self.take_in(fed).await,
                Event::Written(is_open) => self.note_output(is_open),
            }
        }
        self.count_unread().await;
        self.close().await
    }

    /// Begins as many executions as may begin now.
    async fn admit(&mut self) {
        while matches!(self.stage, Stage::Reading | Stage::Ended) && self.has_room() {
            let Some(line) = self.lines.next() else { break };
            let number = line.number;
            match parse(number, line.bytes) {
                Ok(submission) => self.begin(submission).await,
                Err(fault) => {
                    self.tally.bad_lines += 1;
                    self.sink.note(&format!("line {number}: {fault} ({})", fault.code()));
                    let place = self.next_place();
                    self.report(place, &invalid_input(Some(number), clock::unix_ms(), &fault));
                }
            }
            if !self.sink.has_room() {
                self.sink.try_pass_on();
            }
        }
        self.bar.set_position(self.tally.total());
    }

    fn has_room(&self) -> bool {
        self.in_flight.len() < self.max_concurrency
            && self.sink.has_room()
            && self.order.as_ref().is_none_or(|order| order.has_room(self.place))
    }

    fn next_place(&mut self) -> u64 {
        self.place += 1;
        self.place - 1
    }

    async fn begin(&mut self, submission: Submission) {
        let place = self.next_place();
        let execution = (self.execute)(self.pipeline.clone(), submission);
        if let Some(report) = self.in_flight.begin(place, execution).await {
            self.report(place, &report);
        }
    }

    fn report(&mut self, place: u64, report: &ExecutionReport) {
        self.tally.count(report);
        if let Some(hint) = self.hints.on(report) {
            self.sink.note(hint);
        }
        self.sink.packet(report);
        let style = self.style;
        let write = |out: &mut String| {
            report.write_json(style, out);
            out.push('\n');
        };
        match &mut self.order {
            Some(order) => order.put(place, self.sink.reports(), write),
            None => write(self.sink.reports()),
        }
    }

    fn engine(&self) -> &Engine {
        self.pipeline.engine()
    }

    fn is_over(&self) -> bool {
        self.in_flight.len() == 0
            && match self.stage {
                Stage::Reading => false,
                Stage::Ended => self.lines.is_used_up(),
                Stage::Draining(_) | Stage::Stopping | Stage::Deaf => true,
            }
    }

    /// Waits for whatever comes first. What is written is handed over only when no line is ready, so that those who
    /// watch see reports at once, and those who pour lines in do not pay for it.
    async fn wait(&mut self) -> Event {
        let wants_lines = matches!(self.stage, Stage::Reading) && self.lines.is_used_up() && self.has_room();
        let Self { signals, stage, in_flight, input, sink, is_output_closed, .. } = self;
        let may_write = sink.has_text() && !*is_output_closed;
        tokio::select! {
            biased;
            asked = signals.next() => Event::Signal(asked),
            () = alarm(stage) => Event::Alarm,
            ended = in_flight.next(), if in_flight.len() > 0 => Event::Finished(ended),
            fed = input.recv(), if wants_lines => Event::Fed(fed),
            is_open = sink.pass_on(), if may_write => Event::Written(is_open),
        }
    }

    async fn take_in(&mut self, fed: Option<Fed>) {
        match fed {
            Some(Fed::Chunk(chunk)) => {
                self.lines.refill(chunk);
                // Work that never waits would keep the runtime from its timers and signals.
                tokio::task::yield_now().await;
            }
            Some(Fed::Broken(errno)) => {
                self.unread = Unread { has_broken: true, ..Unread::default() };
                self.sink.note(&format!("the input cannot be read on (os error {errno}) (input_unreadable)"));
                self.stage = Stage::Ended;
            }
            None => self.stage = Stage::Ended,
        }
    }

    fn finish(&mut self, ended: Option<Result<(u64, ExecutionReport), JoinError>>) {
        match ended {
            Some(Ok((place, report))) => self.report(place, &report),
            Some(Err(_)) => {
                // Nothing more is begun by a program that is known to be wrong.
                self.has_bug = true;
                self.read_no_more();
            }
            None => {}
        }
    }

    /// SIGUSR1: what runs is stopped, and what still comes in is denied.
    fn stop_here(&mut self) {
        self.engine().gate().engage(Scope::Global, Level::Stop, "SIGUSR1");
        self.sink.note("SIGUSR1: the gate is at stop for as long as this process lives");
    }

    /// The first signal drains, the second halts.
    fn escalate(&mut self) {
        let gate = self.engine().gate();
        match self.stage {
            Stage::Reading | Stage::Ended | Stage::Deaf => {
                gate.engage(Scope::Global, Level::Drain, "signal");
                let grace = Duration::from_millis(self.engine().policy().timeout().grace_ms);
                self.stage = Stage::Draining(Box::pin(sleep(grace)));
                self.sink.note("signal: reading no more lines; a second one kills what runs");
            }
            Stage::Draining(_) | Stage::Stopping => {
                gate.engage(Scope::Global, Level::Halt, "second signal");
                self.stage = Stage::Stopping;
            }
        }
    }

    /// The grace after the first signal is over.
    fn stop(&mut self) {
        self.engine().gate().engage(Scope::Global, Level::Stop, "signal");
        self.stage = Stage::Stopping;
    }

    fn note_output(&mut self, is_open: bool) {
        if !is_open && !self.is_output_closed {
            self.is_output_closed = true;
            self.sink.reports().clear();
            self.read_no_more();
        }
    }

    fn read_no_more(&mut self) {
        if matches!(self.stage, Stage::Reading | Stage::Ended) {
            self.stage = Stage::Deaf;
        }
    }

    /// Counts what is left of the input after a signal: all of a file, what is at hand of anything else.
    async fn count_unread(&mut self) {
        if matches!(self.stage, Stage::Ended) {
            return;
        }
        self.unread.lines += self.lines.count_rest();
        let counted = tokio::time::timeout(if self.is_file { COUNTING } else { Duration::ZERO }, async {
            while let Some(Fed::Chunk(chunk)) = self.input.recv().await {
                self.lines.refill(chunk);
                self.unread.lines += self.lines.count_rest();
            }
        });
        self.unread.is_partial = counted.await.is_err();
    }

    async fn close(self) -> Result<Run, Failure> {
        let Self { sink, mut signals, tally, unread, has_bug, stage, bar, is_output_closed, .. } = self;
        let written = tokio::select! {
            written = sink.close() => written,
            // Whoever asks again does not want to wait for a reader that does not read.
            _ = signals.next() => Err(Lost::Reports),
        };
        bar.finish_and_clear();
        if !matches!(stage, Stage::Ended) {
            stderr::say(&format!("stopped: {unread} left unread"));
        }
        match written {
            Err(Lost::Packets) => return Err(Failure::PacketsUnwritable),
            Ok(()) if !is_output_closed => {}
            Ok(()) | Err(Lost::Reports) => return Err(Failure::OutputClosed),
        }
        let is_done = tally.is_all_done() && unread.lines == 0 && !unread.is_partial && !unread.has_broken;
        let exit = match (has_bug || tally.has_lost_ledger, is_done) {
            (true, _) => Exit::OurFault,
            (false, true) => Exit::Done,
            (false, false) => Exit::NotAllDone,
        };
        Ok(Run { tally, exit })
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at_least = if self.is_partial { "at least " } else { "" };
        write!(f, "{at_least}{} lines", self.lines)
    }
}

async fn alarm(stage: &mut Stage) {
    match stage {
        Stage::Draining(sleep) => sleep.as_mut().await,
        _ => std::future::pending().await,
    }
}

/// Executes one submission.
pub async fn execute(pipeline: Pipeline, submission: Submission) -> ExecutionReport {
    submission.execute(&pipeline).await
}
