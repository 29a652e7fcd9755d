//! What of others we depend on: `deny.toml`, without the tool that reads it, over `cargo metadata`.

use std::{collections::BTreeMap, fs, iter::Peekable};

use serde_json::Value;

use crate::{output_of, root};

/// Where every package comes from that is not ours.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn rules() -> toml::Table {
    fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap()
}

/// The licences that are allowed.
fn allowed() -> Vec<String> {
    let licences = rules()["licenses"]["allow"].as_array().unwrap().clone();
    licences.iter().map(|licence| licence.as_str().unwrap().to_owned()).collect()
}

/// Every package of the graph, for the platform that this runs on: others may not be on this machine.
fn packages() -> Vec<Value> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let host = String::from_utf8(output_of(&rustc, &["--print", "host-tuple"]).stdout).unwrap();
    let platform = ["--filter-platform", host.trim()];
    let asked = ["metadata", "--offline", "--locked", "--format-version", "1"];
    let metadata = output_of(env!("CARGO"), &[&asked[..], &platform].concat());
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

/// Whether the licences of an SPDX expression are allowed: of `OR` one, of `AND` all. `/` is an old way to write `OR`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let verdict = any(&mut words, allowed);
    verdict && words.next().is_none()
}

fn any<'w>(words: &mut Peekable<impl Iterator<Item = &'w str>>, allowed: &[String]) -> bool {
    let mut verdict = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        verdict |= all(words, allowed);
    }
    verdict
}

fn all<'w>(words: &mut Peekable<impl Iterator<Item = &'w str>>, allowed: &[String]) -> bool {
    let mut verdict = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        verdict &= one(words, allowed);
    }
    verdict
}

fn one<'w>(words: &mut Peekable<impl Iterator<Item = &'w str>>, allowed: &[String]) -> bool {
    let Some(word) = words.next() else { return false };
    if word == "(" {
        return any(words, allowed) & words.next_if_eq(&")").is_some();
    }
    let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
    let licence = exception.map_or_else(|| word.to_owned(), |exception| format!("{word} WITH {exception}"));
    allowed.contains(&licence)
}

#[test]
fn every_licence_is_allowed() {
    let (packages, allowed) = (packages(), allowed());
    assert!(packages.len() > 50, "the packages were not found");
    let is_fit = |package: &&Value| is_allowed(package["license"].as_str().unwrap_or(""), &allowed);
    let unfit: Vec<&str> = packages.iter().filter(|package| !is_fit(package)).map(name).collect();
    assert!(unfit.is_empty(), "{unfit:?}");
}

#[test]
fn what_is_not_ours_comes_from_the_registry() {
    let packages = packages();
    let is_fit = |package: &&Value| package["source"].is_null() || package["source"] == REGISTRY;
    let unfit: Vec<&str> = packages.iter().filter(|package| !is_fit(package)).map(name).collect();
    assert!(unfit.is_empty(), "{unfit:?}");
}

#[test]
fn nothing_is_there_twice_but_what_is_named() {
    let packages = packages();
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &packages {
        *versions.entry(name(package)).or_default() += 1;
    }
    let rules = rules();
    let skipped = rules["bans"]["skip"].as_array().unwrap();
    let is_skipped = |name: &str| {
        let mut crates = skipped.iter().map(|skip| skip["crate"].as_str().unwrap());
        crates.any(|skipped| skipped.split('@').next() == Some(name))
    };
    let unfit: Vec<_> = versions.iter().filter(|(name, count)| **count > 1 && !is_skipped(name)).collect();
    assert!(unfit.is_empty(), "{unfit:?}");
}

#[test]
fn expressions_of_licences_are_understood() {
    let allowed = ["MIT", "ISC", "A WITH e"].map(str::to_owned);
    for fit in [
        "MIT",
        "GPL/MIT",
        "GPL OR MIT",
        "MIT AND ISC",
        "(GPL OR MIT) AND ISC",
        "A WITH e",
        "GPL AND ISC OR MIT",
    ] {
        assert!(is_allowed(fit, &allowed), "{fit}");
    }
    for unfit in
        ["", "GPL", "A", "MIT WITH e", "MIT AND GPL", "(GPL OR MIT", "MIT AND (GPL OR A)", "MIT)", "MIT ISC"]
    {
        assert!(!is_allowed(unfit, &allowed), "{unfit}");
    }
}
