//! An orphaned program.

use failstop_crash::matrix::outlive;

use crate::matrix::victim;

/// How long after its parent's death the program acts; `cargo xtask crash` has ten seconds.
const DELAY_MS: u64 = 2_000;

/// INV-FS-1 across orphans: neither taken over, nor resolved, nor repeated while its program lives.
#[test]
fn an_orphan_that_acts_two_seconds_later_is_running_until_then_and_resolvable_afterwards() {
    let refused = outlive(&victim(), DELAY_MS).unwrap();
    assert!(refused > 0);
}
