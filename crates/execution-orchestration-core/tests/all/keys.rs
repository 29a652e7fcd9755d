//! Keys: what they are made of, which one wins, and when there is none.

use decision_schema::{Action, Object, Value};
use execution_orchestration_core::{
    idempotency::{Digest, Identity, KeyFault, MAX_KEY_LEN, fingerprint, generated_key, resolve_key},
    policies::KeyGenerator::{ActionContextHash, Custom},
};

fn object(members: &[(&str, i64)]) -> Object {
    members.iter().map(|(name, n)| (*name, *n)).collect()
}

fn placed(context: &Object) -> Identity<'_> {
    Identity { action: Action::Act, params: None, context, run_id: Some("r"), step: Some(7), tenant: None }
}

fn of_text(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

#[test]
fn a_key_is_the_hash_of_the_whole_identity() {
    let (params, context) = (object(&[("d:b", 2), ("d:a", 1)]), object(&[("now_ms", 5), ("d:x", 1)]));
    let identity = Identity { params: Some(&params), tenant: Some("t\n"), ..placed(&context) };
    let json = r#"{"action":"ACT","context":{"d:x":1,"now_ms":5},"params":{"d:a":1,"d:b":2},"run_id":"r","step":7,"tenant":"t\n"}"#;
    assert_eq!(generated_key(&identity), Ok(of_text(json)));
}

#[test]
fn what_is_absent_is_left_out_and_empty_params_are_not() {
    let (nothing, now) = (Object::new(), object(&[("now_ms", 5)]));
    let timed = Identity { run_id: None, step: None, ..placed(&now) };
    assert_eq!(generated_key(&placed(&nothing)), Ok(of_text(r#"{"action":"ACT","run_id":"r","step":7}"#)));
    assert_eq!(generated_key(&timed), Ok(of_text(r#"{"action":"ACT","context":{"now_ms":5}}"#)));
    let empty = Identity { params: Some(&nothing), ..placed(&nothing) };
    assert_eq!(generated_key(&empty), Ok(of_text(r#"{"action":"ACT","params":{},"run_id":"r","step":7}"#)));
}

#[test]
fn context_that_is_recomputed_on_redelivery_does_not_change_the_key() {
    let bare = object(&[("now_ms", 5)]);
    let key = generated_key(&placed(&bare));
    for name in [
        "ops_state",
        "ops_",
        "errors_in_window",
        "steps_in_window",
        "rate_limit_events",
        "recent_failures",
        "cooldown_until_ms",
        "last_event_ts_ms",
    ] {
        assert_eq!(generated_key(&placed(&object(&[("now_ms", 5), (name, 1)]))), key, "{name}");
    }
    for name in ["ops", "now", "d:ops_state", "errors_in_window_2"] {
        assert_ne!(generated_key(&placed(&object(&[("now_ms", 5), (name, 1)]))), key, "{name}");
    }
}

#[test]
fn a_recomputed_name_counts_inside_domain_data() {
    let deep = |n| Object::from_iter([("d:x", Value::from(object(&[("ops_state", n)])))]);
    assert_ne!(generated_key(&placed(&deep(1))), generated_key(&placed(&deep(2))));
}

#[test]
fn every_part_of_the_identity_changes_the_key() {
    let (context, other) = (object(&[("now_ms", 5)]), object(&[("now_ms", 6)]));
    let base = placed(&context);
    let keys = [
        base,
        Identity { action: Action::Exit, ..base },
        Identity { params: Some(&other), ..base },
        Identity { context: &other, ..base },
        Identity { run_id: Some("s"), ..base },
        Identity { run_id: None, ..base },
        Identity { step: Some(8), ..base },
        Identity { step: None, ..base },
        Identity { tenant: Some("t"), ..base },
    ]
    .map(|identity| generated_key(&identity).unwrap());
    for (at, key) in keys.iter().enumerate() {
        assert!(!keys[..at].contains(key), "{at}");
    }
}

#[test]
fn without_place_or_time_there_is_no_generated_key() {
    let nothing = Object::new();
    let base = placed(&nothing);
    for identity in [
        Identity { run_id: None, ..base },
        Identity { step: None, ..base },
        Identity { run_id: None, step: None, ..base },
    ] {
        assert_eq!(generated_key(&identity), Err(KeyFault::Missing));
    }
    for not_a_time in [Value::Null, Value::from("5"), Value::Bool(true)] {
        let context = Object::from_iter([("now_ms", not_a_time)]);
        assert_eq!(generated_key(&Identity { run_id: None, ..placed(&context) }), Err(KeyFault::Missing));
    }
}

#[test]
fn the_header_wins_then_the_envelope_then_the_generator() {
    let nothing = Object::new();
    let identity = placed(&nothing);
    let resolve = |header, envelope| resolve_key(header, envelope, ActionContextHash, &identity);
    assert_eq!(resolve(Some("h"), None), Ok("h".into()));
    assert_eq!(resolve(None, Some("e")), Ok("e".into()));
    assert_eq!(resolve(Some("k"), Some("k")), Ok("k".into()));
    let generated = resolve(None, None).unwrap();
    assert_eq!(generated, generated_key(&identity).unwrap().to_string());
    assert_eq!(generated.len(), 64);
}

#[test]
fn two_keys_that_disagree_are_a_conflict() {
    let nothing = Object::new();
    let fault = resolve_key(Some("a"), Some("b"), ActionContextHash, &placed(&nothing)).unwrap_err();
    assert_eq!((fault, fault.code()), (KeyFault::Conflict, "idempotency_key_conflict"));
}

#[test]
fn the_custom_generator_makes_no_keys() {
    let nothing = Object::new();
    assert_eq!(resolve_key(None, Some("e"), Custom, &placed(&nothing)), Ok("e".into()));
    let fault = resolve_key(None, None, Custom, &placed(&nothing)).unwrap_err();
    assert_eq!((fault, fault.code()), (KeyFault::Missing, "idempotency_key_missing"));
}

#[test]
fn a_key_that_cannot_be_printed_or_stored_is_refused() {
    let nothing = Object::new();
    let longest = "k".repeat(MAX_KEY_LEN);
    assert_eq!(resolve_key(Some(&longest), None, Custom, &placed(&nothing)), Ok(longest.clone()));
    assert_eq!(
        resolve_key(Some("order 42 \u{e9}"), None, Custom, &placed(&nothing)),
        Ok("order 42 \u{e9}".into())
    );
    for key in ["", " ", " a", "a ", "a\n", "a\u{85}b", &format!("{longest}k")] {
        let fault = resolve_key(Some(key), None, ActionContextHash, &placed(&nothing)).unwrap_err();
        assert_eq!((fault, fault.code()), (KeyFault::Malformed, "input_invalid"), "{key:?}");
    }
}

#[test]
fn a_fingerprint_covers_action_params_and_tenant_alone() {
    let (context, params) = (object(&[("now_ms", 5)]), object(&[("d:a", 1)]));
    let identity = Identity { params: Some(&params), tenant: Some("t"), ..placed(&context) };
    assert_eq!(fingerprint(&identity), of_text(r#"{"action":"ACT","params":{"d:a":1},"tenant":"t"}"#));
    let bare = Identity { params: None, tenant: None, ..identity };
    assert_eq!(fingerprint(&bare), of_text(r#"{"action":"ACT"}"#));
}
