//! Reports as people read them: one row each.

use decision_schema::{Value, json};

/// The head of the rows.
pub fn head() -> String {
    row(["line", "action", "what", "status", "outcome", "because", "attempts", "time"])
}

/// One row for one report; `None` if the line is no report. `what` says what was asked for.
pub fn describe(line: &str, what: impl Fn(usize) -> String) -> Option<String> {
    let report = json::parse(line.as_bytes()).ok()?;
    let number = report.get("line").and_then(Value::as_i64).and_then(|line| usize::try_from(line).ok())?;
    let text = |name| report.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let replayed = report.get("replayed").and_then(Value::as_bool).unwrap_or(false);
    let because = if replayed { "replayed".to_owned() } else { because(&report) };
    let total_ms = report.get("total_latency_ms").and_then(Value::as_i64).unwrap_or(0);
    Some(row([
        &number.to_string(),
        &text("action"),
        &what(number),
        &text("status"),
        &text("outcome"),
        &because,
        &attempts(&report),
        &format!("{total_ms} ms"),
    ]))
}

fn because(report: &Value) -> String {
    let reason = report.get("reason_code").and_then(Value::as_str);
    let last = report.get("attempts").and_then(Value::as_array).and_then(<[Value]>::last);
    let code = last.and_then(|attempt| attempt.get("error_code")).and_then(Value::as_str);
    match (reason, code) {
        (Some(reason), Some(code)) if reason != code => format!("{reason} ({code})"),
        (Some(reason), _) => reason.to_owned(),
        (None, _) => "-".to_owned(),
    }
}

/// The effects of all attempts, in order.
fn attempts(report: &Value) -> String {
    let attempts = report.get("attempts").and_then(Value::as_array).unwrap_or(&[]);
    let effects: Vec<&str> =
        attempts.iter().filter_map(|attempt| attempt.get("effect").and_then(Value::as_str)).collect();
    if effects.is_empty() { "none".to_owned() } else { effects.join(", ") }
}

fn row([line, action, what, status, outcome, because, attempts, time]: [&str; 8]) -> String {
    format!(
        "{line:>4}  {action:<6}  {what:<23}  {status:<7}  {outcome:<12}  {because:<40}  {time:>8}  {attempts}"
    )
}
