//! The VFS itself: a copy of `unix` that opens files of our own and counts deletions.
#![allow(unsafe_code, reason = "SQLite knows a VFS as a C structure with C functions")]

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::OnceLock;

use libsqlite3_sys::{
    SQLITE_OK, SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_SUPER_JOURNAL, SQLITE_OPEN_WAL,
    sqlite3_file, sqlite3_filename, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use super::InstallError;
use super::control::{Control, Operation};
use super::file_methods::ShimFile;
use super::plan::FaultPlan;
use super::real_file::method;

const NAME: &CStr = c"failstop-faults";
const COUNTED: c_int =
    SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// What the C functions below find again: the VFS underneath and the control of the process.
struct Installed {
    real: *mut sqlite3_vfs,
    control: Control,
}

// SAFETY: the VFS underneath is a static of SQLite, which itself calls it from every thread.
unsafe impl Send for Installed {}
// SAFETY: as above; the control is shared by design.
unsafe impl Sync for Installed {}

/// Makes this VFS the default of the process, once.
pub(super) fn register(plan: FaultPlan) -> Result<&'static Control, InstallError> {
    // SAFETY: the name is a C string. SQLite initialises itself on the first call.
    let real = unsafe { sqlite3_vfs_find(c"unix".as_ptr()) };
    if real.is_null() {
        return Err(InstallError::NoUnixVfs);
    }
    let installed = Installed { real, control: Control::new(plan) };
    INSTALLED.set(installed).map_err(|_| InstallError::AlreadyInstalled)?;
    // SAFETY: the structure was just made and is never freed; its functions find what they need in `INSTALLED`.
    let code = unsafe { sqlite3_vfs_register(Box::into_raw(Box::new(shim_over(real))), 1) };
    if code == SQLITE_OK { Ok(control()) } else { Err(InstallError::Refused { code }) }
}

/// The control of this process. Only called once the VFS is registered.
pub(super) fn control() -> &'static Control {
    &installed().control
}

fn installed() -> &'static Installed {
    INSTALLED.get().expect("the VFS is used only once it is installed")
}

/// A copy, so that what is not replaced is the very function of `unix`, and finds the data of `unix`.
fn shim_over(real: *mut sqlite3_vfs) -> sqlite3_vfs {
    // SAFETY: SQLite answered with a registered VFS, which stays.
    let real = unsafe { *real };
    let own_bytes = c_int::try_from(size_of::<ShimFile>()).expect("it is a handful of bytes");
    sqlite3_vfs {
        szOsFile: own_bytes + real.szOsFile,
        pNext: ptr::null_mut(),
        zName: NAME.as_ptr(),
        xOpen: Some(open),
        xDelete: Some(delete),
        ..real
    }
}

unsafe extern "C" fn open(
    _vfs: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let vfs = installed().real;
    // SAFETY: SQLite gives `szOsFile` bytes for the file, enough for ours and the one behind it, and the other
    // arguments as `unix` expects them. Without methods there is no file, and SQLite will not close it.
    unsafe {
        let real = ShimFile::real_place(file);
        let code = method!((*vfs), xOpen)(vfs, name, real, flags, flags_out);
        if (*real).pMethods.is_null() {
            (*file).pMethods = ptr::null();
        } else {
            ShimFile::open(file, counted_path(name, flags));
        }
        code
    }
}

/// # Safety
/// `name` is null or a C string.
unsafe fn counted_path(name: sqlite3_filename, flags: c_int) -> Option<PathBuf> {
    if name.is_null() || flags & COUNTED == 0 {
        return None;
    }
    // SAFETY: by the caller's word.
    Some(unsafe { path_of(name) }.to_owned())
}

/// # Safety
/// `name` is a C string that outlives the answer.
unsafe fn path_of<'a>(name: *const c_char) -> &'a Path {
    // SAFETY: by the caller's word.
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()))
}

/// SQLite deletes by name only what is counted when open: journals and WALs.
unsafe extern "C" fn delete(_vfs: *mut sqlite3_vfs, name: *const c_char, sync_directory: c_int) -> c_int {
    let vfs = installed().real;
    // SAFETY: SQLite names a file by a C string, and the VFS underneath stays.
    let (path, delete) = unsafe { (path_of(name), || method!((*vfs), xDelete)(vfs, name, sync_directory)) };
    control().carry_out(Operation::Delete { path, delete: &delete })
}
