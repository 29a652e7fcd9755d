//! The crash matrix in its long mode.

use crate::{
    steps::succeeds,
    workspace::{built_binary, cargo},
};

/// Builds victim and matrix, and lets the matrix have these options.
///
/// The debug build, with all its assertions.
pub fn matrix(options: &[&str]) -> bool {
    succeeds(&mut cargo(&["build", "-p", "failstop-crash", "--bins"]))
        && succeeds(built_binary("crash-matrix").args(options))
}
