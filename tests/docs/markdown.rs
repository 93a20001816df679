//! The Markdown files of the repository: every relative link, and every heading that a link names, exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{BrokenLink, Event, LinkType, Options, Parser, Tag, TagEnd};

use crate::{assert_none, files, resolve, root};

/// The files of the repository that are read there.
pub(crate) fn repository() -> Vec<PathBuf> {
    let here = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "src/park/README.md"];
    let mut files = files(&root().join("docs"), "md");
    files.extend(here.map(|name| root().join(name)));
    files
}

/// All links of these files, each with the file that it is in.
pub(crate) fn links_in_repository() -> Vec<(PathBuf, String)> {
    let all = repository().into_iter().flat_map(|path| {
        let links = links(&fs::read_to_string(&path).unwrap());
        links.into_iter().map(move |link| (path.clone(), link))
    });
    all.collect()
}

/// Where the links of a text lead. A reference without its definition leads to `[label]`.
fn links(text: &str) -> Vec<String> {
    let mut undefined = |link: BrokenLink<'_>| match link.link_type {
        // Brackets alone may be anything.
        LinkType::Shortcut => None,
        _ => Some((format!("[{}]", link.reference).into(), "".into())),
    };
    let parser = Parser::new_with_broken_link_callback(text, options(), Some(&mut undefined));
    let links = parser.filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    });
    links.collect()
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES
}

/// The anchors that a host of repositories gives the headings: in lower case, without punctuation, with hyphens for spaces.
fn anchors(text: &str) -> BTreeSet<String> {
    let (mut anchors, mut heading) = (BTreeSet::new(), None::<String>);
    for event in Parser::new_ext(text, options()) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|text| slug(&text))),
            _ => {}
        }
    }
    anchors
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// What is wrong with a link from a file, if it stays in the repository.
fn offence(from: &Path, link: &str) -> Option<String> {
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let reason = if link.starts_with('[') {
        "is not defined"
    } else if path.contains(':') {
        return None;
    } else {
        let target = if path.is_empty() { from.to_path_buf() } else { resolve(from.parent()?, path) };
        if !target.exists() {
            "is not there"
        } else if !fragment.is_empty() && !anchors(&fs::read_to_string(target).unwrap()).contains(fragment) {
            "has no such heading"
        } else {
            return None;
        }
    };
    let from = from.strip_prefix(root()).unwrap_or(from).display();
    Some(format!("{from}: `{link}` {reason}"))
}

#[test]
fn every_link_in_the_repository_leads_somewhere() {
    let links = links_in_repository();
    assert!(!links.is_empty());
    assert_none(links.iter().filter_map(|(from, link)| offence(from, link)).collect());
}

/// A label means one place: `[scaling#tuning]` is `scaling.md#tuning`, `[0009]` is the record of this number. So the definitions of
/// `src/guide/links.md`, which rustdoc checks, and those at the ends of the guides lead to the same text.
fn mislabelled(text: &str) -> Vec<String> {
    let parser = Parser::new_ext(text, options());
    let wrong = parser.reference_definitions().iter().filter_map(|(label, definition)| {
        let (path, fragment) = definition.dest.split_once('#').unwrap_or((&definition.dest, ""));
        let (page, part) = label.split_once('#').unwrap_or((label, ""));
        let name = Path::new(path).file_stem()?.to_str()?;
        let is_file = path.ends_with(".md") && !path.contains(':');
        let same = name == page || name.split_once('-').is_some_and(|(number, _)| number == page);
        (is_file && !(same && fragment == part)).then(|| format!("[{label}]: {}", definition.dest))
    });
    wrong.collect()
}

#[test]
fn a_label_names_the_file_that_it_leads_to() {
    let wrong = files(&root().join("docs"), "md").into_iter().flat_map(|path| {
        let wrong = mislabelled(&fs::read_to_string(&path).unwrap());
        wrong.into_iter().map(move |label| format!("{}: {label}", path.display()))
    });
    assert_none(wrong.collect());
}

mod it_can_fail {
    use super::*;

    #[test]
    fn on_a_file_a_heading_or_a_definition_that_is_not_there() {
        let found = links(
            "[a](nowhere.md), [b](README.md#nowhere), [c][nowhere], [d](README.md#licence), [0] `[e](f.md)`",
        );
        let from = root().join("README.md");
        let offences: Vec<_> = found.iter().filter_map(|link| offence(&from, link)).collect();
        assert_eq!((found.len(), offences.len()), (4, 3), "{offences:?}");
    }

    #[test]
    fn on_a_label_of_another_file() {
        assert_eq!(mislabelled("[scaling]: scheduling.md\n[0009]: decisions/0010-rtf-reader.md\n").len(), 2);
        assert_eq!(mislabelled("[scaling#a]: scaling.md#b\n").len(), 1);
        let right =
            "[scaling#a]: scaling.md#a\n[0009]: decisions/0009-run-order.md\n[x]: https://example.com/y.md\n";
        assert_eq!(mislabelled(right), Vec::<String>::new());
    }

    #[test]
    fn on_a_heading_that_is_written_otherwise() {
        let anchors = anchors("# What a task costs: `dispatch`\n\n## It's *here*\n");
        assert_eq!(anchors.into_iter().collect::<Vec<_>>(), ["its-here", "what-a-task-costs-dispatch"]);
    }
}
