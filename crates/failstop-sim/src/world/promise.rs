//! What must hold in every state.

/// A promise that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// INV-EXE-4.
    #[error("STARTED became durable behind an acknowledged stop")]
    StartedAfterStop,
    /// An effect is ordered only after its record is durable.
    #[error("an executor was entered whose STARTED is not durable")]
    EnteredUnrecorded,
    /// INV-FS-1.
    #[error("two effects under one key")]
    SecondEffect,
    /// A living owner keeps others away from its key.
    #[error("two attempts under one key at one time")]
    TwoAtOnce,
    /// INV-FS-3.
    #[error("a key says that nothing happened, and something did")]
    EffectDenied,
    /// A success is a fact.
    #[error("a key says that its effect happened, and it did not")]
    EffectInvented,
    /// A release is recorded before it takes effect; one that is lost in between changes nothing.
    #[error("the gate was lowered without a durable announcement")]
    ReleasedUnannounced,
    /// Epochs order the changes of the gate.
    #[error("a change of the gate did not raise its epoch")]
    EpochReused,
    /// INV-FS-4: the auditor's finding, by its code.
    #[error("the auditor finds {0}")]
    Audit(&'static str),
    /// Somebody waits for ever.
    #[error("nothing can happen any more, and not all is done")]
    Stuck,
}
