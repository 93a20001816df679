//! The libraries build with the compiler that their manifests name, as far as their dependencies say what they need.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::assert_none;
use crate::metadata::{metadata, package};

const LIBRARIES: [&str; 4] = ["millpond", "millpond-convert", "millpond-documents", "millpond-forecast"];

/// A version as numbers, `1.85` as `[1, 85, 0]`.
fn version(text: &str) -> [u32; 3] {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap());
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

/// The identifiers of all packages that a build of these needs, on any system, without tests.
fn needed<'a>(metadata: &'a Value, libraries: &[&str]) -> BTreeSet<&'a str> {
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let nodes: BTreeMap<_, _> = nodes.iter().map(|node| (node["id"].as_str().unwrap(), node)).collect();
    let mut open: Vec<_> =
        libraries.iter().map(|name| package(metadata, name)["id"].as_str().unwrap()).collect();
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            let dependencies = nodes[id]["deps"].as_array().unwrap().iter();
            let built = dependencies.filter(|dependency| {
                dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"] != "dev")
            });
            open.extend(built.map(|dependency| dependency["pkg"].as_str().unwrap()));
        }
    }
    found
}

/// Packages of these that say they need a newer compiler than `most`.
fn too_new(metadata: &Value, ids: &BTreeSet<&str>, most: [u32; 3]) -> Vec<String> {
    let packages = metadata["packages"].as_array().unwrap().iter();
    let packages = packages.filter(|package| ids.contains(package["id"].as_str().unwrap()));
    let newer = packages.filter_map(|package| {
        let needs = package["rust_version"].as_str()?;
        (version(needs) > most).then(|| format!("{} needs Rust {needs}", package["id"]))
    });
    newer.collect()
}

#[test]
fn no_dependency_of_the_libraries_needs_a_newer_compiler() {
    let metadata = metadata(&["--all-features"]);
    let promised = package(&metadata, "millpond")["rust_version"].as_str().unwrap();
    let ids = needed(&metadata, &LIBRARIES);
    assert!(ids.len() > 20, "{ids:?}");
    assert_none(too_new(&metadata, &ids, version(promised)));
}

#[test]
fn the_libraries_promise_one_version_and_the_documentation_says_it() {
    let metadata = metadata(&["--no-deps"]);
    let promised = LIBRARIES.map(|name| package(&metadata, name)["rust_version"].as_str().unwrap());
    assert!(promised.iter().all(|version| *version == promised[0]), "{promised:?}");
    for (file, word) in
        [("README.md", "Rust"), ("src/lib.rs", "Rust"), ("CONTRIBUTING.md", "Rust"), ("Makefile", "MSRV :=")]
    {
        assert!(crate::read(file).contains(&format!("{word} {}", promised[0])), "{file}");
    }
}

#[test]
fn it_can_fail_on_a_dependency_that_is_too_new() {
    let metadata = metadata(&["--all-features"]);
    let ids = needed(&metadata, &LIBRARIES);
    assert!(!too_new(&metadata, &ids, [1, 50, 0]).is_empty());
    assert!(version("1.85") > version("1.84.1") && version("1.85.1") > version("1.85"));
}
