//! Figures in README and front page are those of the guides, which say how they were measured.

use std::collections::BTreeSet;

use crate::{assert_none, read};

/// The numbers in a text, as they are written: `2,723`, `0.40`.
fn numbers(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','));
    words.map(|word| word.trim_matches(['.', ','])).filter(|word| !word.is_empty()).collect()
}

/// The cells of the table with this head, without head and rule.
fn rows<'a>(text: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let lines = text.lines().map(|line| line.trim_start_matches("//!").trim());
    let rows =
        lines.skip_while(|line| !line.starts_with(head)).skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Numbers of these cells that the guide does not have.
fn unknown(cells: &[&str], guide: &str) -> Vec<String> {
    let guide = numbers(guide);
    let unknown = cells.iter().flat_map(|cell| numbers(cell)).filter(|number| !guide.contains(number));
    unknown.map(String::from).collect()
}

#[test]
fn the_figures_of_the_readme_are_those_of_the_pages_it_links_to() {
    let readme = read("README.md");
    let rows = rows(&readme, "| Measured |");
    assert!(!rows.is_empty());
    let wrong = rows.iter().flat_map(|row| {
        let page = row[3].split_once("](").unwrap().1.split(['#', ')']).next().unwrap();
        let unknown = unknown(&row[1..3], &read(page));
        unknown.into_iter().map(move |number| format!("README.md: {number} is not in {page}"))
    });
    assert_none(wrong.collect());
}

#[test]
fn the_figures_of_the_front_page_are_those_of_the_guide() {
    let front = read("src/lib.rs");
    let rows = rows(&front, "| Your program |");
    assert!(!rows.is_empty());
    let guide = read("docs/performance.md");
    assert_none(rows.iter().flat_map(|row| unknown(&row[1..2], &guide)).collect());
}

#[test]
fn it_can_fail_on_a_figure_that_has_changed() {
    let text = "| Measured | a | b |\n|---|--:|---|\n| x 7 | 0.40 to 2,723 us | 55. |\n\n| y |\n";
    let rows = rows(text, "| Measured |");
    assert_eq!(rows, [["x 7", "0.40 to 2,723 us", "55."]]);
    assert_eq!(unknown(&rows[0][1..], "0.40, then 55; 2723"), ["2,723"]);
}
