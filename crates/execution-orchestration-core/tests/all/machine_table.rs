//! The transition table: every phase meets every input, in one snapshot, which also makes the diagram of the docs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use decision_schema::Action;
use execution_orchestration_core::{
    model::{Effect, EffectClass, ReasonCode, Stopped, WaitReason},
    orchestrator::{
        Admission, Ended, Input, Lookup, Machine, Output, Outputs, PermitRefusal, Phase, Prior, StartRefusal,
    },
    plan::{Plan, Subject},
    policies::{ExecutionPolicy, IdempotencyPolicy, OnInProgress, PolicySpec},
    stop::{Level, Scope, StopCode, Verdict},
};

use crate::machine_driver::at;

/// A way into a phase: its name in the table, and the legal inputs that lead there, each with its moment.
type Way = (&'static str, Vec<(u64, Input)>);

fn policy() -> ExecutionPolicy {
    let idempotency = IdempotencyPolicy {
        enabled: true,
        on_in_progress: OnInProgress::Wait,
        ..IdempotencyPolicy::default()
    };
    ExecutionPolicy::new(PolicySpec { idempotency, max_concurrency: 4, ..PolicySpec::default() }).unwrap()
}

fn machine(policy: &ExecutionPolicy) -> Machine<'_> {
    let subject = Subject {
        action: Action::Act,
        params: None,
        throttle_ms: 0,
        cooldown_ms: 0,
        policy,
        executor: "table",
        effect_class: EffectClass::KeyedIdempotent,
    };
    Machine::new(Plan::new(subject), true)
}

fn admission(level: Level) -> Admission {
    Admission { verdict: gate(level), allowed: true, refusal: None, throttle_ms: 0 }
}

fn admit() -> Input {
    Input::Admit(admission(Level::Run))
}

fn gate(level: Level) -> Verdict {
    Verdict::new(level, StopCode::Stopped, Scope::Global, 1)
}

const STARTED: Input = Input::Started { at_ms: 1_700_000_000_000 };

fn finished(attempt: u32, effect: Effect) -> Input {
    Input::Finished { attempt, ended: Ended::answered(effect, None, None) }
}

/// One way into every phase before any attempt, then the same with attempt 0 behind it.
fn ways() -> Vec<Way> {
    let lookup = || vec![(0, admit())];
    let acquiring = || [lookup(), vec![(10, Input::LookedUp(Lookup::Fresh))]].concat();
    let starting = || [acquiring(), vec![(20, Input::Granted(None))]].concat();
    let running = || [starting(), vec![(30, STARTED)]].concat();
    let waiting = || [running(), vec![(40, finished(0, Effect::NotApplied))]].concat();
    let acquiring_1 = || [waiting(), vec![(140, Input::Tick)]].concat();
    let starting_1 = || [acquiring_1(), vec![(150, Input::Granted(None))]].concat();
    let running_1 = || [starting_1(), vec![(160, STARTED)]].concat();
    let throttled = Admission { throttle_ms: 500, ..admission(Level::Run) };
    let timed_out = |way: Vec<(u64, Input)>| {
        let started_at = way.last().unwrap().0;
        [way, vec![(started_at + 5000, Input::Tick)]].concat()
    };
    let killed = |way: Vec<(u64, Input)>| {
        let told_at = way.last().unwrap().0;
        [way, vec![(told_at + 1750, Input::Tick)]].concat()
    };
    vec![
        ("New", vec![]),
        ("LookingUp", lookup()),
        ("AwaitingKey", [lookup(), vec![(10, Input::LookedUp(Lookup::InProgress))]].concat()),
        ("Waiting 0 (throttle)", vec![(0, Input::Admit(throttled)), (10, Input::LookedUp(Lookup::Fresh))]),
        ("Acquiring 0", acquiring()),
        ("Starting 0", starting()),
        ("Starting 0, stop heard", [starting(), vec![(25, Input::GateChanged(gate(Level::Stop)))]].concat()),
        ("Starting 0, cancelled", [starting(), vec![(25, Input::Cancel)]].concat()),
        ("Running 0", running()),
        ("Stopping 0 (gate)", [running(), vec![(35, Input::GateChanged(gate(Level::Stop)))]].concat()),
        ("Stopping 0 (cancelled)", [running(), vec![(35, Input::Cancel)]].concat()),
        ("Stopping 0 (timeout)", timed_out(running())),
        ("Killing 0 (timeout)", killed(timed_out(running()))),
        ("Killing 0 (halt)", [running(), vec![(35, Input::GateChanged(gate(Level::Halt)))]].concat()),
        ("Recording 0 (success)", [running(), vec![(40, finished(0, Effect::Applied))]].concat()),
        ("Done (denied)", vec![(0, Input::Admit(admission(Level::Drain)))]),
        ("Waiting 1", waiting()),
        ("Acquiring 1", acquiring_1()),
        ("Starting 1", starting_1()),
        ("Running 1", running_1()),
        ("Stopping 1 (timeout)", timed_out(running_1())),
        ("Killing 1 (timeout)", killed(timed_out(running_1()))),
        ("Recording 1 (rejected)", [running_1(), vec![(170, finished(1, Effect::Rejected))]].concat()),
        (
            "Done (success)",
            [running_1(), vec![(170, finished(1, Effect::Applied)), (180, Input::Recorded)]].concat(),
        ),
    ]
}

/// Every input in its variants; `None` as a moment means "10 ms later", `Some` a moment far enough for every deadline.
fn inputs(running: u32) -> Vec<(String, Option<u64>, Input)> {
    let mut all: Vec<(String, Option<u64>, Input)> = Vec::new();
    let mut add = |name: &str, input: Input| all.push((name.to_owned(), None, input));
    add("Admit", admit());
    add("Admit gate=drain", Input::Admit(admission(Level::Drain)));
    add("Admit not allowed", Input::Admit(Admission { allowed: false, ..admission(Level::Run) }));
    let refusal = Some(ReasonCode::NoExecutor);
    add("Admit refused", Input::Admit(Admission { refusal, ..admission(Level::Run) }));
    for (name, lookup) in lookups() {
        add(&format!("LookedUp {name}"), Input::LookedUp(lookup));
    }
    add("KeyFreed", Input::KeyFreed);
    add("Granted", Input::Granted(Some(WaitReason::RateLimit)));
    add("NotGranted rate", Input::NotGranted(PermitRefusal::RateLimited));
    add("NotGranted stuck", Input::NotGranted(PermitRefusal::ExecutorStuck));
    add("NotGranted no retry", Input::NotGranted(PermitRefusal::NoRetry));
    add("Started", STARTED);
    add("NotStarted gate", Input::NotStarted(StartRefusal::Gate(gate(Level::Stop))));
    for (name, lookup) in lookups() {
        add(&format!("NotStarted race {name}"), Input::NotStarted(StartRefusal::Race(lookup)));
    }
    add("NotStarted ledger", Input::NotStarted(StartRefusal::LedgerUnavailable));
    for effect in Effect::ALL {
        add(&format!("Finished {effect}"), finished(running, *effect));
    }
    add("Finished broke", Input::Finished { attempt: running, ended: Ended::broke("RuntimeError".into()) });
    add("Finished other attempt", finished(running + 1, Effect::Applied));
    add("Halted confirmed", Input::Halted { attempt: running, stopped: Stopped::Confirmed });
    add("Halted unconfirmed", Input::Halted { attempt: running, stopped: Stopped::Unconfirmed });
    add("Halted other attempt", Input::Halted { attempt: running + 1, stopped: Stopped::Confirmed });
    add("Recorded", Input::Recorded);
    add("RecordLost", Input::RecordLost);
    for level in Level::ALL {
        add(&format!("GateChanged {level}"), Input::GateChanged(gate(*level)));
    }
    add("Cancel", Input::Cancel);
    all.push(("Tick early".to_owned(), Some(0), Input::Tick));
    all.push(("Tick due".to_owned(), Some(1), Input::Tick));
    all.push(("Finished applied, far too late".to_owned(), Some(2), finished(running, Effect::Applied)));
    all
}

fn lookups() -> [(&'static str, Lookup); 9] {
    [
        ("fresh", Lookup::Fresh),
        ("resumable", Lookup::Resumable(Prior { attempts: 2, unknown: true })),
        ("resumable, spent", Lookup::Resumable(Prior { attempts: 4, unknown: true })),
        ("in progress", Lookup::InProgress),
        ("finished", Lookup::Finished),
        ("in doubt", Lookup::InDoubt),
        ("reused", Lookup::Refused(ReasonCode::IdempotencyKeyReused)),
        ("expired", Lookup::Refused(ReasonCode::IdempotencyKeyExpired)),
        ("unavailable", Lookup::Unavailable),
    ]
}

struct Row {
    phase: &'static str,
    from: &'static str,
    input: String,
    outputs: Vec<Output>,
    to: &'static str,
    moved: bool,
    text: String,
}

fn rows() -> Vec<Row> {
    let policy = policy();
    let mut rows = Vec::new();
    for (name, way) in ways() {
        let attempt = u32::from(name.contains('1') || name == "Done (success)");
        for (input_name, moment, input) in inputs(attempt) {
            let mut machine = machine(&policy);
            let now_ms = walk(&mut machine, &way);
            assert!(name.starts_with(state(machine.phase())), "{name} is {:?}", machine.phase());
            let due_ms = machine.poll_timeout().map_or(now_ms + 10, |due| due.ms_since(at(0)));
            let moment = match moment {
                Some(1) => due_ms,
                Some(2) => 31_000,
                _ => now_ms + 10,
            };
            rows.push(row(name, &mut machine, moment, input_name, input));
        }
    }
    rows
}

fn walk(machine: &mut Machine<'_>, way: &[(u64, Input)]) -> u64 {
    let mut out = Outputs::new();
    for (at_ms, input) in way {
        machine.handle(at(*at_ms), input.clone(), &mut out);
        while out.next().is_some() {}
    }
    way.last().map_or(0, |(at_ms, _)| *at_ms)
}

fn row(name: &'static str, machine: &mut Machine<'_>, moment: u64, input: String, given: Input) -> Row {
    let before = machine.phase();
    let mut out = Outputs::new();
    machine.handle(at(moment), given, &mut out);
    let outputs: Vec<Output> = std::iter::from_fn(|| out.next()).collect();
    let after = machine.phase();
    let ordered = if outputs.is_empty() {
        "-".to_owned()
    } else {
        outputs.iter().map(output_text).collect::<Vec<_>>().join(" ")
    };
    let to = if after == before { "=".to_owned() } else { phase_text(after) };
    let ended = match (state(after), state(before) == "Done", machine.conclusion()) {
        ("Done" | "Recording", false, Some(end)) if after != before => format!(
            " [{} {} {}{}]",
            end.status,
            end.outcome,
            end.reason_code.map_or("-", ReasonCode::as_str),
            if end.fail_closed { " fail_closed" } else { "" }
        ),
        ("Done", false, None) => " [replay]".to_owned(),
        _ => String::new(),
    };
    let text = format!("{name} | {input} | {ordered} | {to}{ended}");
    Row { phase: name, from: state(before), input, outputs, to: state(after), moved: after != before, text }
}

/// The phase's bare name.
fn state(phase: Phase) -> &'static str {
    match phase {
        Phase::New => "New",
        Phase::LookingUp => "LookingUp",
        Phase::AwaitingKey => "AwaitingKey",
        Phase::Waiting { .. } => "Waiting",
        Phase::Acquiring { .. } => "Acquiring",
        Phase::Starting { .. } => "Starting",
        Phase::Running { .. } => "Running",
        Phase::Stopping { .. } => "Stopping",
        Phase::Killing { .. } => "Killing",
        Phase::Recording { .. } => "Recording",
        Phase::Done => "Done",
    }
}

fn phase_text(phase: Phase) -> String {
    let ms = |moment: execution_orchestration_core::time::Timestamp| moment.ms_since(at(0));
    match phase {
        Phase::Waiting { attempt, until } => format!("Waiting {attempt} until {}", ms(until)),
        Phase::Acquiring { attempt } => format!("Acquiring {attempt}"),
        Phase::Starting { attempt } => format!("Starting {attempt}"),
        Phase::Running { attempt, deadline, .. } => format!("Running {attempt} until {}", ms(deadline)),
        Phase::Stopping { attempt, kill_at, give_up_at, cause, .. } => {
            format!("Stopping {attempt} ({cause:?}) kill {} give up {}", ms(kill_at), ms(give_up_at))
        }
        Phase::Killing { attempt, give_up_at, cause } => {
            format!("Killing {attempt} ({cause:?}) give up {}", ms(give_up_at))
        }
        Phase::Recording { attempt } => format!("Recording {attempt}"),
        Phase::New | Phase::LookingUp | Phase::AwaitingKey | Phase::Done => state(phase).to_owned(),
    }
}

fn output_text(output: &Output) -> String {
    match output {
        Output::LookUp => "LookUp".to_owned(),
        Output::AwaitKey => "AwaitKey".to_owned(),
        Output::AskPermits => "AskPermits".to_owned(),
        Output::Start { attempt } => format!("Start({attempt})"),
        Output::Signal { attempt } => format!("Signal({attempt})"),
        Output::Kill { attempt } => format!("Kill({attempt})"),
        Output::Record { attempt, state } => format!("Record({attempt},{state:?})"),
        Output::Release => "Release".to_owned(),
        Output::Note(_) => "note".to_owned(),
        Output::Done => "Done".to_owned(),
    }
}

/// INV-EXE-1..4 rest on this table: whoever changes a row sees it here.
#[test]
fn every_phase_meets_every_input() {
    let mut table =
        String::from("phase | input | outputs | next phase [report], times in ms since admission\n");
    let mut last = "";
    for row in rows() {
        if row.phase != last {
            table.push('\n');
            last = row.phase;
        }
        writeln!(table, "{}", row.text).unwrap();
    }
    insta::assert_snapshot!("machine_table", table);
}

/// Late and repeated inputs are noted and change nothing: where nothing is ordered, nothing moves.
#[test]
fn what_is_noted_changes_nothing() {
    for row in rows() {
        let is_noted = row.outputs.len() == 1 && matches!(row.outputs[0], Output::Note(_));
        assert!(!is_noted || !row.moved, "{}", row.text);
        if row.from == "Done" {
            let only_notes = row.outputs.iter().all(|output| matches!(output, Output::Note(_)));
            assert!(!row.moved && only_notes, "{}", row.text);
        }
    }
}

/// The page with the diagram, drawn from the table's rows.
fn page() -> String {
    let mut edges: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    for row in rows().into_iter().filter(|row| row.moved) {
        let word = row.input.split([' ', ',']).next().unwrap_or_default().to_owned();
        edges.entry((row.from, row.to)).or_default().insert(word);
    }
    let mut page = String::from(
        "# The machine\n\n\
         One execution moves through these phases. Drawn from the transition table that the tests of\n\
         `execution-orchestration-core` observe (`tests/all/machine_table.rs`, which also rewrites this page); the table\n\
         itself, every phase and every input with what is ordered, is the snapshot beside it.\n\n\
         ```mermaid\nstateDiagram-v2\n    [*] --> New\n",
    );
    for ((from, to), inputs) in edges {
        let inputs: Vec<_> = inputs.into_iter().collect();
        writeln!(page, "    {from} --> {to}: {}", inputs.join(", ")).unwrap();
    }
    page.push_str("    Done --> [*]\n```\n");
    page
}

#[test]
fn the_diagram_in_the_docs_is_in_step() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let path = docs.join("machine.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(docs).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/machine.md is out of step; UPDATE_DOCS=1 cargo test rewrites it");
}

/// Two processes ran the same lines, each waiting for what the other had begun. Whoever waits for a key looks it up and
/// waits again in turns, each order being the answer to the one before, so that the orders were never seen to be used up;
/// after the sixth there was no room for another, and the program ended itself.
#[test]
fn a_key_may_be_waited_for_as_often_as_it_takes() {
    let policy = policy();
    let mut machine = machine(&policy);
    let mut out = Outputs::new();
    machine.handle(at(0), admit(), &mut out);
    for round in 1..1000 {
        assert!(matches!(out.next(), Some(Output::LookUp)));
        machine.handle(at(round), Input::LookedUp(Lookup::InProgress), &mut out);
        assert!(matches!(out.next(), Some(Output::AwaitKey)));
        machine.handle(at(round), Input::KeyFreed, &mut out);
    }
    assert!(matches!(out.next(), Some(Output::LookUp)));
    assert!(out.next().is_none());
}
