//! Where lines come from.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::exit::Failure;

/// An input that is open.
pub struct Input {
    /// To be read from.
    pub source: Box<dyn Read + Send>,
    /// Whether it has an end that is there already, so that what is left of it can be counted.
    pub is_file: bool,
}

/// Opens `path`; `-` is standard input.
///
/// # Errors
/// Where it is a directory or cannot be opened.
pub fn open(path: &Path) -> Result<Input, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Input { source: Box::new(io::stdin()), is_file: false });
    }
    let unreadable = |errno: Option<i32>| {
        let why = errno.map_or("it is a directory".to_owned(), |errno| format!("os error {errno}"));
        Failure::Usage(format!("the input cannot be opened: {why} (input_unreadable)"))
    };
    let file = File::open(path).map_err(|error| unreadable(Some(error.raw_os_error().unwrap_or(0))))?;
    let metadata = file.metadata().map_err(|error| unreadable(Some(error.raw_os_error().unwrap_or(0))))?;
    if metadata.is_dir() {
        Err(unreadable(None))
    } else {
        Ok(Input { source: Box::new(file), is_file: metadata.is_file() })
    }
}

/// The failure of an input that cannot be read to its end.
pub fn unreadable() -> Failure {
    Failure::Usage("the input cannot be read on (input_unreadable)".to_owned())
}
