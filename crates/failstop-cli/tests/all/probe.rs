//! `failstop resolve --probe`.

use crate::{
    ledger::object,
    shop::{Said, Shop, decision, text},
};

/// A shop with a key in doubt, whose executor has `body` as its probe.
fn in_doubt(body: &str) -> (Shop, String) {
    let more = "[policy.timeout]\ntimeout_per_action_ms = 20000\n[executors.ACT]\nkind = \"command\"\n\
                program = \"./act.sh\"\nprobe = \"./probe.sh\"\nprobe_args = [\"--deep\"]\nenv = { TOKEN = \"t\" }";
    let shop = Shop::keyed("exit 9", more);
    shop.script("probe.sh", body);
    let report = shop.run(&["run"], decision("ACT", 3)).reports().remove(0);
    assert_eq!(text(&report, "outcome"), "unknown");
    (shop, text(&report, "idempotency_key").to_owned())
}

fn asked(body: &str) -> (Said, Shop, String) {
    let (shop, key) = in_doubt(body);
    (shop.run(&["resolve", &key, "--probe"], ""), shop, key)
}

fn state(shop: &Shop) -> String {
    text(&shop.run(&["list", "--json"], "").reports()[0], "state").to_owned()
}

#[test]
fn a_probe_is_told_the_key_and_what_it_found_is_the_resolution() {
    let (said, shop, key) = asked("cat > asked; echo $1 $TOKEN >> asked; echo '{\"effect\":\"applied\"}'");
    assert_eq!(text(&object(&said), "outcome"), "executed");
    assert_eq!(state(&shop), "SUCCEEDED");
    let asked = shop.read("asked");
    let told = format!(
        "{{\"action\":\"ACT\",\"idempotency_key\":\"{key}\",\"run_id\":\"test\",\"step\":3,\"attempts\":1,\"fence\":"
    );
    assert!(asked.starts_with(&told) && asked.ends_with("}--deep t\n"), "{asked}");
    assert!(shop.run(&["show", &key], "").stdout.contains("who probe"));
}

#[test]
fn not_applied_opens_the_key_again() {
    let (said, shop, _) = asked("echo '{\"effect\":\"not_applied\"}'");
    assert_eq!((said.code, state(&shop).as_str()), (0, "OPEN"), "{}", said.stderr);
}

#[test]
fn whatever_else_a_probe_does_leaves_the_key_in_doubt() {
    for body in [
        "echo '{\"effect\":\"unknown\"}'",
        "echo '{\"effect\":\"rejected\"}'",
        "echo '{\"effect\":\"applied\"}'; exit 1",
        "echo yes",
        "kill -9 $$",
    ] {
        let (said, shop, _) = asked(body);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{body}");
        assert!(said.stderr.ends_with("(resolve_probe_unknown)\n"), "{}", said.stderr);
        assert_eq!(state(&shop), "IN_DOUBT");
    }
}

#[test]
fn a_probe_that_hangs_is_killed_when_its_time_is_over() {
    let (shop, key) = in_doubt("sleep 600");
    let mut command = shop.command(&["resolve", &key, "--probe"]);
    command.env("FAILSTOP_POLICY_TIMEOUT_TIMEOUT_PER_ACTION_MS", "50");
    let said = crate::shop::run_command(command, "");
    assert_eq!(said.code, 1);
    assert!(said.stderr.ends_with("(resolve_probe_unknown)\n"), "{}", said.stderr);
}

#[test]
fn without_a_probe_or_a_doubt_nothing_is_asked() {
    let shop = Shop::keyed("[ -e ok ] || exit 9", "");
    let key = text(&shop.run(&["run"], decision("ACT", 1)).reports()[0], "idempotency_key").to_owned();
    let said = shop.run(&["resolve", &key, "--probe"], "");
    assert_eq!(said.code, 2);
    assert!(said.stderr.ends_with("(resolve_no_probe)\n"), "{}", said.stderr);
    let (shop, key) = in_doubt("echo asked >> asked; echo '{\"effect\":\"applied\"}'");
    shop.run(&["resolve", &key, "--applied", "--reason", "r"], "");
    let said = shop.run(&["resolve", &key, "--probe"], "");
    assert!(said.stderr.ends_with("(resolve_not_in_doubt)\n"), "{}", said.stderr);
    assert_eq!(shop.read("asked"), "");
    assert_eq!(shop.run(&["resolve", &key, "--probe", "--ledger", "failstop.db"], "").code, 2);
}
