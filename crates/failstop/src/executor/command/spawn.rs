//! Starting a program, and what it means when that fails: nothing has happened yet, so it is never unknown.

use std::{
    env,
    fs::File,
    io::{self, Seek, Write},
    os::fd::OwnedFd,
    process::Stdio,
};

use command_fds::CommandFdExt;
use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create},
    io::Errno,
};
use tokio::process::{Child, Command};

use super::CommandSpec;
use crate::{executor::Answer, locks::AttemptLock};

/// Starts the program as the leader of a new process group, its whole request being its standard input already. It
/// inherits `lock`, which is released if there is no program to inherit it.
pub(super) fn spawn(spec: &CommandSpec, request: &str, lock: Option<&AttemptLock>) -> Result<Child, Answer> {
    let started = start(spec, request, lock);
    if let (Err(_), Some(lock)) = (&started, lock) {
        lock.release();
    }
    started
}

fn start(spec: &CommandSpec, request: &str, lock: Option<&AttemptLock>) -> Result<Child, Answer> {
    let stdin = sealed_file(request.as_bytes()).map_err(|_| spawn_failed())?;
    let mut command = command(spec);
    if let Some(lock) = lock {
        // The same number in the program as here: any other might be one that the start of the program itself needs.
        let inheritable = lock.inheritable().map_err(|_| spawn_failed())?;
        command.as_std_mut().preserved_fds(vec![inheritable]);
    }
    command.stdin(stdin).spawn().map_err(|error| refusal(spec, &error))
}

fn command(spec: &CommandSpec) -> Command {
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).env_clear().process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in &spec.inherit_env {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(spec.env.iter().map(|(name, value)| (name, value.expose())));
    if let Some(cwd) = &spec.cwd {
        command.current_dir(cwd);
    }
    command
}

/// An unnamed file in memory that holds `bytes`, rewound and closed to changes. Unlike a pipe it holds a request of any
/// size before its reader exists, so that no program reads half of one.
fn sealed_file(bytes: &[u8]) -> io::Result<Stdio> {
    let mut file = File::from(file_in_memory()?);
    file.write_all(bytes)?;
    file.rewind()?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(file.into())
}

/// Some systems refuse files in memory that could be executed; those before Linux 6.3 do not know how to say so.
fn file_in_memory() -> Result<OwnedFd, Errno> {
    let create = |flag| memfd_create("failstop-request", MemfdFlags::CLOEXEC | flag);
    match create(MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => create(MemfdFlags::ALLOW_SEALING),
        result => result,
    }
}

fn spawn_failed() -> Answer {
    Answer::not_applied().with_code("spawn_failed")
}

/// A program that cannot be started as configured is rejected; want of resources may pass.
fn refusal(spec: &CommandSpec, error: &io::Error) -> Answer {
    if spec.cwd.as_ref().is_some_and(|cwd| !cwd.is_dir()) {
        return Answer::rejected().with_code("cwd_not_found");
    }
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG) => {
            Answer::rejected().with_code("program_not_found")
        }
        Some(Errno::ACCESS | Errno::PERM | Errno::NOEXEC | Errno::ISDIR | Errno::LIBBAD | Errno::INVAL) => {
            Answer::rejected().with_code("program_not_executable")
        }
        // A NUL byte in an argument or a variable is found before the system is asked; it and too long a list of
        // arguments stay as they are, however often one tries.
        Some(Errno::TOOBIG) | None => Answer::rejected().with_code("program_arguments_unfit"),
        Some(_) => spawn_failed(),
    }
}

#[cfg(test)]
mod tests {
    use execution_orchestration_core::model::Effect;

    use super::*;

    fn refused(errno: Errno) -> (Effect, String) {
        let answer = refusal(&CommandSpec::new("act", "/bin/true"), &errno.into());
        (answer.effect, answer.error_code.unwrap().into_owned())
    }

    #[test]
    fn want_of_resources_is_not_applied_and_may_pass() {
        for errno in [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::TXTBSY, Errno::IO] {
            assert_eq!(refused(errno), (Effect::NotApplied, "spawn_failed".to_owned()), "{errno:?}");
        }
    }

    #[test]
    fn what_no_repetition_mends_is_rejected() {
        for (errno, code) in [
            (Errno::NOENT, "program_not_found"),
            (Errno::NOTDIR, "program_not_found"),
            (Errno::ACCESS, "program_not_executable"),
            (Errno::NOEXEC, "program_not_executable"),
            (Errno::TOOBIG, "program_arguments_unfit"),
        ] {
            assert_eq!(refused(errno), (Effect::Rejected, code.to_owned()), "{errno:?}");
        }
    }
}
