//! Who may know whom: section "The house" of the architecture, over `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::output_of;

const SCHEMA: &str = "decision-schema";
const ENGINE: &str = "failstop";

/// Not part of what is shipped: these may depend on anything.
const UNSHIPPED: [&str; 8] = [
    "failstop-conformance",
    "failstop-crash",
    "failstop-outside",
    "failstop-testkit",
    "failstop-sim",
    "bench",
    "example-http-targets",
    "xtask",
];

/// What is configured, ledgers included.
const CONFIG: &str = "failstop-config";

/// Where everything is joined: what users call. They never see each other.
const JOINING: [&str; 2] = ["failstop-cli", "failstop-python"];

/// The workspace's own normal and build dependencies of each of its packages.
type Arrows = BTreeMap<String, BTreeSet<String>>;

fn is_core(package: &str) -> bool {
    package.ends_with("-core")
}

fn arrows() -> Arrows {
    let metadata = output_of(env!("CARGO"), &["metadata", "--offline", "--no-deps", "--format-version", "1"]);
    assert!(metadata.status.success());
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    arrows_in(&metadata)
}

fn arrows_in(metadata: &Value) -> Arrows {
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let own: BTreeSet<String> = packages.iter().map(name).collect();
    let arrows_of = |package: &Value| -> BTreeSet<String> {
        let dependencies = package["dependencies"].as_array().unwrap();
        let shipped = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
        shipped.map(name).filter(|dependency| own.contains(dependency)).collect()
    };
    packages.iter().map(|package| (name(package), arrows_of(package))).collect()
}

/// Every arrow that is not allowed, as `from -> to`.
fn forbidden(arrows: &Arrows) -> Vec<String> {
    let all = arrows.iter().flat_map(|(from, to)| to.iter().map(move |to| (from.as_str(), to.as_str())));
    all.filter(|(from, to)| !is_allowed(from, to)).map(|(from, to)| format!("{from} -> {to}")).collect()
}

fn is_allowed(from: &str, to: &str) -> bool {
    if UNSHIPPED.contains(&from) {
        return true;
    }
    match from {
        SCHEMA => false,
        _ if is_core(from) => to == SCHEMA,
        ENGINE => to == SCHEMA || is_core(to),
        _ if JOINING.contains(&from) => !UNSHIPPED.contains(&to) && !JOINING.contains(&to),
        CONFIG => is_below_adapters(to) || to == "failstop-sqlite",
        _ => is_below_adapters(to),
    }
}

fn is_below_adapters(package: &str) -> bool {
    package == SCHEMA || package == ENGINE || is_core(package)
}

#[test]
fn every_arrow_of_the_workspace_is_allowed() {
    assert_eq!(forbidden(&arrows()), Vec::<String>::new());
}

#[test]
fn the_packages_that_the_rule_speaks_of_exist() {
    let arrows = arrows();
    for package in [SCHEMA, "execution-orchestration-core", ENGINE, CONFIG, "failstop-cli"] {
        assert!(arrows.contains_key(package), "{package}");
    }
    for core in ["decision-modulation-core", "execution-orchestration-core", "ops-health-core"] {
        assert_eq!(arrows[core], BTreeSet::from([SCHEMA.to_owned()]), "{core}");
    }
    assert!(arrows[ENGINE].contains("execution-orchestration-core"));
}

#[test]
fn cores_that_see_each_other_and_adapters_that_do_are_found() {
    let arrow = |from: &str, to: &str| Arrows::from([(from.to_owned(), BTreeSet::from([to.to_owned()]))]);
    for (from, to) in [
        ("ops-health-core", "execution-orchestration-core"),
        ("execution-orchestration-core", "failstop"),
        ("decision-schema", "failstop"),
        ("failstop", "failstop-sqlite"),
        ("failstop-sqlite", "failstop-postgres"),
        ("failstop-server", "failstop-sqlite"),
        ("failstop-sqlite", "failstop-config"),
        ("failstop-config", "failstop-cli"),
        ("failstop-python", "failstop-cli"),
        ("failstop-cli", "failstop-testkit"),
    ] {
        assert_eq!(forbidden(&arrow(from, to)), [format!("{from} -> {to}")]);
    }
    for (from, to) in [
        ("ops-health-core", "decision-schema"),
        ("failstop", "ops-health-core"),
        ("failstop-sqlite", "failstop"),
        ("failstop-config", "failstop-sqlite"),
        ("failstop-python", "failstop-config"),
        ("failstop-cli", "failstop-sqlite"),
        ("failstop-testkit", "failstop"),
    ] {
        assert_eq!(forbidden(&arrow(from, to)), Vec::<String>::new());
    }
}

#[test]
fn development_dependencies_draw_no_arrow() {
    let metadata: Value = serde_json::from_str(
        r#"{"packages": [{"name": "a", "dependencies": [{"name": "b", "kind": "dev"}, {"name": "c", "kind": null}]},
            {"name": "b", "dependencies": []}, {"name": "c", "dependencies": [{"name": "serde", "kind": null}]}]}"#,
    )
    .unwrap();
    let arrows = arrows_in(&metadata);
    assert_eq!(arrows["a"], BTreeSet::from(["c".to_owned()]));
    assert!(arrows["c"].is_empty());
}
