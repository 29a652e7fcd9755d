//! Lines of bytes from a file or from standard input, never more of one in memory than a line may have.

mod chunks;
mod lines;
mod opened;

pub use chunks::{Chunk, Chunks};
pub use lines::Lines;
pub use opened::{Input, open, unreadable};
