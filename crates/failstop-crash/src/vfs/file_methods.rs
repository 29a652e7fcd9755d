//! The methods of an open file: what is a point goes to the control, the rest straight to the file underneath.
//!
//! Shared memory, locks and mapped pages are passed through, so that WAL works across processes. A file grown
//! by `SQLITE_FCNTL_CHUNK_SIZE` grows past the count: no ledger uses it.
#![allow(unsafe_code, reason = "SQLite calls a file through a table of C functions")]

use std::ffi::{c_int, c_void};
use std::path::{Path, PathBuf};

use libsqlite3_sys::{sqlite3_file, sqlite3_int64, sqlite3_io_methods};

use super::control::{CountedFile, Operation};
use super::real_file::{METHODS_VERSION, RealFile, method};
use super::registration::control;

/// What SQLite allocates for a file of this VFS. The file of the VFS underneath lies directly behind it.
#[repr(C)]
pub(super) struct ShimFile {
    base: sqlite3_file,
    /// The path of a database, WAL or journal; a temporary file has none and is not counted.
    path: Option<Box<PathBuf>>,
}

impl ShimFile {
    /// Where the file underneath lies in the allocation of `file`.
    ///
    /// # Safety
    /// `file` points to an allocation of this VFS's `szOsFile` bytes.
    pub unsafe fn real_place(file: *mut sqlite3_file) -> *mut sqlite3_file {
        // SAFETY: the allocation goes on behind the `ShimFile`, by the caller's word. The place is aligned,
        // because the size of a `ShimFile` is a multiple of its alignment, which is that of a pointer.
        unsafe { file.cast::<Self>().add(1).cast() }
    }

    /// Makes `file` a file of this VFS.
    ///
    /// # Safety
    /// As for [`ShimFile::real_place`], and the file underneath is open.
    pub unsafe fn open(file: *mut sqlite3_file, path: Option<PathBuf>) {
        let shim = Self { base: sqlite3_file { pMethods: &raw const METHODS }, path: path.map(Box::new) };
        // SAFETY: the allocation begins with room for a `ShimFile` and holds nothing that needs dropping.
        unsafe { file.cast::<Self>().write(shim) }
    }

    /// # Safety
    /// `file` was made by [`ShimFile::open`] and is not closed for as long as the answer is used.
    unsafe fn of<'a>(file: *mut sqlite3_file) -> (Option<&'a Path>, RealFile<'a>) {
        // SAFETY: by the caller's word the file is initialised, and so is the one behind it.
        unsafe {
            let shim = &*file.cast::<Self>();
            (shim.path.as_deref().map(PathBuf::as_path), RealFile::new(Self::real_place(file)))
        }
    }
}

/// Methods that are passed through as they are: `name => method(arguments) -> result`.
macro_rules! pass_through {
    ($($name:ident => $method:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)?;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($arg: $ty),*) $(-> $ret)? {
            // SAFETY: SQLite calls this only on a file that we opened, with arguments fit for its method.
            unsafe {
                let (_, real) = ShimFile::of(file);
                method!(real.methods(), $method)(real.as_ptr(), $($arg),*)
            }
        }
    )*};
}

pass_through! {
    read => xRead(buffer: *mut c_void, amount: c_int, offset: sqlite3_int64) -> c_int;
    file_size => xFileSize(size: *mut sqlite3_int64) -> c_int;
    lock => xLock(level: c_int) -> c_int;
    unlock => xUnlock(level: c_int) -> c_int;
    check_reserved_lock => xCheckReservedLock(held: *mut c_int) -> c_int;
    file_control => xFileControl(operation: c_int, argument: *mut c_void) -> c_int;
    sector_size => xSectorSize() -> c_int;
    device_characteristics => xDeviceCharacteristics() -> c_int;
    shm_map => xShmMap(page: c_int, size: c_int, extend: c_int, at: *mut *mut c_void) -> c_int;
    shm_lock => xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier => xShmBarrier();
    shm_unmap => xShmUnmap(delete: c_int) -> c_int;
    fetch => xFetch(offset: sqlite3_int64, amount: c_int, page: *mut *mut c_void) -> c_int;
    unfetch => xUnfetch(offset: sqlite3_int64, page: *mut c_void) -> c_int;
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file that we opened once, and does not use it afterwards.
    unsafe {
        let (_, real) = ShimFile::of(file);
        let code = method!(real.methods(), xClose)(real.as_ptr());
        file.cast::<ShimFile>().drop_in_place();
        code
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    buffer: *const c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let amount = usize::try_from(amount).expect("SQLite writes no negative amount");
    // SAFETY: SQLite calls this only on a file that we opened, with `amount` readable bytes in the buffer.
    let ((path, real), bytes) =
        unsafe { (ShimFile::of(file), std::slice::from_raw_parts(buffer.cast(), amount)) };
    let offset = unsigned(offset);
    match path {
        Some(path) => {
            control().carry_out(Operation::Write { file: CountedFile { path, real }, bytes, offset })
        }
        None => real.write(bytes, offset),
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: SQLite calls this only on a file that we opened.
    let (path, real) = unsafe { ShimFile::of(file) };
    let size = unsigned(size);
    match path {
        Some(path) => control().carry_out(Operation::Truncate { file: CountedFile { path, real }, size }),
        None => real.truncate(size),
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite calls this only on a file that we opened.
    let (path, real) = unsafe { ShimFile::of(file) };
    match path {
        Some(path) => control().carry_out(Operation::Sync { file: CountedFile { path, real }, flags }),
        None => real.sync(flags),
    }
}

fn unsigned(offset: sqlite3_int64) -> u64 {
    u64::try_from(offset).expect("SQLite knows no negative offset")
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: METHODS_VERSION,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};
