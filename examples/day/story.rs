//! What is proposed on that day, and how the world answers. Everything follows from the seed and the number of a
//! proposal, so a proposal that is sent again is the same, and so is the day.

use std::ops::Range;

use decision_schema::{Action, Object, Proposal, Value};

/// Milliseconds since midnight.
pub type Moment = u64;

const SEED: u64 = 20_260_401;
const MINUTE: Moment = 60_000;
pub const HOUR: Moment = 60 * MINUTE;

/// The target fails.
pub const STORM: Range<Moment> = 12 * HOUR + 10 * MINUTE..13 * HOUR + 5 * MINUTE;

/// An operator has stopped everything.
pub const STOPPED: Range<Moment> = 17 * HOUR + 30 * MINUTE..17 * HOUR + 45 * MINUTE;

/// Somebody upstream is ill, and every line says so.
const ILL_UPSTREAM: Range<Moment> = 22 * HOUR..22 * HOUR + 5 * MINUTE;

/// Midnight of the day, Unix time.
const MIDNIGHT_MS: i64 = 1_775_001_600_000;

/// Proposals in each hour.
const AN_HOUR: [u64; 24] = [
    1500, 1200, 1000, 1000, 1200, 1800, 3000, 5000, 6500, 7500, 8000, 8000, 8000, 7500, 7000, 7000, 6800,
    6500, 6000, 5500, 5000, 4200, 3200, 2200,
];

/// A secret that some proposals bring along.
pub const SECRET: &str = "swordfish-and-chips";

/// One proposal on its way: when, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sending {
    pub at: Moment,
    pub step: u64,
    pub is_repeat: bool,
}

/// What is sent.
pub struct Line {
    pub proposal: Proposal,
    pub context: Object,
}

/// All that is sent, in order. One in a hundred is sent twice.
pub fn sendings() -> Vec<Sending> {
    let mut sendings = Vec::new();
    for step in 0..AN_HOUR.iter().sum() {
        let at = moment_of(step);
        sendings.push(Sending { at, step, is_repeat: false });
        if is_one_in(100, step, "again") {
            sendings.push(Sending { at: at + dice(step, "later", 30_000), step, is_repeat: true });
        }
    }
    sendings.sort_unstable();
    sendings
}

/// When proposal `step` is first sent: hours have their own pace, and proposals come unevenly.
fn moment_of(step: u64) -> Moment {
    let (mut hour, mut number) = (0, step);
    while number >= AN_HOUR[hour] {
        number -= AN_HOUR[hour];
        hour += 1;
    }
    let gap = HOUR / AN_HOUR[hour];
    hour as u64 * HOUR + number * gap + dice(step, "moment", gap)
}

/// Proposal `step`.
pub fn line(step: u64) -> Line {
    let at = moment_of(step);
    let mut params = Object::from_iter([("shop:item", dice(step, "item", 5000))]);
    if is_one_in(50, step, "secret") {
        params.insert("shop:api_token", SECRET);
    }
    let proposal = Proposal {
        action: action(step),
        confidence: dice(step, "confidence", 1001) as f64 / 1000.0,
        reasons: vec!["demand".to_owned()],
        params: Some(params),
        run_id: None,
        features_summary: Object::from_iter([("price_cents", dice(step, "price", 90_000))]),
    };
    Line { proposal, context: context(step, at) }
}

fn action(step: u64) -> Action {
    match dice(step, "action", 100) {
        0..72 => Action::Act,
        72..84 => Action::Exit,
        84..93 => Action::Cancel,
        93..98 => Action::Hold,
        _ => Action::Stop,
    }
}

fn context(step: u64, at: Moment) -> Object {
    let now_ms = MIDNIGHT_MS.saturating_add_unsigned(at);
    let age_ms = if is_one_in(120, step, "stale") { 60_000 } else { 2000 };
    let newest_ms = now_ms.saturating_sub_unsigned(dice(step, "age", age_ms));
    let mut context =
        Object::from_iter([("now_ms", Value::from(now_ms)), ("last_event_ts_ms", newest_ms.into())]);
    context.insert("shop:queue", dice(step, "queue", 100));
    if is_one_in(2500, step, "odd") {
        context.insert("errors_in_window", "a few");
    }
    if ILL_UPSTREAM.contains(&at) {
        context.insert("ops_state", "RED");
    }
    context
}

/// What becomes of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Done,
    Refused,
    Busy,
    TooOften,
    /// Somebody hangs up; whether it was done, nobody knows.
    Lost,
    /// The same, but nobody hangs up.
    Hangs,
}

/// How the world answers attempt `number` of proposal `step`, if it comes at `at`.
pub fn fate(step: u64, number: u32, at: Moment) -> Fate {
    let dice = dice(step * 8 + u64::from(number), "fate", 1000);
    if STORM.contains(&at) {
        return match dice {
            0..300 => Fate::Hangs,
            300..550 => Fate::Lost,
            550..750 => Fate::TooOften,
            750..920 => Fate::Busy,
            _ => Fate::Done,
        };
    }
    match dice {
        0..6 => Fate::Busy,
        6..8 => Fate::Refused,
        8 => Fate::Lost,
        _ => Fate::Done,
    }
}

/// How long an attempt takes, milliseconds.
pub fn latency_ms(step: u64, number: u32, at: Moment) -> u64 {
    let most = if STORM.contains(&at) { 2500 } else { 250 };
    20 + dice(step * 8 + u64::from(number), "latency", most)
}

/// Whether what was lost was done all the same.
pub fn is_done_unheard(step: u64) -> bool {
    is_one_in(2, step, "unheard")
}

fn is_one_in(count: u64, step: u64, about: &str) -> bool {
    dice(step, about, count) == 0
}

/// A number below `sides` that looks like chance and is none.
fn dice(step: u64, about: &str, sides: u64) -> u64 {
    let about = about.bytes().fold(SEED, |seed, byte| mixed(seed ^ u64::from(byte)));
    mixed(about ^ step) % sides
}

/// splitmix64, as Steele, Lea and Flood have it (OOPSLA 2014).
const fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
