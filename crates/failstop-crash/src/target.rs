//! The target of effects: a file that outlives whoever writes to it. One effect is one short line, appended by one
//! write, so that no two can mix and none can be half there.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use decision_schema::Value;

/// One effect, as the target saw it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// The idempotency key.
    pub key: String,
    /// The attempt's fence.
    pub fence: u64,
    /// The attempt, from 0.
    pub attempt: u32,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.key, self.fence, self.attempt)
    }
}

impl Seen {
    /// The effect that a request asks for, as programs and servers get it.
    pub fn asked_for_by(request: &Value) -> Option<Self> {
        let number = |name: &str| request.get(name).and_then(Value::as_i64);
        Some(Self {
            key: request.get("idempotency_key").and_then(Value::as_str)?.to_owned(),
            fence: number("fence").and_then(|fence| u64::try_from(fence).ok())?,
            attempt: number("attempt_number").and_then(|attempt| u32::try_from(attempt).ok())?,
        })
    }
}

/// Has this effect.
///
/// # Errors
/// Where the file cannot be written; then nothing happened.
pub fn act(target: &Path, effect: &Seen) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(target)?;
    file.write_all(format!("{effect}\n").as_bytes())
}

/// All effects so far, in their order; none where nothing was ever done.
///
/// # Errors
/// Where the file cannot be read, or has something in it that is no effect.
pub fn effects(target: &Path) -> io::Result<Vec<Seen>> {
    let text = match fs::read_to_string(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let read = |line| seen(line).ok_or_else(|| io::Error::other("the target has a line that is no effect"));
    text.lines().map(read).collect()
}

fn seen(line: &str) -> Option<Seen> {
    let mut words = line.split(' ');
    let seen = Seen {
        key: words.next()?.to_owned(),
        fence: words.next()?.parse().ok()?,
        attempt: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some(seen)
}
