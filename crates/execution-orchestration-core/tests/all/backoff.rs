//! Pauses: the formula on every platform, and the derived jitter.

use std::fmt::Write as _;

use decision_schema::Value;
use execution_orchestration_core::policies::{RetryPolicy, jittered};
use proptest::prelude::*;

use crate::vectors;

fn retry(initial_backoff_ms: u64, backoff_multiplier: f64, max_backoff_ms: u64) -> RetryPolicy {
    RetryPolicy { initial_backoff_ms, max_backoff_ms, backoff_multiplier, ..RetryPolicy::default() }
}

/// Where a table row or a vector disagrees, listed.
fn disagreements<'a>(table: impl Iterator<Item = &'a str>) -> String {
    let mut wrong = String::new();
    for row in table.filter(|row| !row.starts_with('#')) {
        let fields: Vec<&str> = row.split(' ').collect();
        let number = |at: usize| fields[at].parse::<u64>().unwrap();
        let policy = retry(number(0), fields[1].parse().unwrap(), number(2));
        let got = policy.backoff_ms(u32::try_from(number(3)).unwrap());
        if got != number(4) {
            writeln!(wrong, "{row}: got {got}").unwrap();
        }
    }
    wrong
}

#[test]
fn inv_exe_1_pauses_agree_with_correctly_rounded_powers() {
    assert_eq!(disagreements(include_str!("backoff_table.txt").lines()), "");
}

#[test]
fn pauses_agree_with_the_reference() {
    for (given, expected) in vectors("backoff") {
        let integer =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_i64).unwrap().unsigned_abs();
        let fields = given.get("retry").unwrap();
        let multiplier = fields.get("backoff_multiplier").and_then(Value::as_number).unwrap().as_f64();
        let policy =
            retry(integer(fields, "initial_backoff_ms"), multiplier, integer(fields, "max_backoff_ms"));
        let got = policy.backoff_ms(u32::try_from(integer(&given, "attempt_number")).unwrap());
        assert_eq!(Value::from(got), expected, "{given:?}");
    }
}

#[test]
fn the_first_attempt_never_waits() {
    assert_eq!(RetryPolicy::default().backoff_ms(0), 0);
    assert_eq!(retry(u64::MAX, f64::INFINITY, u64::MAX).backoff_ms(0), 0);
}

#[test]
fn pauses_saturate_where_the_power_overflows() {
    assert_eq!(retry(1, 2.0, u64::MAX).backoff_ms(u32::MAX), u64::MAX);
    assert_eq!(retry(u64::MAX, f64::MAX, u64::MAX).backoff_ms(u32::MAX), u64::MAX);
    assert_eq!(retry(1, f64::MAX, 9).backoff_ms(2), 9);
    assert_eq!(retry(0, f64::MAX, u64::MAX).backoff_ms(u32::MAX), 0);
    assert_eq!(retry(u64::MAX, f64::MIN_POSITIVE, u64::MAX).backoff_ms(u32::MAX), 0);
}

#[test]
fn a_multiplier_no_valid_policy_holds_waits_longest() {
    for multiplier in [f64::NAN, f64::NEG_INFINITY, -0.5, f64::INFINITY] {
        assert_eq!(retry(10, multiplier, 77).backoff_ms(2), 77, "{multiplier}");
    }
}

#[test]
fn jitter_follows_its_formula() {
    // SHA-256 of 32 zero bytes and the attempt's number, computed apart.
    assert_eq!(jittered(1000, &[0; 32], 1), 935);
    assert_eq!(jittered(86_400_000, &[0xab; 32], 100), 43_352_787);
    assert_eq!(jittered(0, &[0; 32], 1), 0);
    assert_eq!(jittered(1, &[0; 32], 1), 1);
}

proptest! {
    #[test]
    fn jitter_takes_off_at_most_half(delay in any::<u64>(), seed in any::<[u8; 32]>(), n in any::<u32>()) {
        let got = jittered(delay, &seed, n);
        prop_assert!(got <= delay && got >= delay - delay / 2);
    }

    #[test]
    fn inv_exe_2_no_pause_passes_the_cap(initial in any::<u64>(), multiplier in any::<f64>(), max in any::<u64>(), n in any::<u32>()) {
        prop_assert!(retry(initial, multiplier, max).backoff_ms(n) <= max);
    }
}
