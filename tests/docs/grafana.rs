//! The Grafana dashboard and the alert rules ask for metrics that exist, and every alert is
//! explained and tested.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{assert_none, read};

const DASHBOARD: &str = "docs/grafana/millpond.json";
const RULES: &str = "docs/grafana/millpond.rules.yml";
const TESTS: &str = "docs/grafana/millpond.rules.test.yml";

/// The series of the metrics in the table of the guide `metrics`.
fn documented(guide: &str) -> BTreeSet<String> {
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `millpond_"));
    let series = rows.flat_map(|row| {
        let (name, rest) = row.split_once('`').unwrap();
        let suffixes: &[_] =
            if rest.starts_with(" | histogram |") { &["_bucket", "_sum", "_count"] } else { &[""] };
        suffixes.iter().map(move |suffix| format!("millpond_{name}{suffix}"))
    });
    series.collect()
}

/// The series that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("millpond_")).map(String::from).collect()
}

/// The rules of a file, each from its name to the next one.
fn alerts(rules: &str) -> impl Iterator<Item = (&str, &str)> {
    rules.split("- alert: ").skip(1).map(|rule| rule.split_once('\n').unwrap())
}

/// All queries of the dashboard.
fn queries(dashboard: &Value) -> Vec<&str> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap()).collect()
}

#[test]
fn dashboard_and_rules_name_only_series_that_the_guide_lists() {
    let documented = documented(&read("docs/metrics.md"));
    assert!(documented.len() > 50);
    let unknown = [DASHBOARD, RULES, TESTS].into_iter().flat_map(|file| {
        let named = named(&read(file));
        assert!(!named.is_empty(), "{file}");
        let unknown: Vec<_> = named.difference(&documented).map(|name| format!("{file}: {name}")).collect();
        unknown
    });
    assert_none(unknown.collect());
}

#[test]
fn every_query_of_the_dashboard_is_limited_to_the_jobs_and_instances_that_were_picked() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let queries = queries(&dashboard);
    assert!(!queries.is_empty());
    let wide = queries.iter().filter(|query| {
        let selectors = query.matches(r#"{job=~"$job", instance=~"$instance""#).count();
        selectors != query.matches("millpond_").count()
    });
    assert_none(wide.map(|query| format!("{DASHBOARD}: {query}")).collect());
}

#[test]
fn every_alert_has_a_severity_a_summary_a_description_a_test_and_a_row_in_the_guide() {
    let (rules, tests, guide) = (read(RULES), read(TESTS), read("docs/metrics.md"));
    let missing = alerts(&rules).flat_map(|(name, rule)| {
        let parts =
            ["severity: ", "summary: ", "description: "].into_iter().filter(|part| !rule.contains(part));
        let untested = (!tests.contains(&format!("alertname: {name}\n"))).then_some("test");
        let unlisted = (!guide.contains(&format!("`{name}`"))).then_some("row in the guide `metrics`");
        parts
            .chain(untested)
            .chain(unlisted)
            .map(move |part| format!("{name} has no {part}"))
            .collect::<Vec<_>>()
    });
    assert_none(missing.collect());
    assert!(alerts(&rules).count() > 10);
}

#[test]
fn it_can_fail_on_a_series_that_does_not_exist() {
    let guide = "| `millpond_a_total` | counter | |\n| `millpond_b` | histogram | |\n| `reason` | x |\n";
    let documented = documented(guide);
    assert_eq!(
        Vec::from_iter(&documented),
        ["millpond_a_total", "millpond_b_bucket", "millpond_b_count", "millpond_b_sum"]
    );
    let named = named("rate(millpond_a_total[5m]) / millpond_b{x=\"y\"} > millpond-pool");
    assert_eq!(Vec::from_iter(named.difference(&documented)), ["millpond_b"]);
}

#[test]
fn it_can_fail_on_an_alert_without_explanation() {
    let rules: Vec<_> = alerts("groups:\n- alert: A\n  summary: x\n- alert: B\n  expr: y\n").collect();
    assert_eq!(rules, [("A", "  summary: x\n"), ("B", "  expr: y\n")]);
}
