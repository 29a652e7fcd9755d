//! Clean documents such as executions carry: contexts of deployments, metrics, answers of targets. Always the same ones.

use std::fmt::Write;

/// How many different documents there are.
const DOCUMENTS: u32 = 2_000;

/// A few megabytes of JSON, one document a line, in which nothing is to be redacted.
pub fn clean() -> Vec<String> {
    (0..DOCUMENTS).map(document).collect()
}

/// A decision of an ops pipeline, about 2 KiB.
fn document(number: u32) -> String {
    let mut out = String::with_capacity(3_000);
    let region = ["eu-central", "us-east", "ap-south"][number as usize % 3];
    let _ = write!(
        out,
        r#"{{"run_id":"deploy-{number}","step":{},"context":{{"now_ms":{},"region":"{region}","ops_state":"GREEN","#,
        number % 17,
        1_767_225_600_000_u64 + u64::from(number) * 1_013,
    );
    let _ = write!(
        out,
        r#""summary":"error rate of checkout rose to {}.{} % after release 2026.{} and fell after the rollback","#,
        number % 9,
        number % 10,
        number % 53,
    );
    out.push_str(r#""services":["#);
    for service in 0..8 {
        out.push_str(if service == 0 { "" } else { "," });
        let _ = write!(
            out,
            r#"{{"name":"checkout-{service}","replicas":{},"healthy":{},"image":"registry.internal/shop/checkout:2026.{}.{service}","latency_ms":{{"p50":{},"p95":{},"p99":{}.5}},"labels":["zone-{region}-{service}","tier-frontend"]}}"#,
            3 + number % 5,
            service != number % 7,
            number % 53,
            12 + number % 30,
            40 + number % 90,
            120 + number % 200,
        );
    }
    out.push_str(r#"]},"decision":{"action":"ACT","allowed":true,"reasons":["error rate above 2 % for 300 s","rollback approved by policy"],"params":{"#);
    let _ = write!(
        out,
        r#""ops:operation":"restart","ops:target":"checkout-{}","ops:batch":[{},{},{}],"ops:note":"drain first, then restart one by one; wait until \"healthy\" twice"}}}}}}"#,
        number % 8,
        number,
        number + 1,
        number + 2,
    );
    out
}
