//! The order of effects, and the order of reports.

use crate::shop::{NOOP, Shop, decision, number};

#[test]
fn with_one_at_a_time_effects_come_in_the_order_of_decisions() {
    // Every third decision fails once, so that the order also has to survive a retry.
    let body = "n=$(grep -o '\"domain:n\":[0-9]*' | cut -d: -f3)\n\
                if [ $((n % 3)) = 0 ] && [ ! -e tried.$n ]; then : > tried.$n; exit 75; fi\n\
                echo $n >> effects";
    let shop =
        Shop::with_script(body, "[policy]\nmax_concurrency = 1\n[policy.retry]\ninitial_backoff_ms = 1");
    let input: String = (0..20).map(|n| decision("ACT", n)).collect();
    let said = shop.run(&["run"], input);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(shop.read("effects").lines().collect::<Vec<_>>(), expected);
}

#[test]
fn ordered_reports_keep_the_order_of_lines_whatever_ends_first() {
    // The even ones wait until the odd one behind them is done.
    let body = "n=$(grep -o '\"domain:n\":[0-9]*' | cut -d: -f3)\n\
                if [ $((n % 2)) = 0 ]; then while [ ! -e done.$((n + 1)) ]; do sleep 0.01; done; fi\n\
                : > done.$n";
    let shop = Shop::with_script(
        body,
        "[policy]\nmax_concurrency = 64\n[policy.timeout]\ntimeout_per_action_ms = 60000\nmax_total_time_ms = 60000",
    );
    let mut input: String = (0..60).map(|n| decision("ACT", n)).collect();
    input.insert_str(0, "nonsense\n");
    let said = shop.run(&["run", "--ordered"], input);
    let lines: Vec<i64> = said.reports().iter().map(|report| number(report, "line")).collect();
    assert_eq!(lines, (1..=61).collect::<Vec<_>>());
    assert_eq!(said.code, 1);
}

#[test]
fn every_line_of_a_long_input_is_answered_once() {
    let input: String = (0..20_000).map(|n| decision("ACT", n)).collect();
    let said = Shop::with(NOOP).run(&["run", "--ordered"], input);
    let lines: Vec<i64> = said.reports().iter().map(|report| number(report, "line")).collect();
    assert_eq!((said.code, lines), (0, (1..=20_000).collect::<Vec<_>>()));
}
