//! What programs and HTTP targets are told: one JSON object per attempt, the same for both.

use decision_schema::{Object, Value, json::write_string};

use super::Attempt;

/// The request as compact JSON: `{"action", "params", "context", "run_id", "step", "tenant", "attempt_number",
/// "idempotency_key", "fence", "deadline_ms", "timeout_ms"}`. What is absent is `null`.
pub(super) fn to_json(attempt: &Attempt<'_>) -> String {
    let mut json = String::with_capacity(512);
    json.push_str("{\"action\":");
    write_string(attempt.action.as_str(), &mut json);
    member("params", attempt.params, push_object, &mut json);
    member("context", Some(attempt.context), push_object, &mut json);
    member("run_id", attempt.run_id, write_string, &mut json);
    member("step", attempt.step, push_number, &mut json);
    member("tenant", attempt.tenant, write_string, &mut json);
    member("attempt_number", Some(attempt.attempt_number), push_number, &mut json);
    member("idempotency_key", attempt.idempotency_key, write_string, &mut json);
    member("fence", Some(attempt.fence), push_number, &mut json);
    member("deadline_ms", Some(attempt.deadline_ms), push_number, &mut json);
    member("timeout_ms", Some(attempt.timeout_ms), push_number, &mut json);
    json.push('}');
    json
}

fn member<T>(name: &str, value: Option<T>, push: impl FnOnce(T, &mut String), json: &mut String) {
    json.push(',');
    write_string(name, json);
    json.push(':');
    match value {
        Some(value) => push(value, json),
        None => json.push_str("null"),
    }
}

fn push_number(number: impl ToString + Copy, json: &mut String) {
    json.push_str(&number.to_string());
}

/// Written member by member, so that a large object need not be copied into a [`Value`] first.
fn push_object(object: &Object, json: &mut String) {
    json.push('{');
    for (index, (name, value)) in object.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write_string(name, json);
        json.push(':');
        Value::write_to(value, json);
    }
    json.push('}');
}
