//! The plan: which faults strike at which points, as text and as values.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// One fault. Points are counted from 1; a point 0 never comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to the own process just before the point takes place. Text: `kill@N`.
    Kill {
        /// The point.
        at: u64,
    },
    /// SIGKILL just after the point has taken place. Text: `kill-after@N`.
    KillAfter {
        /// The point.
        at: u64,
    },
    /// Half of the bytes are written, then SIGKILL; a point that is no write is a [`Fault::Kill`].
    /// Text: `torn@N`, or `torn@N:sector`.
    Torn {
        /// The point.
        at: u64,
        /// Whether the half is cut down to whole sectors of 512 bytes (maybe to none).
        whole_sectors: bool,
    },
    /// Death by power loss: of everything written since the last sync of its file, the write at this point
    /// included, a seeded choice is kept, torn or undone; then SIGKILL. Text: `power@N`, or `power@N:SEED`.
    Power {
        /// The point.
        at: u64,
        /// Chooses, together with the point; 0 where the text names none.
        seed: u64,
    },
    /// Writes at these points fail with `SQLITE_FULL`. Text: `full@N` (for ever), or `full@N..M`, M included.
    Full(RangeInclusive<u64>),
    /// Writes, truncations and syncs at these points fail with `SQLITE_IOERR_*`, undone. Text: `ioerr@N`
    /// (for ever), or `ioerr@N..M`, M included.
    IoError(RangeInclusive<u64>),
    /// From this point on every sync blocks for ever, as on a disk that no longer answers. Text: `hang@N`.
    Hang {
        /// The first point at which a sync blocks.
        from: u64,
    },
}

/// The faults of one process, in any number; the empty plan only counts points.
///
/// As text they are joined by commas, the form in which [`fmt::Display`] writes them and [`FromStr`] reads
/// them: `full@5..9,kill@12`. Where several strike at one point, death goes before a hang and a hang before
/// an error; among equals the first one named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    faults: Vec<Fault>,
}

impl FaultPlan {
    /// A plan of these faults.
    pub fn new(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self { faults: faults.into_iter().collect() }
    }

    /// The faults, in the order in which they were named.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl From<Fault> for FaultPlan {
    fn from(fault: Fault) -> Self {
        Self::new([fault])
    }
}

/// Why a text is no plan. `fault` counts the faults of the text from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is no `@`, or nothing known before it.
    #[error(
        "fault {fault}: no such kind; write kill@N, kill-after@N, torn@N, power@N, full@N, ioerr@N or hang@N"
    )]
    UnknownKind {
        /// Which fault.
        fault: usize,
    },
    /// The point is no number.
    #[error("fault {fault}: a point is a whole number from 1")]
    BadPoint {
        /// Which fault.
        fault: usize,
    },
    /// The last point of a range is no number, or lies before the first.
    #[error("fault {fault}: a range is N..M, and M is not below N")]
    BadRange {
        /// Which fault.
        fault: usize,
    },
    /// The seed is no number of 64 bits.
    #[error("fault {fault}: a seed is a whole number from 0")]
    BadSeed {
        /// Which fault.
        fault: usize,
    },
    /// What follows the point of a torn write is not `sector`.
    #[error("fault {fault}: the only way to tear is `:sector`")]
    BadTear {
        /// Which fault.
        fault: usize,
    },
}

impl FromStr for FaultPlan {
    type Err = PlanError;

    /// Reads faults joined by commas; blanks around them do not count, an empty text is the empty plan.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let faults = text.split(',').enumerate().map(|(index, item)| parse_fault(index + 1, item.trim()));
        faults.collect::<Result<Vec<_>, _>>().map(Self::new)
    }
}

fn parse_fault(fault: usize, item: &str) -> Result<Fault, PlanError> {
    let (kind, rest) = item.split_once('@').ok_or(PlanError::UnknownKind { fault })?;
    match kind {
        "kill" => Ok(Fault::Kill { at: parse_point(fault, rest)? }),
        "kill-after" => Ok(Fault::KillAfter { at: parse_point(fault, rest)? }),
        "torn" => parse_torn(fault, rest),
        "power" => parse_power(fault, rest),
        "full" => Ok(Fault::Full(parse_range(fault, rest)?)),
        "ioerr" => Ok(Fault::IoError(parse_range(fault, rest)?)),
        "hang" => Ok(Fault::Hang { from: parse_point(fault, rest)? }),
        _ => Err(PlanError::UnknownKind { fault }),
    }
}

fn parse_point(fault: usize, text: &str) -> Result<u64, PlanError> {
    match text.parse() {
        Ok(0) | Err(_) => Err(PlanError::BadPoint { fault }),
        Ok(point) => Ok(point),
    }
}

fn parse_torn(fault: usize, rest: &str) -> Result<Fault, PlanError> {
    let (point, whole_sectors) = match rest.split_once(':') {
        None => (rest, false),
        Some((point, "sector")) => (point, true),
        Some(_) => return Err(PlanError::BadTear { fault }),
    };
    Ok(Fault::Torn { at: parse_point(fault, point)?, whole_sectors })
}

fn parse_power(fault: usize, rest: &str) -> Result<Fault, PlanError> {
    let (point, seed) = rest.split_once(':').unwrap_or((rest, "0"));
    let seed = seed.parse().map_err(|_| PlanError::BadSeed { fault })?;
    Ok(Fault::Power { at: parse_point(fault, point)?, seed })
}

fn parse_range(fault: usize, rest: &str) -> Result<RangeInclusive<u64>, PlanError> {
    let Some((first, last)) = rest.split_once("..") else {
        return Ok(parse_point(fault, rest)?..=u64::MAX);
    };
    let first = parse_point(fault, first)?;
    let last = last.parse().map_err(|_| PlanError::BadRange { fault })?;
    if last < first { Err(PlanError::BadRange { fault }) } else { Ok(first..=last) }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{fault}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { at } => write!(f, "kill@{at}"),
            Self::KillAfter { at } => write!(f, "kill-after@{at}"),
            Self::Torn { at, whole_sectors: false } => write!(f, "torn@{at}"),
            Self::Torn { at, whole_sectors: true } => write!(f, "torn@{at}:sector"),
            Self::Power { at, seed: 0 } => write!(f, "power@{at}"),
            Self::Power { at, seed } => write!(f, "power@{at}:{seed}"),
            Self::Full(points) => write_range(f, "full", points),
            Self::IoError(points) => write_range(f, "ioerr", points),
            Self::Hang { from } => write!(f, "hang@{from}"),
        }
    }
}

fn write_range(f: &mut fmt::Formatter<'_>, kind: &str, points: &RangeInclusive<u64>) -> fmt::Result {
    match (points.start(), points.end()) {
        (first, &u64::MAX) => write!(f, "{kind}@{first}"),
        (first, last) => write!(f, "{kind}@{first}..{last}"),
    }
}
