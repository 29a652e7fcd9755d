//! What programs and HTTP targets may answer: one JSON object that names its effect.

use std::borrow::Cow;

use decision_schema::{Object, Value, json};
use execution_orchestration_core::model::Effect;

use super::Answer;

/// Reads `{"effect": "applied|not_applied|rejected|unknown", "error_code"?, "retry_after_ms"?, "output"?}`. `None` for
/// all else. Other members, and these three with a value of the wrong kind, are as good as absent. For executors of one's
/// own whose targets answer as programs do.
pub fn read_answer(bytes: &[u8]) -> Option<Answer> {
    json::parse(bytes).ok().and_then(|value| from_value(&value))
}

/// [`read_answer`], of JSON that was parsed already.
pub(super) fn from_value(value: &Value) -> Option<Answer> {
    let object = value.as_object()?;
    let effect = object.get("effect").and_then(Value::as_str).and_then(Effect::from_name)?;
    Some(Answer {
        error_code: error_code(object),
        retry_after_ms: retry_after_ms(object),
        output: object.get("output").filter(|output| **output != Value::Null).cloned(),
        ..Answer::of(effect)
    })
}

fn error_code(object: &Object) -> Option<Cow<'static, str>> {
    object.get("error_code").and_then(Value::as_str).map(|code| Cow::Owned(code.to_owned()))
}

fn retry_after_ms(object: &Object) -> Option<u64> {
    object.get("retry_after_ms").and_then(Value::as_i64).and_then(|ms| u64::try_from(ms).ok())
}
