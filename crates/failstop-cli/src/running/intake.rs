//! The thread that reads, and the lines it hands over.

use std::thread;

use decision_schema::InputFault;
use failstop::pipeline::Submission;
use tokio::sync::mpsc;

use crate::input::{Chunk, Chunks, Input};

/// How many chunks may wait to be worked on.
const CHUNKS_AHEAD: usize = 2;

/// What the reading thread has to say.
pub enum Fed {
    /// Lines.
    Chunk(Chunk),
    /// Reading failed with this error number; nothing more comes.
    Broken(i32),
}

/// Reads `input` on a thread of its own, which nobody waits for: it may never come back from a read.
///
/// # Errors
/// Where there is no thread to be had.
pub fn feed(input: Input) -> std::io::Result<mpsc::Receiver<Fed>> {
    let (to, from) = mpsc::channel(CHUNKS_AHEAD);
    thread::Builder::new().name("failstop-input".into()).spawn(move || {
        let mut chunks = Chunks::new(input.source);
        loop {
            let fed = match chunks.next() {
                Ok(None) => return,
                Ok(Some(chunk)) => Fed::Chunk(chunk),
                Err(error) => Fed::Broken(error.raw_os_error().unwrap_or(0)),
            };
            let is_last = matches!(fed, Fed::Broken(_));
            if to.blocking_send(fed).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(from)
}

/// Reads one line; `None` stands for one that is too long.
///
/// # Errors
/// Why it is not executed.
pub fn parse(line: u64, bytes: Option<&[u8]>) -> Result<Submission, InputFault> {
    Submission::parse(Some(line), bytes.ok_or_else(InputFault::line_too_long)?)
}
