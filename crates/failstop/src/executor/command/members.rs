//! Whether anything of an attempt still runs: a member of its process group, or whoever else inherited its lock.

use std::{fs, str::SplitAsciiWhitespace, time::Duration};

use rustix::{
    io::Errno,
    process::{Pid, WaitOptions, test_kill_process_group, waitpgid},
};

use crate::locks::{HandedOver, ProcessGroup};

pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// From this pause on the members themselves are looked at, which costs a walk through `/proc`.
const THOROUGH_FROM: Duration = Duration::from_millis(8);

/// Repeated looks at a group whose leader was reaped, and at the attempt's lock, with growing pauses between them. Most
/// groups are empty at the first look, and their locks free.
pub(super) struct Watch {
    group: Pid,
    is_group_empty: bool,
    lock: Option<HandedOver>,
    pause: Duration,
}

impl Watch {
    pub(super) fn new(group: Pid, lock: Option<HandedOver>) -> Self {
        Self { group, is_group_empty: false, lock, pause: FIRST_PAUSE }
    }

    /// Whether the group was seen empty. From then on its number may be another's, and is not looked at any more.
    pub(super) fn is_group_empty(&self) -> bool {
        self.is_group_empty
    }

    /// Makes the next pauses short again.
    pub(super) fn hurry(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    /// `None` when nothing runs any more, or else how long to wait before the next look.
    pub(super) fn look(&mut self) -> Option<Duration> {
        self.is_group_empty = self.is_group_empty || self.finds_group_empty();
        let is_running = !self.is_group_empty || self.lock.as_ref().is_some_and(HandedOver::is_held);
        let pause = self.pause;
        self.pause = longer(pause);
        is_running.then_some(pause)
    }

    /// Removes what is left of the lock after its end.
    pub(super) fn forget_lock(&self) {
        if let Some(lock) = &self.lock {
            lock.forget();
        }
    }

    fn finds_group_empty(&self) -> bool {
        reap_adopted(self.group);
        test_kill_process_group(self.group) == Err(Errno::SRCH)
            || self.pause >= THOROUGH_FROM && has_only_dead(self.group).unwrap_or(false)
    }
}

/// How others may recognise the group, whose leader must not be reaped yet.
pub(super) fn describe(group: Pid) -> Option<ProcessGroup> {
    let id = group.as_raw_nonzero().get();
    let start_time_ticks = start_time_ticks(&fs::read(format!("/proc/{id}/stat")).ok()?)?;
    Some(ProcessGroup { id, start_time_ticks })
}

pub(super) fn longer(pause: Duration) -> Duration {
    (pause * 2).min(LONGEST_PAUSE)
}

/// Where this process is init or a subreaper, orphans of the group become its children, and nobody else reaps them.
fn reap_adopted(group: Pid) {
    while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
}

/// Whether the group consists of zombies only: dead, but not reaped by their new parent, which some inits take long to
/// do or never do. `None` where no member is to be seen, which is no answer: `/proc` may be hidden.
fn has_only_dead(group: Pid) -> Option<bool> {
    let mut answer = None;
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        if !entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        let Ok(stat) = fs::read(entry.path().join("stat")) else { continue };
        match is_dead_member(&stat, group) {
            Some(true) => answer = Some(true),
            Some(false) => return Some(false),
            None => {}
        }
    }
    answer
}

/// The fields of a `/proc/PID/stat` line from the third on; see `proc_pid_stat(5)`. The second is the program's name in
/// parentheses and may itself contain any.
fn fields_after_name(stat: &[u8]) -> Option<SplitAsciiWhitespace<'_>> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    Some(str::from_utf8(&stat[name_end + 1..]).ok()?.split_ascii_whitespace())
}

/// Field 22.
fn start_time_ticks(stat: &[u8]) -> Option<u64> {
    fields_after_name(stat)?.nth(22 - 3)?.parse().ok()
}

/// Whether the process of this line is dead, if it belongs to `group`. A process whose first thread has ended looks like
/// a zombie while its other threads run.
fn is_dead_member(stat: &[u8], group: Pid) -> Option<bool> {
    let mut fields = fields_after_name(stat)?;
    let state = fields.next()?;
    let process_group: i32 = fields.nth(1)?.parse().ok()?;
    let threads: u64 = fields.nth(14)?.parse().ok()?;
    (process_group == group.as_raw_nonzero().get()).then_some(matches!(state, "Z" | "X") && threads <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(line: &str) -> Option<bool> {
        is_dead_member(line.as_bytes(), Pid::from_raw(77).unwrap())
    }

    #[test]
    fn a_zombie_of_the_group_is_dead_unless_a_thread_of_it_runs() {
        assert_eq!(look("9 (sh) Z 1 77 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0"), Some(true));
        assert_eq!(look("9 (sh) Z 1 77 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0"), Some(false));
        assert_eq!(look("9 (sh) D 1 77 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0"), Some(false));
    }

    #[test]
    fn a_program_name_full_of_parentheses_does_not_hide_its_group() {
        assert_eq!(look("9 (a) Z 1 (b) R 1 77 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0"), Some(false));
    }

    #[test]
    fn the_start_time_is_field_22_whatever_the_name() {
        let stat = b"9 (a) b (c) Z 1 77 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 12 13";
        assert_eq!(start_time_ticks(stat), Some(4711));
        assert_eq!(start_time_ticks(b"9 (a) Z 1 77"), None);
    }

    #[test]
    fn strangers_and_unreadable_lines_are_no_members() {
        assert_eq!(look("9 (sh) S 77 78 77 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0"), None);
        assert_eq!(look("9 (sh) S 1 77"), None);
        assert_eq!(look(""), None);
    }
}
