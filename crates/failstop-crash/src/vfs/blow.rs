//! What the plan does to one operation at one point. Pure.

use std::ffi::c_int;

use libsqlite3_sys::{SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE};

use super::plan::{Fault, FaultPlan};

/// What kind of operation a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Write,
    Truncate,
    Sync,
    Delete,
}

/// What befalls an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blow {
    /// The process dies before it.
    Kill,
    /// The process dies after it.
    KillAfter,
    /// Half of the write is carried out, then the process dies.
    Tear { whole_sectors: bool },
    /// The power fails.
    PowerLoss { seed: u64 },
    /// It never returns.
    Hang,
    /// It is not carried out and answers this SQLite code.
    Refuse(c_int),
}

impl FaultPlan {
    /// The blow at this point, if any: the gravest, and among equals the first one named.
    pub(super) fn blow(&self, point: u64, kind: Kind) -> Option<Blow> {
        self.faults().iter().filter_map(|fault| fault.blow(point, kind)).min_by_key(Blow::rank)
    }

    /// Whether what is written must be remembered until it is synced.
    pub(super) fn has_power_loss(&self) -> bool {
        self.faults().iter().any(|fault| matches!(fault, Fault::Power { .. }))
    }
}

impl Blow {
    fn rank(&self) -> u8 {
        match self {
            Self::Kill | Self::KillAfter | Self::Tear { .. } | Self::PowerLoss { .. } => 0,
            Self::Hang => 1,
            Self::Refuse(_) => 2,
        }
    }
}

impl Fault {
    fn blow(&self, point: u64, kind: Kind) -> Option<Blow> {
        match self {
            Self::Kill { at } => (*at == point).then_some(Blow::Kill),
            Self::KillAfter { at } => (*at == point).then_some(Blow::KillAfter),
            Self::Torn { at, whole_sectors } => (*at == point).then_some(tear(kind, *whole_sectors)),
            Self::Power { at, seed } => (*at == point).then_some(Blow::PowerLoss { seed: *seed }),
            Self::Full(points) => {
                (points.contains(&point) && kind == Kind::Write).then_some(Blow::Refuse(SQLITE_FULL))
            }
            Self::IoError(points) => io_error(kind).filter(|_| points.contains(&point)).map(Blow::Refuse),
            Self::Hang { from } => (point >= *from && kind == Kind::Sync).then_some(Blow::Hang),
        }
    }
}

fn tear(kind: Kind, whole_sectors: bool) -> Blow {
    if kind == Kind::Write { Blow::Tear { whole_sectors } } else { Blow::Kill }
}

fn io_error(kind: Kind) -> Option<c_int> {
    match kind {
        Kind::Write => Some(SQLITE_IOERR_WRITE),
        Kind::Truncate => Some(SQLITE_IOERR_TRUNCATE),
        Kind::Sync => Some(SQLITE_IOERR_FSYNC),
        Kind::Delete => None,
    }
}
