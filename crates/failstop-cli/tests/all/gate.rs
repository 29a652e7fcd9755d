//! The watched file.

use crate::shop::{Shop, decision, text};

#[test]
fn a_gate_file_made_in_mid_run_denies_the_rest_each_with_a_report() {
    let shop = Shop::with_script(
        "n=$(grep -o '\"domain:n\":[0-9]*' | cut -d: -f3)\necho $n >> effects\n[ $n = 4 ] && : > STOP\nexit 0",
        "[gate]\nfile = \"STOP\"\n[policy]\nmax_concurrency = 1",
    );
    let said = shop.run(&["run"], (0..10).map(|n| decision("ACT", n)).collect::<String>());
    let reports = said.reports();
    assert_eq!((said.code, reports.len()), (1, 10));
    assert_eq!(shop.read("effects"), "0\n1\n2\n3\n4\n");
    for report in &reports[5..] {
        assert_eq!((text(report, "status"), text(report, "reason_code")), ("denied", "gate_stopped"));
        assert_eq!(report.get("gate").map(|gate| text(gate, "level")), Some("stop"));
    }
}
