//! From what is in the window to one number.

use crate::HealthSpec;

/// What was counted in the window.
pub(crate) struct Measured {
    pub(crate) errors: usize,
    pub(crate) rate_limited: usize,
    pub(crate) reconnects: usize,
    pub(crate) p95_latency_ms: Option<u64>,
}

/// `1 - (w_err p_err + w_429 p_429 + w_rec p_rec + w_lat p_lat)`, within `0.0..=1.0`; 1 is healthy.
///
/// Source: the formulas of ops-health-core. The order of additions is the reference's, so that sums are equal to the
/// last bit.
pub(crate) fn score(spec: &HealthSpec, measured: &Measured) -> f64 {
    let penalty = spec.weight_errors * share(measured.errors, spec.max_errors_per_window)
        + spec.weight_429 * share(measured.rate_limited, spec.max_429_per_window)
        + spec.weight_reconnects * share(measured.reconnects, spec.max_reconnects_per_window)
        + spec.weight_latency * excess(measured.p95_latency_ms.unwrap_or(0), spec.max_p95_latency_ms);
    (1.0 - penalty).clamp(0.0, 1.0)
}

/// How much of `limit` is used up, within `0.0..=1.0`; nothing where there is no limit.
fn share(count: usize, limit: u32) -> f64 {
    if limit == 0 { 0.0 } else { (count as f64 / f64::from(limit)).min(1.0) }
}

/// By how much of `limit_ms` it is passed, within `0.0..=1.0`; nothing where there is no limit.
fn excess(latency_ms: u64, limit_ms: u64) -> f64 {
    if limit_ms == 0 { 0.0 } else { (latency_ms.saturating_sub(limit_ms) as f64 / limit_ms as f64).min(1.0) }
}
