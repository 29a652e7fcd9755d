//! Checkpoints, and the other short texts by which a ledger is asked for.

use failstop::core::{idempotency::Digest, ledger::OwnerId, ledger::audit::Checkpoint, stop::Scope};

use crate::{
    planted::{assert_not_repeated, planted},
    respelled::respelled,
};

/// What is read displays as what it was read from, in its one spelling or in its canonical one. What is refused is not
/// repeated.
pub fn check(bytes: &[u8]) {
    let Ok(text) = String::from_utf8(planted(bytes)) else { return };
    checkpoint(&text);
    if let Ok(digest) = Digest::from_wire(&text) {
        assert_eq!(digest.to_wire(), text, "a digest has one spelling");
    }
    if let Ok(owner) = text.parse::<OwnerId>() {
        assert_eq!(owner.to_string().parse(), Ok(owner), "an owner is read as it is shown");
    }
    if let Some(scope) = Scope::from_name(&text) {
        assert_eq!(Scope::from_name(&scope.to_string()), Some(scope), "a scope is read as it is shown");
    }
}

fn checkpoint(text: &str) {
    match text.parse::<Checkpoint>() {
        Ok(checkpoint) => {
            assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint), "a checkpoint is read as it is shown");
            let value = decision_schema::json::parse(text.as_bytes()).expect("a checkpoint is JSON");
            assert_eq!(respelled(&value).parse(), Ok(checkpoint), "spelling has no meaning");
        }
        Err(fault) => assert_not_repeated(&format!("{fault} {fault:?}")),
    }
}
