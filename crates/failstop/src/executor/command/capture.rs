//! What a program prints: standard output up to a cap, of standard error only the length.

use std::convert::Infallible;

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, ChildStderr, ChildStdout},
};

/// One read's worth; a pipe holds 64 KiB by default.
const CHUNK_BYTES: usize = 16 * 1024;

/// Both streams of one program. They are read on past every cap, so that the program never blocks on a full pipe.
pub(super) struct Capture {
    stdout: Stream<ChildStdout>,
    stderr: Stream<ChildStderr>,
}

impl Capture {
    pub(super) fn new(leader: &mut Child, max_output_bytes: usize) -> Self {
        Self {
            stdout: Stream::new(leader.stdout.take(), max_output_bytes),
            stderr: Stream::new(leader.stderr.take(), 0),
        }
    }

    /// Reads until both streams have ended. Safe to drop and to call again.
    pub(super) async fn read_to_end(&mut self) {
        tokio::join!(self.stdout.read_to_end(), self.stderr.read_to_end());
    }

    /// Reads for as long as it is polled.
    pub(super) async fn read_for_ever(&mut self) -> Infallible {
        self.read_to_end().await;
        std::future::pending().await
    }

    /// Standard output, unless some of it was cut.
    pub(super) fn whole_stdout(&self) -> Option<&[u8]> {
        (self.stdout.total_bytes == self.stdout.kept.len() as u64).then_some(&self.stdout.kept)
    }

    pub(super) fn stdout_bytes(&self) -> u64 {
        self.stdout.total_bytes
    }

    pub(super) fn stderr_bytes(&self) -> u64 {
        self.stderr.total_bytes
    }
}

/// `pipe` is gone once it has ended.
struct Stream<P> {
    pipe: Option<P>,
    kept: Vec<u8>,
    cap: usize,
    total_bytes: u64,
}

impl<P: AsyncRead + Unpin> Stream<P> {
    fn new(pipe: Option<P>, cap: usize) -> Self {
        Self { pipe, kept: Vec::new(), cap, total_bytes: 0 }
    }

    async fn read_to_end(&mut self) {
        let mut chunk = Vec::new();
        while let Some(pipe) = &mut self.pipe {
            chunk.resize(CHUNK_BYTES, 0);
            match pipe.read(&mut chunk).await {
                Ok(0) | Err(_) => self.pipe = None,
                Ok(len) => self.keep(&chunk[..len]),
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.cap - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.total_bytes += bytes.len() as u64;
    }
}
