//! The guards, tested from outside, one module a subject.

#![allow(clippy::unwrap_used)]

use decision_modulation_core::{GuardPolicy, modulate};
use decision_schema::{Action, FinalDecision, MismatchInfo, Object, Proposal, Value, json};

mod guards;
mod oddities;
mod policy;
mod properties;
mod proposals;
mod vectors;

fn object(text: &str) -> Object {
    json::parse(text.as_bytes()).unwrap().as_object().unwrap().clone()
}

fn proposal(action: Action) -> Proposal {
    Proposal {
        action,
        confidence: 0.5,
        reasons: vec!["signal".into()],
        params: Some(object(r#"{"shop:item": 7}"#)),
        run_id: Some("run".into()),
        features_summary: object(r#"{"price": 3}"#),
    }
}

/// A context in which every value is given and every guard agrees.
fn quiet() -> Object {
    object(
        r#"{"now_ms": 100000, "last_event_ts_ms": 99000, "ops_deny_actions": false, "ops_state": "GREEN",
            "ops_cooldown_until_ms": 90000, "errors_in_window": 1, "steps_in_window": 20, "rate_limit_events": 2,
            "recent_failures": 1, "cooldown_until_ms": 95000}"#,
    )
}

/// The members of all of `objects`; later ones win.
fn joined<'a>(objects: impl IntoIterator<Item = &'a Object>) -> Object {
    objects.into_iter().flat_map(Object::iter).map(|(key, value)| (key, value.clone())).collect()
}

fn quiet_but(changes: &str) -> Object {
    joined([&quiet(), &object(changes)])
}

fn modulated(context: &Object) -> (FinalDecision, MismatchInfo) {
    modulate(&proposal(Action::Act), &GuardPolicy::default(), context)
}

/// The only flag and the only reason code, or two empty texts.
fn said(mismatch: &MismatchInfo) -> (&str, &str) {
    match (mismatch.flags.as_slice(), mismatch.reason_codes.as_slice()) {
        ([], []) => ("", ""),
        ([flag], [code]) => (flag, code),
        _ => panic!("{mismatch:?}"),
    }
}

/// Asserts what every refusal has in common.
fn assert_refused(decision: &FinalDecision, mismatch: &MismatchInfo) {
    assert!(!decision.allowed);
    assert!(matches!(decision.action, Action::Hold | Action::Stop));
    assert_eq!(decision.mismatch.as_ref(), Some(mismatch));
    assert_eq!((decision.throttle_ms, decision.cooldown_ms, &decision.params), (None, None, &None));
    let (flag, code) = said(mismatch);
    let reason = if flag == decision_modulation_core::MODULATE_EXCEPTION { "fail_closed" } else { code };
    assert_eq!(decision.reasons, [reason]);
}

/// Asserts that `context` is refused under `flag` with `code`.
fn assert_objects(context: &Object, flag: &str, code: &str) {
    let (decision, mismatch) = modulated(context);
    assert_eq!(said(&mismatch), (flag, code), "{}", Value::from(context.clone()));
    assert_refused(&decision, &mismatch);
}

fn assert_agrees(context: &Object) {
    let (decision, mismatch) = modulated(context);
    assert_eq!(said(&mismatch), ("", ""), "{}", Value::from(context.clone()));
    assert!(decision.allowed);
}
