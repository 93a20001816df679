//! Every guide is a page of the documentation, and every code block of guides and README is compiled, by one package.

use std::fs;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

use crate::{assert_none, files, markdown, read, root};

/// The guide whose code blocks another package compiles.
const ELSEWHERE: &str = "integration.md";

#[test]
fn every_guide_is_a_page() {
    let (docs, pages) = (root().join("docs"), read("src/guide.rs"));
    let missing = files(&docs, "md").into_iter().filter_map(|path| {
        let name = path.strip_prefix(&docs).unwrap().to_str().unwrap().replace('\\', "/");
        (!pages.contains(&format!(": \"{name}\",")))
            .then(|| format!("src/guide.rs has no page for docs/{name}"))
    });
    assert_none(missing.collect());
}

/// One guide is left out of the root's documentation tests, and is among those of `tests/services`.
#[test]
fn every_guide_is_tested_once() {
    let pages = read("src/guide.rs");
    let left_out: Vec<_> = pages.split("#[cfg(not(doctest))]\n").skip(1).collect();
    assert_eq!(left_out.len(), 1, "guides that the root does not test");
    assert!(left_out[0].lines().next().unwrap().contains(ELSEWHERE));
    let services = read("tests/services/src/lib.rs");
    assert!(
        services.contains(&format!("cfg_attr(doctest, doc = include_str!(\"../../../docs/{ELSEWHERE}\"))"))
    );
    let readme = "#[doc = include_str!(\"../README.md\")]";
    assert_eq!(read("src/lib.rs").matches(readme).count(), 1, "the README");
}

/// The words after the fence of each code block that rustdoc would take for Rust and not compile.
fn ignored(text: &str) -> Vec<String> {
    let blocks = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(words))) => Some(words.into_string()),
        Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => Some("indented".into()),
        _ => None,
    });
    let not_compiled = |words: &String| {
        let is_rust = words.starts_with("rust") || words.is_empty() || words == "indented";
        is_rust && words != "rust" && words != "rust,no_run"
    };
    blocks.filter(not_compiled).collect()
}

#[test]
fn no_code_block_is_left_out() {
    let all = markdown::repository().into_iter().flat_map(|path| {
        let ignored = ignored(&fs::read_to_string(&path).unwrap());
        ignored.into_iter().map(move |words| format!("{}: a code block of `{words}`", path.display()))
    });
    assert_none(all.collect());
}

/// Where the files are that guides name.
const SOURCES: [&str; 4] = ["", "src", "examples/document_service/src", "crates/documents/src"];

/// The source files that a text names in code: `a/b.rs`, `a/{b,c}.rs`.
fn named_files(text: &str) -> Vec<String> {
    let named = code_spans(text).into_iter().filter(|code| {
        let is_path = code.chars().all(|c| c.is_ascii_alphanumeric() || "/_.{},".contains(c));
        is_path && code.contains('/') && code.ends_with(".rs")
    });
    named.flat_map(|path| alternatives(&path)).collect()
}

/// `a/b.rs` and `a/c.rs` for `a/{b,c}.rs`.
fn alternatives(path: &str) -> Vec<String> {
    let Some((start, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let (names, end) = rest.split_once('}').unwrap();
    names.split(',').map(|name| format!("{start}{name}{end}")).collect()
}

fn code_spans(text: &str) -> Vec<String> {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES);
    let spans = events.filter_map(|event| match event {
        Event::Code(code) => Some(code.into_string()),
        _ => None,
    });
    spans.collect()
}

#[test]
fn files_that_are_named_exist() {
    let all = markdown::repository().into_iter().filter(|path| !path.ends_with("CHANGELOG.md"));
    let missing = all.flat_map(|path| {
        let named = named_files(&fs::read_to_string(&path).unwrap());
        let missing = named
            .into_iter()
            .filter(|name| !SOURCES.iter().any(|from| root().join(from).join(name).is_file()));
        missing.map(move |name| format!("{}: {name}", path.display())).collect::<Vec<_>>()
    });
    assert_none(missing.collect());
}

/// The functions that a table of promises names: what follows the last `::` of a path with more than one word in it.
fn promised_tests(text: &str) -> Vec<String> {
    let rows = text.lines().filter(|line| line.starts_with('|')).collect::<Vec<_>>().join("\n\n");
    let names = code_spans(&rows).into_iter().filter_map(|code| {
        let (_, name) = code.rsplit_once("::")?;
        name.contains('_').then(|| name.to_owned())
    });
    names.collect()
}

#[test]
fn tests_that_are_promised_exist() {
    let sources: String = ["src", "tests", "crates"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let promised = promised_tests(&read("docs/scheduling.md"));
    assert!(promised.len() > 15, "{promised:?}");
    let missing = promised.into_iter().filter(|name| !sources.contains(&format!("fn {name}(")));
    assert_none(missing.collect());
}

#[test]
fn it_can_fail_on_a_file_or_a_test_that_is_not_there() {
    assert_eq!(named_files("`a/{b,c}.rs` and `d.rs`, `cargo x.rs`"), ["a/b.rs", "a/c.rs"]);
    assert_eq!(promised_tests("| x | `…::it_holds`, `a::b` |\n`c::d_e`\n"), ["it_holds"]);
}

#[test]
fn it_can_fail_on_a_block_that_is_not_compiled() {
    assert_eq!(
        ignored("```rust,ignore\nlet\n```\n\n```\nx\n```\n\n    y\n"),
        ["rust,ignore", "", "indented"]
    );
    assert_eq!(ignored("```rust\n```\n```rust,no_run\n```\n```toml\n```\n"), Vec::<String>::new());
}
