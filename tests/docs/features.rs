//! The features in `Cargo.toml`, README, front page and Makefile are the same.

use std::collections::BTreeMap;

use crate::metadata::{metadata, package};
use crate::read;

/// Each feature, and whether it is on by default.
type Features = BTreeMap<String, bool>;

/// As cargo has them.
fn in_manifest() -> Features {
    let metadata = metadata(&["--no-deps"]);
    let features = package(&metadata, "millpond")["features"].as_object().unwrap();
    let default = features["default"].as_array().unwrap();
    let names = features.keys().filter(|name| *name != "default");
    names.map(|name| (name.clone(), default.iter().any(|on| on == name.as_str()))).collect()
}

/// The rows of the table with the head `Feature | Default`.
fn in_table(text: &str) -> Features {
    let lines = text.lines().map(|line| line.trim_start_matches("//!").trim());
    let rows = lines.skip_while(|line| !line.starts_with("| Feature | Default |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).map(|row| {
        let mut cells = row.split('|').skip(1).map(str::trim);
        let name = cells.next().unwrap().trim_matches('`').to_owned();
        (name, matches!(cells.next(), Some("yes")))
    });
    rows.collect()
}

#[test]
fn the_readme_has_the_features_of_the_manifest() {
    assert_eq!(in_table(&read("README.md")), in_manifest());
}

#[test]
fn the_front_page_has_the_features_of_the_manifest() {
    assert_eq!(in_table(&read("src/lib.rs")), in_manifest());
}

#[test]
fn the_makefile_builds_each_feature_alone() {
    let makefile = read("Makefile");
    let line = makefile.lines().find_map(|line| line.strip_prefix("FEATURES := ")).unwrap();
    let names: Vec<_> = line.split(' ').collect();
    assert_eq!(names, in_manifest().into_keys().collect::<Vec<_>>());
}

#[test]
fn docs_rs_builds_all_features() {
    let metadata = metadata(&["--no-deps"]);
    assert_eq!(package(&metadata, "millpond")["metadata"]["docs"]["rs"]["all-features"], true);
}

#[test]
fn it_can_fail_on_a_table_that_differs() {
    let table = "//! | Feature | Default | |\n//! |---|---|---|\n//! | `a` | yes | x |\n//! | `b` | no | y |\n//! end\n//! | `c` | no | |\n";
    assert_eq!(in_table(table), [("a".into(), true), ("b".into(), false)].into());
    assert_ne!(in_table(table), in_manifest());
}
