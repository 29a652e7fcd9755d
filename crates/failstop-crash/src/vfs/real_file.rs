//! A file of the VFS underneath, opened by SQLite and used while one of its methods runs.
#![allow(unsafe_code, reason = "SQLite hands out files as C structures with tables of C functions")]

use std::ffi::c_int;
use std::marker::PhantomData;
use std::ops::Range;

use libsqlite3_sys::{SQLITE_OK, sqlite3_file, sqlite3_int64, sqlite3_io_methods};

/// The version of the method table that this VFS passes through, shared memory and mapped pages included.
pub(super) const METHODS_VERSION: c_int = 3;

/// An open file of the VFS underneath, borrowed for one call of SQLite.
#[derive(Clone, Copy)]
pub(super) struct RealFile<'a> {
    file: *mut sqlite3_file,
    methods: &'a sqlite3_io_methods,
    call: PhantomData<&'a mut sqlite3_file>,
}

/// A method of the VFS underneath or of one of its files, which `unix` always has.
macro_rules! method {
    ($table:expr, $name:ident) => {
        $table.$name.expect("the unix VFS has every method")
    };
}
pub(super) use method;

impl<'a> RealFile<'a> {
    /// # Safety
    /// `file` is open in the VFS underneath, and stays so, used by this thread alone, for `'a`.
    pub unsafe fn new(file: *mut sqlite3_file) -> Self {
        // SAFETY: an open file points to a method table that outlives it.
        let methods = unsafe { &*(*file).pMethods };
        assert!(methods.iVersion >= METHODS_VERSION, "the unix VFS speaks version 3");
        Self { file, methods, call: PhantomData }
    }

    /// The file, for the methods that are only passed through.
    pub fn as_ptr(self) -> *mut sqlite3_file {
        self.file
    }

    /// Its method table.
    pub fn methods(self) -> &'a sqlite3_io_methods {
        self.methods
    }

    /// Writes all bytes.
    pub fn write(self, bytes: &[u8], offset: u64) -> c_int {
        // SAFETY: the file is open (see `new`), and the bytes are read within the call.
        unsafe {
            method!(self.methods, xWrite)(
                self.file,
                bytes.as_ptr().cast(),
                amount(bytes.len()),
                signed(offset),
            )
        }
    }

    /// Cuts or grows the file.
    pub fn truncate(self, size: u64) -> c_int {
        // SAFETY: the file is open (see `new`).
        unsafe { method!(self.methods, xTruncate)(self.file, signed(size)) }
    }

    /// Brings the file to the disk.
    pub fn sync(self, flags: c_int) -> c_int {
        // SAFETY: the file is open (see `new`).
        unsafe { method!(self.methods, xSync)(self.file, flags) }
    }

    /// Its size in bytes, or SQLite's code.
    pub fn size(self) -> Result<u64, c_int> {
        let mut size = 0;
        // SAFETY: the file is open (see `new`), and `size` is written within the call.
        let code = unsafe { method!(self.methods, xFileSize)(self.file, &raw mut size) };
        checked(code).map(|()| u64::try_from(size).expect("a size is not negative"))
    }

    /// The bytes of a range that lies within the file (an empty or reversed one holds none), or SQLite's code.
    pub fn read(self, range: Range<u64>) -> Result<Vec<u8>, c_int> {
        let len = usize::try_from(range.end.saturating_sub(range.start)).expect("a file fits in memory");
        let mut bytes = vec![0; len];
        if !bytes.is_empty() {
            let at = signed(range.start);
            // SAFETY: the file is open (see `new`), and the buffer holds as many bytes as are asked for.
            checked(unsafe {
                method!(self.methods, xRead)(self.file, bytes.as_mut_ptr().cast(), amount(len), at)
            })?;
        }
        Ok(bytes)
    }
}

fn checked(code: c_int) -> Result<(), c_int> {
    if code == SQLITE_OK { Ok(()) } else { Err(code) }
}

fn amount(len: usize) -> c_int {
    c_int::try_from(len).expect("SQLite moves less than 2 GiB at a time")
}

fn signed(offset: u64) -> sqlite3_int64 {
    sqlite3_int64::try_from(offset).expect("offsets of files are signed")
}
