//! How the refusal of a policy reads.

use decision_schema::policy_fault::{Allowed, InvalidPolicy, PolicyFaults};

fn refused(note: impl FnOnce(&mut PolicyFaults)) -> InvalidPolicy {
    let mut faults = PolicyFaults::default();
    note(&mut faults);
    faults.into_result().unwrap_err()
}

#[test]
fn both_ends_of_a_range_are_allowed() {
    let mut faults = PolicyFaults::default();
    for (integer, number) in [(1, -0.5), (2, 0.0), (3, 0.5)] {
        faults.integer("integer", integer, 1, 3);
        faults.number("number", number, -0.5, 0.5);
    }
    assert_eq!(faults.into_result(), Ok(()));
}

#[test]
fn whatever_lies_beyond_an_end_is_refused_and_so_is_what_is_not_a_finite_number() {
    for integer in [0, 4, u64::MAX] {
        assert_eq!(refused(|faults| faults.integer("integer", integer, 1, 3)).faults().len(), 1);
    }
    for number in [-0.6, 0.6, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(
            refused(|faults| faults.number("number", number, -0.5, 0.5)).faults().len(),
            1,
            "{number}"
        );
    }
}

#[test]
fn a_refused_policy_tells_every_fault_in_order_and_has_a_stable_code() {
    let refused = refused(|faults| {
        faults.number("policy.b", f64::NAN, 0.0, 1000.0);
        faults.integer("policy.in_range", 1, 1, 3);
        faults.integer(format!("policy.{}", "a"), 0, 1, 3);
    });
    assert_eq!(
        refused.to_string(),
        "policy.b must be a number from 0.0 to 1000.0; policy.a must be an integer from 1 to 3"
    );
    assert_eq!(refused.code(), "policy_out_of_range");
    assert_eq!(refused.faults()[1].allowed, Allowed::Integer { min: 1, max: 3 });
}

#[test]
fn actions_are_listed_by_name_and_are_no_range() {
    assert_eq!(Allowed::Action.to_string(), "one of HOLD, ACT, EXIT, CANCEL, STOP");
    assert!(!Allowed::Action.has_integer(0) && !Allowed::Action.has_number(0.0));
    let (integer, number) = (Allowed::Integer { min: 0, max: 3 }, Allowed::Number { min: 0.0, max: 3.0 });
    assert!(integer.has_integer(0) && !integer.has_number(0.0));
    assert!(number.has_number(0.0) && !number.has_integer(0));
}
