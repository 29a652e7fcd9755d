//! What a disk may forget: the changes of each file since its last sync, and what a loss of power leaves of them.
//!
//! The model is harsher than most disks. Any subset of the unsynced changes may survive, in any order of pages,
//! and a write may survive in part. Not modelled, because SQLite itself orders them by syncs of the directory:
//! the creation of a file is durable at once, and so is its deletion.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::dice::Dice;

const SECTOR: u64 = 512;

/// One change of a file, with what is needed to undo it and to do it again.
#[derive(Debug)]
pub(super) struct Change {
    /// The point at which it took place.
    pub point: u64,
    /// The size of the file before it, in bytes.
    pub old_size: u64,
    /// Where it begins; of a truncation, the new size.
    pub offset: u64,
    /// What stood from `offset` on, as far as the change destroyed it.
    pub old: Vec<u8>,
    /// What was written; of a truncation, nothing.
    pub new: Option<Vec<u8>>,
}

/// What survives of one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Torn(usize),
    Undone,
}

/// The changes of every file since its last sync, in the order in which they took place.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    files: BTreeMap<PathBuf, Vec<Change>>,
}

impl Unsynced {
    /// Remembers a change that is about to take place.
    pub fn note(&mut self, path: &Path, change: Change) {
        self.files.entry(path.to_owned()).or_default().push(change);
    }

    /// A sync that began at `point` has succeeded: what came before it is safe, what came meanwhile is not.
    pub fn settle(&mut self, path: &Path, point: u64) {
        if let Some(changes) = self.files.get_mut(path) {
            changes.retain(|change| change.point > point);
        }
    }

    /// The file is gone, and so is all that could be lost of it.
    pub fn forget(&mut self, path: &Path) {
        self.files.remove(path);
    }

    /// Leaves of every file what seed and point let survive. To be followed by the death of the process: files stay
    /// open, because closing one would give up the locks of the process, and let another look in too early.
    ///
    /// # Panics
    /// When a file cannot be rewritten: a loss that did not take place must not pass for one that was survived.
    pub fn lose(&self, seed: u64, point: u64) {
        let mut dice = Dice::new(seed, point);
        for (path, changes) in &self.files {
            let fates = dice.fates(changes);
            match OpenOptions::new().write(true).open(path) {
                Ok(file) => {
                    rewrite(&file, changes, &fates).expect("the file takes what the power loss left of it");
                    std::mem::forget(file);
                }
                Err(error) => assert!(error.kind() == io::ErrorKind::NotFound, "the file can be opened"),
            }
        }
    }
}

/// Goes back to the last synced state, then forward again through what survives.
fn rewrite(file: &File, changes: &[Change], fates: &[Fate]) -> io::Result<()> {
    changes.iter().rev().try_for_each(|change| undo(file, change))?;
    changes.iter().zip(fates).try_for_each(|(change, fate)| redo(file, change, *fate))
}

fn undo(file: &File, change: &Change) -> io::Result<()> {
    file.set_len(change.old_size)?;
    file.write_all_at(&change.old, change.offset)
}

fn redo(file: &File, change: &Change, fate: Fate) -> io::Result<()> {
    match (fate, &change.new) {
        (Fate::Undone, _) => Ok(()),
        (Fate::Kept, Some(new)) => file.write_all_at(new, change.offset),
        (Fate::Torn(kept), Some(new)) => file.write_all_at(&new[..kept], change.offset),
        (Fate::Kept | Fate::Torn(_), None) => file.set_len(change.offset),
    }
}

/// How many of the first `len` bytes of a write at `offset` lie in sectors of the file that they fill to the end.
pub(super) fn whole_sectors(offset: u64, len: usize) -> usize {
    let tail = (offset + len as u64) % SECTOR;
    len.saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX))
}

impl Dice {
    /// How much survives is drawn first, so that the loss of everything is as likely as that of a little.
    fn fates(&mut self, changes: &[Change]) -> Vec<Fate> {
        let quarters_kept = self.below(4);
        changes.iter().map(|change| self.fate(quarters_kept, change)).collect()
    }

    fn fate(&mut self, quarters_kept: u64, change: &Change) -> Fate {
        let (survives, torn) = (self.below(4) < quarters_kept, self.below(4) == 0);
        match &change.new {
            _ if survives => Fate::Kept,
            Some(new) if torn => self.tear(change.offset, new.len()),
            _ => Fate::Undone,
        }
    }

    /// A cut somewhere in the write: between sectors where it spans some, else anywhere.
    fn tear(&mut self, offset: u64, len: usize) -> Fate {
        let cut = usize::try_from(self.below(len.max(1) as u64)).unwrap_or(0);
        Fate::Torn(if len as u64 > SECTOR { whole_sectors(offset, cut) } else { cut })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(point: u64, old_size: u64, offset: u64, old: &[u8], new: &[u8]) -> Change {
        Change { point, old_size, offset, old: old.to_vec(), new: Some(new.to_vec()) }
    }

    /// "abcdef", overwritten, extended, cut and extended again without a sync.
    fn history() -> (Vec<Change>, &'static [u8]) {
        let cut = Change { point: 3, old_size: 8, offset: 2, old: b"XYef++".to_vec(), new: None };
        let changes = vec![
            written(1, 6, 2, b"cd", b"XY"),
            written(2, 6, 6, b"", b"++"),
            cut,
            written(4, 2, 1, b"b", b"BCD"),
        ];
        (changes, b"aBCD")
    }

    fn after(fates: &[Fate]) -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (changes, end) = history();
        std::fs::write(file.path(), end).unwrap();
        rewrite(file.as_file(), &changes, fates).unwrap();
        std::fs::read(file.path()).unwrap()
    }

    #[test]
    fn losing_everything_restores_the_synced_bytes() {
        assert_eq!(after(&[Fate::Undone; 4]), b"abcdef");
    }

    #[test]
    fn losing_nothing_changes_nothing() {
        assert_eq!(after(&[Fate::Kept; 4]), b"aBCD");
    }

    #[test]
    fn a_later_write_may_survive_an_earlier_one() {
        assert_eq!(after(&[Fate::Undone, Fate::Kept, Fate::Undone, Fate::Undone]), b"abcdef++");
        assert_eq!(after(&[Fate::Undone, Fate::Undone, Fate::Undone, Fate::Torn(1)]), b"aBcdef");
    }

    #[test]
    fn a_sync_settles_only_what_came_before_it() {
        let mut unsynced = Unsynced::default();
        let path = Path::new("db");
        unsynced.note(path, written(1, 0, 0, b"", b"a"));
        unsynced.note(path, written(3, 1, 1, b"", b"b"));
        unsynced.settle(path, 2);
        let left: Vec<u64> = unsynced.files[path].iter().map(|change| change.point).collect();
        assert_eq!(left, [3]);
    }

    #[test]
    fn sectors_are_those_of_the_file_not_of_the_write() {
        assert_eq!(whole_sectors(0, 2048), 2048);
        assert_eq!(whole_sectors(56, 2048), 2048 - 56);
        assert_eq!(whole_sectors(32, 24), 0);
    }

    #[test]
    fn every_seed_chooses_and_some_seed_chooses_each_fate() {
        let changes: Vec<Change> = (1..=32).map(|n| written(n, 0, 0, b"", &[1; 4096])).collect();
        let all: Vec<Fate> = (0..64).flat_map(|seed| Dice::new(seed, 1).fates(&changes)).collect();
        assert!(all.contains(&Fate::Kept) && all.contains(&Fate::Undone));
        assert!(all.iter().any(|fate| matches!(fate, Fate::Torn(kept) if kept % 512 == 0 && *kept > 0)));
        assert_eq!(Dice::new(7, 1).fates(&changes), Dice::new(7, 1).fates(&changes));
        assert_ne!(Dice::new(7, 1).fates(&changes), Dice::new(7, 2).fates(&changes));
    }
}
