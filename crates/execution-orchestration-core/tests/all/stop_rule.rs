//! The deny rule: levels, scopes, exemptions, and what a context says. Unknown means stop (INV-EXE-4).

use decision_schema::{Action, json};
use execution_orchestration_core::stop::{Level, Scope, StopCode, Verdict, context_verdict};

fn stopped(level: Level, scope: Scope) -> Verdict {
    Verdict::new(level, StopCode::Stopped, scope, 3)
}

/// level, bars new work, bars retries, the same two for an action that may run while stopped.
#[test]
fn levels_bar_what_the_design_says() {
    let table = [
        (Level::Run, false, false, false, false),
        (Level::Drain, true, false, false, false),
        (Level::Stop, true, true, false, false),
        (Level::Halt, true, true, true, true),
    ];
    assert_eq!(table.map(|row| row.0).as_slice(), Level::ALL);
    for (level, new_work, retries, exempt_new_work, exempt_retries) in table {
        for scope in [Scope::Global, Scope::Action(Action::Act), Scope::Context] {
            let verdict = stopped(level, scope);
            assert_eq!((verdict.bars_new_work(), verdict.bars_retries()), (new_work, retries), "{level}");
            assert_eq!((verdict.bars_start(true), verdict.bars_start(false)), (new_work, retries), "{level}");
            let exempt = verdict.exempting(true);
            let barred = (exempt.bars_new_work(), exempt.bars_retries());
            assert_eq!(barred, (exempt_new_work, exempt_retries), "{level}");
            assert_eq!(verdict.exempting(false), verdict);
        }
    }
}

#[test]
fn a_gate_that_cannot_be_read_exempts_nobody() {
    for code in [StopCode::Unreadable, StopCode::Stale] {
        let verdict = Verdict::new(Level::Stop, code, Scope::Global, 0);
        assert_eq!(verdict.exempting(true), verdict);
        assert!(verdict.exempting(true).bars_start(true) && verdict.exempting(true).bars_start(false));
    }
}

#[test]
fn the_highest_level_wins_over_all_scopes() {
    let scopes = [Scope::Global, Scope::Action(Action::Act), Scope::Context];
    for one in Level::ALL {
        for other in Level::ALL {
            for (first, second) in [(scopes[0], scopes[1]), (scopes[1], scopes[2]), (scopes[2], scopes[0])] {
                let joined = stopped(*one, first).or(stopped(*other, second));
                assert_eq!(joined.level, *one.max(other));
                let decided = if other > one { second } else { first };
                assert_eq!((joined.stamp.scope, joined.stamp.level), (decided, joined.level));
            }
        }
    }
}

#[test]
fn a_fault_outranks_an_engaged_stop_of_the_same_level() {
    let fault = Verdict::new(Level::Stop, StopCode::Unreadable, Scope::Global, 0);
    let engaged = stopped(Level::Stop, Scope::Global);
    assert_eq!(fault.or(engaged), fault);
    assert_eq!(engaged.or(fault), fault);
    let halt = stopped(Level::Halt, Scope::Global);
    assert_eq!(fault.or(halt), halt);
}

#[test]
fn scopes_are_read_as_they_are_printed() {
    for scope in Action::ALL.map(Scope::Action).into_iter().chain([Scope::Global]) {
        assert_eq!(Scope::from_name(&scope.to_string()), Some(scope));
    }
    for name in ["", "Global", "action:", "action:act", "action:NOPE", "tenant:a", "context", "global:"] {
        assert_eq!(Scope::from_name(name), None, "{name}");
    }
}

fn stops(context: &str) -> bool {
    let context = json::parse(context.as_bytes()).unwrap();
    let verdict = context_verdict(context.as_object().unwrap());
    assert!(
        verdict == Verdict::RUN || verdict == Verdict::new(Level::Stop, StopCode::Stopped, Scope::Context, 0)
    );
    verdict != Verdict::RUN
}

#[test]
fn inv_exe_4_context_keys_that_do_not_stop() {
    for context in [
        "{}",
        r#"{"now_ms": 5}"#,
        r#"{"ops_deny_actions": false}"#,
        r#"{"ops_deny_actions": null}"#,
        r#"{"ops_state": "GREEN"}"#,
        r#"{"ops_state": "YELLOW"}"#,
        r#"{"ops_state": null}"#,
        r#"{"ops_cooldown_until_ms": null}"#,
        r#"{"ops_cooldown_until_ms": 10, "now_ms": 10}"#,
        r#"{"now_ms": 11, "ops_cooldown_until_ms": 10}"#,
        r#"{"now_ms": 10.0, "ops_cooldown_until_ms": 10}"#,
        r#"{"cooldown_until_ms": 10}"#,
        r#"{"x:ops_deny_actions": true}"#,
    ] {
        assert!(!stops(context), "{context}");
    }
}

#[test]
fn inv_exe_4_context_keys_that_stop_odd_types_included() {
    for context in [
        r#"{"ops_deny_actions": true}"#,
        r#"{"ops_deny_actions": 0}"#,
        r#"{"ops_deny_actions": 1}"#,
        r#"{"ops_deny_actions": ""}"#,
        r#"{"ops_deny_actions": "false"}"#,
        r#"{"ops_deny_actions": []}"#,
        r#"{"ops_deny_actions": {}}"#,
        r#"{"ops_state": "RED"}"#,
        r#"{"ops_state": "red"}"#,
        r#"{"ops_state": 1}"#,
        r#"{"ops_state": false}"#,
        r#"{"ops_state": ["RED"]}"#,
        r#"{"ops_state": {}}"#,
        r#"{"ops_cooldown_until_ms": 10}"#,
        r#"{"ops_cooldown_until_ms": 10, "now_ms": 9}"#,
        r#"{"ops_cooldown_until_ms": 9007199254740993, "now_ms": 9007199254740992}"#,
        r#"{"ops_cooldown_until_ms": 10.5, "now_ms": 10}"#,
        r#"{"ops_cooldown_until_ms": 10, "now_ms": null}"#,
        r#"{"ops_cooldown_until_ms": 10, "now_ms": "11"}"#,
        r#"{"ops_cooldown_until_ms": "10", "now_ms": 11}"#,
        r#"{"ops_cooldown_until_ms": true, "now_ms": 11}"#,
        r#"{"ops_cooldown_until_ms": [], "now_ms": 11}"#,
        r#"{"ops_deny_actions": false, "ops_state": "RED"}"#,
    ] {
        assert!(stops(context), "{context}");
    }
}
