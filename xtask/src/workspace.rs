//! Where things are, and the cargo that runs us.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// `cargo` with these arguments, in the root of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root());
    command
}

/// Where a binary of the release build stands. This program was built to `target/<profile>/xtask`, wherever the target
/// directory is.
pub fn release_binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let target = own.ancestors().nth(2).map_or_else(|| root().join("target"), Path::to_path_buf);
    target.join("release").join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// A binary of the build to which this program belongs.
pub fn built_binary(name: &str) -> Command {
    Command::new(std::env::current_exe().unwrap_or_default().with_file_name(name))
}

/// A directory below the target directory for what the example `name` leaves behind.
pub fn scratch(name: &str) -> PathBuf {
    root().join("target").join("examples").join(name)
}
