//! Plans.

use failstop::core::idempotency::Digest;

use crate::shop::{Shop, decision, text};

const CONFIG: &str = "[executor]\nkind = \"noop\"\n[policy.retry]\nmax_retries = 2\n";

#[test]
fn a_printed_plan_hashes_to_its_digest_which_is_the_report_s() {
    let shop = Shop::with(CONFIG);
    let input = [decision("ACT", 1), decision("HOLD", 2)].concat();
    let plans = shop.run(&["plan"], &input);
    let reports = shop.run(&["run", "--ordered"], &input).reports();
    assert_eq!((plans.code, plans.stdout.lines().count()), (0, 2));
    for (line, report) in plans.stdout.lines().zip(&reports) {
        let (head, plan) = line.split_once(",\"plan\":").unwrap();
        let digest = Digest::of(plan.strip_suffix('}').unwrap().as_bytes()).to_wire();
        assert!(head.ends_with(&format!("\"plan_digest\":\"{digest}\"")), "{head} lacks {digest}");
        assert_eq!(text(report, "plan_digest"), digest);
        assert!(plan.contains(&format!("\"idempotency_key\":\"{}\"", text(report, "idempotency_key"))));
    }
}

#[test]
fn plans_execute_nothing_and_are_the_same_every_time() {
    let shop = Shop::with_script("echo done >> effects", "");
    let input = decision("ACT", 1);
    let plans = shop.run(&["plan"], &input);
    assert_eq!(plans.stdout, shop.run(&["plan"], &input).stdout);
    assert_eq!((plans.code, shop.read("effects").as_str()), (0, ""));
}

#[test]
fn a_line_that_would_be_refused_has_a_report_in_the_place_of_its_plan() {
    let said =
        Shop::with(CONFIG).run(&["plan"], ["{\"action\":\"ACT\"}\nnonsense\n", &decision("ACT", 1)].concat());
    let printed = said.reports();
    assert_eq!((said.code, printed.len()), (1, 3));
    assert_eq!(text(&printed[0], "reason_code"), "idempotency_key_missing");
    assert_eq!(text(&printed[1], "reason_code"), "input_invalid");
    assert!(text(&printed[2], "plan_digest").starts_with("sha256:"));
    assert_eq!(said.stderr.lines().count(), 2);
}

#[test]
fn the_slots_given_by_hand_are_part_of_plan_and_report_alike() {
    let shop = Shop::with(CONFIG);
    let digest =
        |args: &[&str]| text(&shop.run(args, decision("ACT", 1)).reports()[0], "plan_digest").to_owned();
    let with_two = digest(&["plan", "--max-concurrency", "2"]);
    assert_eq!(with_two, digest(&["run", "--max-concurrency", "2"]));
    assert_ne!(with_two, digest(&["plan"]));
}
