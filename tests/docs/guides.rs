//! Every guide is a page of the documentation, and every code block of guides and README is compiled, by one package.

use std::fs;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

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

#[test]
fn it_can_fail_on_a_block_that_is_not_compiled() {
    assert_eq!(
        ignored("```rust,ignore\nlet\n```\n\n```\nx\n```\n\n    y\n"),
        ["rust,ignore", "", "indented"]
    );
    assert_eq!(ignored("```rust\n```\n```rust,no_run\n```\n```toml\n```\n"), Vec::<String>::new());
}
