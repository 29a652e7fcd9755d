//! The answers of the Python reference, line by line.

use std::collections::BTreeMap;

use decision_modulation_core::{GuardPolicy, MODULATE_EXCEPTION, modulate};
use decision_schema::{Proposal, Value, json};

const MODULATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../failstop-testkit/vectors/modulate.jsonl");

/// The `in` and `out` of each line.
fn vectors() -> Vec<(Value, Value)> {
    let lines = std::fs::read_to_string(MODULATE).unwrap();
    let pair = |line: &str| {
        let line = json::parse(line.as_bytes()).unwrap();
        (line.get("in").unwrap().clone(), line.get("out").unwrap().clone())
    };
    lines.lines().map(pair).collect()
}

#[test]
fn the_reference_would_answer_the_same() {
    let mut flags: BTreeMap<String, usize> = BTreeMap::new();
    for (given, expected) in vectors() {
        let member = |name| given.get(name).unwrap();
        let proposal = Proposal::from_value(member("proposal").clone()).unwrap();
        let policy = GuardPolicy::from_object(member("policy").as_object().unwrap()).unwrap();
        let (decision, mismatch) = modulate(&proposal, &policy, member("context").as_object().unwrap());

        let answers = |name| expected.get(name).unwrap().clone();
        assert_eq!(Value::from(decision.action.as_str()), answers("action"), "{given}");
        assert_eq!(Value::from(decision.allowed), answers("allowed"), "{given}");
        assert_eq!(Value::from(decision.reasons), answers("reasons"), "{given}");
        assert_eq!(Value::from(mismatch.flags.clone()), answers("flags"), "{given}");
        // Where the reference names its exception, we name what was odd.
        if mismatch.flags != [MODULATE_EXCEPTION] {
            assert_eq!(Value::from(mismatch.reason_codes), answers("reason_codes"), "{given}");
        }
        *flags.entry(mismatch.flags.concat()).or_default() += 1;
    }
    assert_eq!(flags.values().sum::<usize>(), 80);
    assert!(
        flags.contains_key("") && flags.contains_key(MODULATE_EXCEPTION) && flags.contains_key("ops_health")
    );
}
