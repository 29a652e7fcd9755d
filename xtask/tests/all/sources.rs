//! What holds of every source file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{output_of, root};

const MAX_LINES: usize = 700;

/// All Rust files below `directory`, but for what is built or made by tools.
fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn no_file_is_too_long_to_read() {
    let files = rust_files(root());
    assert!(files.len() > 50, "the files were not found");
    let length = |path: &PathBuf| fs::read_to_string(path).unwrap().lines().count();
    let long: Vec<&PathBuf> = files.iter().filter(|path| length(path) >= MAX_LINES).collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn cores_know_no_std_and_no_unsafe() {
    let crates = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let pure: Vec<PathBuf> = crates
        .filter(|path| path.ends_with("decision-schema") || path.to_string_lossy().ends_with("-core"))
        .collect();
    assert!(pure.len() >= 2);
    for path in pure {
        let lib = fs::read_to_string(path.join("src/lib.rs")).unwrap();
        for line in ["#![no_std]", "#![forbid(unsafe_code)]"] {
            assert!(lib.lines().any(|candidate| candidate == line), "{} lacks {line}", path.display());
        }
    }
}

/// A clone has only what is committed. Where there is no git (a source archive), there is nothing to ask.
#[test]
fn nothing_that_is_committed_reads_beside_the_clone() {
    // Put together here, so that this file does not find itself.
    let beside = concat!("..", "/shared");
    let found = output_of("git", &["grep", "--name-only", "--fixed-strings", "-e", beside]);
    let is_clone = root().join(".git").exists();
    assert!(!is_clone || found.status.code() == Some(1), "{}", String::from_utf8_lossy(&found.stdout));
}
