//! What becomes of the proposal.

use decision_modulation_core::{GuardPolicy, GuardPolicySpec, MODULATE_EXCEPTION, modulate};
use decision_schema::{Action, FinalDecision, MismatchInfo, Object, Proposal};

use crate::{assert_refused, object, proposal, quiet, said};

#[test]
fn an_allowed_proposal_keeps_action_reasons_and_params_and_nothing_else() {
    for action in Action::ALL {
        let proposal = proposal(action);
        let (decision, mismatch) = modulate(&proposal, &GuardPolicy::default(), &quiet());
        let expected = FinalDecision {
            reasons: proposal.reasons.clone(),
            params: proposal.params.clone(),
            ..FinalDecision::new(action)
        };
        assert_eq!(decision, expected);
        assert_eq!(mismatch, MismatchInfo::default());
    }
}

/// The refusal's action, for each action proposed and each that the policy asks for.
#[test]
fn a_refusal_asks_for_hold_or_stop_only() {
    let context = object(r#"{"ops_deny_actions": true}"#);
    for proposed in Action::ALL {
        for fail_closed_action in Action::ALL {
            let spec = GuardPolicySpec { fail_closed_action, ..GuardPolicySpec::default() };
            let policy = GuardPolicy::new(spec).unwrap();
            let (decision, mismatch) = modulate(&proposal(proposed), &policy, &context);
            assert_refused(&decision, &mismatch);
            let expected = if fail_closed_action == Action::Stop { Action::Stop } else { Action::Hold };
            assert_eq!((decision.action, policy.refusal_action()), (expected, expected));
        }
    }
}

#[test]
fn a_confidence_that_the_contract_refuses_is_refused_after_the_guards() {
    for confidence in [f64::NAN, f64::INFINITY, -0.1, 1.1] {
        let proposal = Proposal { confidence, ..proposal(Action::Act) };
        let (decision, mismatch) = modulate(&proposal, &GuardPolicy::default(), &quiet());
        assert_eq!(said(&mismatch), (MODULATE_EXCEPTION, "proposal_out_of_range"));
        assert_refused(&decision, &mismatch);

        let denial = object(r#"{"ops_deny_actions": true}"#);
        let (_, mismatch) = modulate(&proposal, &GuardPolicy::default(), &denial);
        assert_eq!(said(&mismatch).0, "ops_health");
    }
    for confidence in [0.0, 1.0] {
        let proposal = Proposal { confidence, ..proposal(Action::Act) };
        assert!(modulate(&proposal, &GuardPolicy::default(), &Object::new()).0.allowed);
    }
}
