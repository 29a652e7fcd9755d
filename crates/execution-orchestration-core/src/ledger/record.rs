//! The record of one key, and what may become of it.

use core::{fmt, str::FromStr};

use crate::{idempotency::Digest, model::wire_names, orchestrator::KeyState};

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// An attempt may be having its effect.
    Started,
    /// Attempts used, nothing running.
    Open,
    /// An attempt applied, or is resolved to have.
    Succeeded,
    /// It ended, and no attempt can have had an effect.
    Failed,
    /// It ended, and an attempt may have had an effect.
    InDoubt,
}

wire_names!(Standing {
    Started => "STARTED",
    Open => "OPEN",
    Succeeded => "SUCCEEDED",
    Failed => "FAILED",
    InDoubt => "IN_DOUBT",
});

impl From<KeyState> for Standing {
    fn from(state: KeyState) -> Self {
        match state {
            KeyState::Open => Self::Open,
            KeyState::Succeeded => Self::Succeeded,
            KeyState::Failed => Self::Failed,
            KeyState::InDoubt => Self::InDoubt,
        }
    }
}

/// What an in-doubt key is resolved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The effect happened.
    Applied,
    /// It did not, and it will not.
    NotApplied,
}

wire_names!(Resolution { Applied => "applied", NotApplied => "not_applied" });

/// Who holds a ledger open: a random number, printed as 32 hexadecimal digits. Whether an owner lives is decided by its
/// lock alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId(pub u128);

impl OwnerId {
    /// Owns what nobody is at: never alive.
    pub const NOBODY: Self = Self(0);
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The text is no owner's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an owner's id is 32 lower-case hexadecimal digits")]
pub struct ParseOwnerIdError;

impl FromStr for OwnerId {
    type Err = ParseOwnerIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let id = (text.len() == 32 && is_hex).then(|| u128::from_str_radix(text, 16).ok()).flatten();
        id.map(Self).ok_or(ParseOwnerIdError)
    }
}

/// The start of an attempt, as its record keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning {
    /// SHA-256 over action, params and tenant.
    pub fingerprint: Digest,
    /// Strictly increasing over all starts of a ledger.
    pub fence: u64,
    /// Which attempt, from 0, over all owners.
    pub attempt: u32,
    /// Who starts it.
    pub owner: OwnerId,
    /// Whether the executor's class allows its effect to happen more than once.
    pub may_repeat: bool,
}

/// What is known of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRecord {
    /// Where it stands.
    pub standing: Standing,
    /// What the key stands for.
    pub fingerprint: Digest,
    /// Of the last start; every later write must know it.
    pub fence: u64,
    /// Attempts started, over all owners; never less than before (INV-EXE-2).
    pub attempts: u32,
    /// Who made the last start; nobody once it is resolved.
    pub owner: OwnerId,
    /// Whether an attempt that has ended, or was given up, may have had an effect.
    pub may_have_effect: bool,
    /// Whether the executor of the last start may repeat its effect.
    pub may_repeat: bool,
    /// What an operator or a probe said.
    pub resolution: Option<Resolution>,
}

/// Why a record does not take a step: it contradicts what is known (INV-FS-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// The key stands for something else.
    #[error("the key stands for another decision")]
    Fingerprint,
    /// The step is not one from where the key stands.
    #[error("the key does not stand where this step begins")]
    Standing,
    /// The step knows another fence than the key's.
    #[error("the fence is not the key's")]
    Fence,
    /// The attempt is not the one after the last.
    #[error("attempts are counted one by one")]
    Attempt,
    /// It would say that nothing happened where something may have.
    #[error("an attempt may have had an effect")]
    Effect,
}

/// What a record means to somebody who brings a decision for its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Another decision's.
    Reused,
    /// Somebody alive is at it.
    InProgress,
    /// Its owner is dead and it may go on; whether an attempt may have had an effect.
    Resumable {
        /// See [`KeyRecord::may_have_effect`], the attempt that was running included.
        unknown: bool,
    },
    /// An attempt was lost that may have had an effect, and it may not go on: to be recorded as in doubt.
    Orphaned,
    /// It ended; the stored report speaks for it.
    Finished,
    /// It ended in doubt.
    InDoubt,
}

impl KeyRecord {
    /// The record after a key's first start. Where another owner's attempts went before in a life that was forgotten,
    /// there is no record and so no telling: the first attempt is number 0.
    ///
    /// # Errors
    /// Where it is not attempt 0.
    pub fn first(start: &Beginning) -> Result<Self, Contradiction> {
        if start.attempt != 0 {
            return Err(Contradiction::Attempt);
        }
        Ok(Self {
            standing: Standing::Started,
            fingerprint: start.fingerprint,
            fence: start.fence,
            attempts: 1,
            owner: start.owner,
            may_have_effect: false,
            may_repeat: start.may_repeat,
            resolution: None,
        })
    }

    /// The record after one more start: from OPEN, or from STARTED where neither class minds a repetition. An attempt
    /// that was given up counts against the class for ever, also once the key is OPEN. That nobody else alive is at the
    /// key is for the caller to know; see [`KeyRecord::sight`].
    ///
    /// # Errors
    /// What it contradicts.
    pub fn restart(self, start: &Beginning) -> Result<Self, Contradiction> {
        if start.fingerprint != self.fingerprint {
            return Err(Contradiction::Fingerprint);
        }
        let gives_up_running = match self.standing {
            Standing::Open if !self.may_have_effect || start.may_repeat => false,
            Standing::Started if self.may_repeat && start.may_repeat => true,
            Standing::Started
            | Standing::Open
            | Standing::Succeeded
            | Standing::Failed
            | Standing::InDoubt => {
                return Err(Contradiction::Standing);
            }
        };
        if start.attempt != self.attempts {
            return Err(Contradiction::Attempt);
        }
        if start.fence <= self.fence {
            return Err(Contradiction::Fence);
        }
        Ok(Self {
            standing: Standing::Started,
            fence: start.fence,
            attempts: self.attempts + 1,
            owner: start.owner,
            may_have_effect: self.may_have_effect || gives_up_running,
            may_repeat: start.may_repeat,
            ..self
        })
    }

    /// The record after the end of its last attempt.
    ///
    /// # Errors
    /// What it contradicts.
    pub fn conclude(self, fence: u64, state: KeyState) -> Result<Self, Contradiction> {
        if fence != self.fence {
            return Err(Contradiction::Fence);
        }
        match (self.standing, state) {
            (Standing::Started, _) | (Standing::Open, KeyState::Failed | KeyState::InDoubt) => {}
            (Standing::Open, KeyState::Open | KeyState::Succeeded)
            | (Standing::Succeeded | Standing::Failed | Standing::InDoubt, _) => {
                return Err(Contradiction::Standing);
            }
        }
        if state == KeyState::Failed && self.may_have_effect {
            return Err(Contradiction::Effect);
        }
        let may_have_effect = self.may_have_effect || state == KeyState::InDoubt;
        Ok(Self { standing: state.into(), may_have_effect, ..self })
    }

    /// The record of a key whose owner died in an attempt, or after one that was given up and before the next.
    ///
    /// # Errors
    /// Where it is neither STARTED nor OPEN after an attempt that may have had an effect.
    pub fn orphan(self) -> Result<Self, Contradiction> {
        match self.standing {
            Standing::Started => {}
            Standing::Open if self.may_have_effect => {}
            Standing::Open | Standing::Succeeded | Standing::Failed | Standing::InDoubt => {
                return Err(Contradiction::Standing);
            }
        }
        Ok(Self { standing: Standing::InDoubt, may_have_effect: true, ..self })
    }

    /// The record after an operator or a probe said what happened: applied is a success, not applied leaves the key
    /// open for the attempts that are left.
    ///
    /// # Errors
    /// Where it is not in doubt.
    pub fn resolve(self, resolution: Resolution) -> Result<Self, Contradiction> {
        match self.standing {
            Standing::InDoubt => {}
            Standing::Started | Standing::Open | Standing::Succeeded | Standing::Failed => {
                return Err(Contradiction::Standing);
            }
        }
        let standing = match resolution {
            Resolution::Applied => Standing::Succeeded,
            Resolution::NotApplied => Standing::Open,
        };
        Ok(Self {
            standing,
            owner: OwnerId::NOBODY,
            may_have_effect: false,
            resolution: Some(resolution),
            ..self
        })
    }

    /// What the record means to somebody who brings a decision with `fingerprint`, whose executor `may_repeat` its
    /// effect, where an owner or what an attempt left behind `is_alive`.
    pub fn sight(&self, fingerprint: Digest, may_repeat: bool, is_alive: bool) -> Sight {
        if fingerprint != self.fingerprint {
            return Sight::Reused;
        }
        match self.standing {
            Standing::Succeeded | Standing::Failed => Sight::Finished,
            Standing::InDoubt => Sight::InDoubt,
            Standing::Started | Standing::Open if is_alive => Sight::InProgress,
            Standing::Open if !self.may_have_effect || may_repeat => {
                Sight::Resumable { unknown: self.may_have_effect }
            }
            Standing::Started if self.may_repeat && may_repeat => Sight::Resumable { unknown: true },
            Standing::Started | Standing::Open => Sight::Orphaned,
        }
    }

    /// Whether nothing more will happen under the key unless somebody resolves it.
    pub const fn is_terminal(&self) -> bool {
        match self.standing {
            Standing::Started | Standing::Open => false,
            Standing::Succeeded | Standing::Failed | Standing::InDoubt => true,
        }
    }

    /// Whether its record may be retired: only what is known for certain.
    pub const fn may_expire(&self) -> bool {
        matches!(self.standing, Standing::Succeeded | Standing::Failed)
    }
}
