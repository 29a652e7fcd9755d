//! How each target behaves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::request::Request;

/// What is sent back.
pub enum Reply {
    /// A response with at most one more header line.
    Response { status: &'static str, header: &'static str, body: &'static str },
    /// The connection is cut without a word.
    Cut,
    /// Nothing, for as long as the client likes.
    Silence,
}

impl Reply {
    const fn of(status: &'static str) -> Self {
        Self::Response { status, header: "", body: "{}" }
    }

    const fn with_header(status: &'static str, header: &'static str) -> Self {
        Self::Response { status, header, body: "{}" }
    }
}

/// What happened so far, by target.
#[derive(Default)]
pub struct Targets {
    seen: BTreeMap<String, Seen>,
}

#[derive(Default)]
struct Seen {
    requests: u32,
    effects: BTreeSet<String>,
}

impl Targets {
    /// Answers one request, and has its effect where it has one.
    pub fn answer(&mut self, request: &Request) -> Reply {
        let seen = self.seen.entry(request.target.clone()).or_default();
        seen.requests += 1;
        match (request.target.as_str(), seen.requests) {
            ("flaky", 1) => Reply::of("503 Service Unavailable"),
            ("flaky", 2) => Reply::of("429 Too Many Requests"),
            ("busy", 1) => Reply::with_header("429 Too Many Requests", "retry-after: 1\r\n"),
            ("closed-for-lunch", _) => Reply::with_header("429 Too Many Requests", "retry-after: 120\r\n"),
            ("moved", _) => Reply::with_header("302 Found", "location: /elsewhere\r\n"),
            ("missing", _) => Reply::of("404 Not Found"),
            ("hung", _) => Reply::Silence,
            ("cut", 1) => {
                seen.have_effect(request);
                Reply::Cut
            }
            _ => seen.have_effect(request),
        }
    }
}

impl Seen {
    /// The effect, at most once per key.
    fn have_effect(&mut self, request: &Request) -> Reply {
        let is_first = self.effects.insert(request.key.clone());
        let body = if is_first { "{\"done\":true}" } else { "{\"done\":true,\"known\":true}" };
        Reply::Response { status: "200 OK", header: "", body }
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (target, seen) in &self.seen {
            writeln!(f, "{target:<18} requests {}  effects {}", seen.requests, seen.effects.len())?;
        }
        Ok(())
    }
}
