//! `tracing` spans: one for the execution, one for each attempt, entered where the executor runs, and no secret in them.

use std::{
    fmt::{Debug, Write as _},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use decision_schema::{Action, FinalDecision, Value};
use failstop::{
    Engine, Request,
    executor::{Answer, from_fn},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::support::{object, policy};

/// Writes down every span and event, and which spans are entered.
#[derive(Clone, Default)]
struct Book {
    lines: Arc<Mutex<Vec<String>>>,
    names: Arc<Mutex<Vec<&'static str>>>,
    entered: Arc<Mutex<Vec<u64>>>,
    last: Arc<AtomicU64>,
}

struct Fields<'s>(&'s mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Book {
    fn write(&self, name: &str, record: impl FnOnce(&mut Fields<'_>)) {
        let mut line = name.to_owned();
        record(&mut Fields(&mut line));
        self.lines.lock().unwrap().push(line);
    }

    fn stack(&self) -> Vec<&'static str> {
        let names = self.names.lock().unwrap();
        self.entered.lock().unwrap().iter().map(|id| names[usize::try_from(*id - 1).unwrap()]).collect()
    }
}

impl Subscriber for Book {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("failstop")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(span.metadata().name(), |fields| span.record(fields));
        self.names.lock().unwrap().push(span.metadata().name());
        Id::from_u64(self.last.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn record(&self, _span: &Id, values: &Record<'_>) {
        self.write("record", |fields| values.record(fields));
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write("event", |fields| event.record(fields));
    }

    fn enter(&self, span: &Id) {
        self.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let left = self.entered.lock().unwrap().pop();
        assert_eq!(left, Some(span.into_u64()), "spans are left in the order they were entered");
    }
}

/// Alone in a process: `tracing` asks who listens to a span when any thread first meets it, and keeps the answer, so a
/// test beside this one could have it taken for a span that nobody listens to.
#[test]
fn an_execution_and_each_attempt_have_a_span_around_the_executor() {
    const ALONE: &str = "FAILSTOP_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        return runtime.block_on(spans_of_one_execution());
    }
    let name = "spans::an_execution_and_each_attempt_have_a_span_around_the_executor";
    let alone = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success() && said.contains("1 passed"), "{said}");
}

async fn spans_of_one_execution() {
    const CANARY: &str = "canary-55ad0c1e9b";
    let book = Book::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (watched, stacks) = (book.clone(), Arc::clone(&seen));
    let executor = from_fn(move |attempt| {
        let (watched, stacks) = (watched.clone(), Arc::clone(&stacks));
        let is_first = attempt.attempt_number == 0;
        async move {
            tokio::task::yield_now().await;
            stacks.lock().unwrap().push(watched.stack());
            if is_first { Answer::not_applied().with_code(CANARY.to_owned()) } else { Answer::applied() }
        }
    });
    let engine = Engine::builder(policy(|_| {})).executor(executor).build().unwrap();
    let mut decision = FinalDecision::new(Action::Act);
    decision.params = Some(object([("api_key", Value::from(CANARY))]));
    let context = object([]);
    let _guard = tracing::subscriber::set_default(book.clone());
    let report = engine.execute(&Request::new(&decision, &context)).await;

    assert_eq!(report.attempts.len(), 2);
    assert_eq!(*seen.lock().unwrap(), [["execution", "attempt"], ["execution", "attempt"]]);
    assert_eq!(*book.names.lock().unwrap(), ["execution", "attempt", "attempt"]);
    assert!(book.stack().is_empty());
    let lines = book.lines.lock().unwrap().join("\n");
    assert!(lines.contains(&format!("id={}", report.execution_id)), "{lines}");
    assert!(!lines.contains(CANARY), "INV-EXE-5: {lines}");
}
