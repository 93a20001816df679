//! A document in parts becomes, byte for byte, what it becomes as a whole: RTF.

use std::fmt::Write as _;

use crate::chunked_support::rtf::{AROUND, HEAD, HOSTILE, paragraph};
use crate::chunked_support::{Chance, Way, check, examples, options};
use bytes::BytesMut;
use millpond::{ConversionOptions, Converter, DocumentConverter, Format};
use proptest::prelude::*;

fn to_markdown() -> ConversionOptions {
    options(Format::Rtf, Format::Markdown)
}

fn way(body: &str) -> Way {
    check(format!("{HEAD}{body}}}").as_bytes(), &to_markdown(), 1)
}

#[test]
fn text_is_in_parts() {
    let body: String = (0..9).map(|n| format!("\\pard\\plain Text {n}\\par\n")).collect();
    assert_eq!(way(&body), Way::Parts(9));
}

#[test]
fn footnotes_are_numbered_throughout() {
    let body: String = (0..9)
        .map(|n| {
            format!("\\pard\\plain Text{{\\super\\chftn{{\\footnote\\pard\\plain Note {n}}}}} {n}\\par\n")
        })
        .collect();
    assert_eq!(way(&body), Way::Parts(9));
}

#[test]
fn what_was_written_by_this_crate_is_read_in_parts() {
    let examples = examples();
    let (mut chance, mut in_parts, mut again) = (Chance(1), 0, 0);
    for _ in 0..300 {
        let mut text = String::new();
        for _ in 0..chance.below(20) + 2 {
            write!(text, "{}\n\nText.\n\nMore.\n\n", chance.pick(&examples)).unwrap();
        }
        let mut rtf = BytesMut::new();
        DocumentConverter::new()
            .convert(text.as_bytes(), &options(Format::Markdown, Format::Rtf), &mut rtf)
            .unwrap();
        match check(&rtf, &to_markdown(), *chance.pick(&[1, 100, 1000])) {
            Way::Parts(_) => in_parts += 1,
            Way::Again => again += 1,
            Way::Whole => {}
        }
    }
    assert!(in_parts > 200 && again < 20, "{in_parts} of 300 were in parts, {again} in vain");
}

/// What leaves something behind that the next paragraph sees, though it begins anew.
#[test]
fn hostile_documents() {
    for hostile in HOSTILE {
        for around in AROUND {
            way(&around.replace("{}", hostile));
        }
    }
}

#[test]
fn a_list_goes_on_in_its_numbers() {
    let text = "\\pard\\plain Text\\par\n";
    let item = "\\pard\\plain\\ls1 Item\\par\n";
    // The numbers of one list all over the document keep it whole; those of a bulleted list, or of
    // a short one, do not.
    assert_eq!(way(&(format!("{text}{item}{text}").repeat(5) + text)), Way::Parts(3));
    assert!(matches!(way(&format!("{text}{}{text}", item.replace("ls1", "ls4")).repeat(5)), Way::Parts(10)));
    assert!(matches!(
        way(&format!("{}{}{}", text.repeat(5), item.repeat(5), text.repeat(5))),
        Way::Parts(9..)
    ));
}

/// Found by fuzzing: a list that no table defines has bullets or numbers by its markers, and counts
/// both.
#[test]
fn bullets_are_counted_though_their_numbers_do_not_show() {
    let text = "\\pard\\plain Text\\par\n\\pard\\plain Text\\par\n";
    let item = |marker: &str| format!("\\pard\\plain{{\\listtext {marker}\\tab}}\\ls9 Item\\par\n");
    for markers in [["-", "7."], ["7.", "-"], ["7.", "7."], ["-", "-"]] {
        let body = markers.map(|marker| format!("{text}{}{text}", item(marker))).concat();
        let way = check(format!("{{\\rtf1 {body}}}").as_bytes(), &to_markdown(), 1);
        assert_eq!(matches!(way, Way::Parts(_)), markers[1] == "-", "{markers:?}: {way:?}");
    }
}

#[test]
fn the_limits_are_those_of_the_whole() {
    let body = "\\pard\\plain One{\\footnote two{\\b three}}\\par\n".repeat(4)
        + "\\pard\\plain\\intbl a\\cell\\row\\pard\\plain\\s3    \\par{}";
    let document = format!("{HEAD}{body}}}");
    for limit in 0..400 {
        check(document.as_bytes(), &ConversionOptions { max_output: limit, ..to_markdown() }, 1);
        check(document.as_bytes(), &ConversionOptions { max_groups: limit % 9, ..to_markdown() }, 1);
    }
}

#[test]
fn a_document_that_is_cut_off_is_not_in_parts() {
    let document = format!("{HEAD}{}}}", "\\pard\\plain A{\\b b}\\par\n".repeat(5));
    for end in 0..document.len() {
        assert!(!matches!(check(&document.as_bytes()[..end], &to_markdown(), 1), Way::Parts(_)), "{end}");
    }
    assert!(matches!(check(document.as_bytes(), &to_markdown(), 1), Way::Parts(_)));
}

#[test]
fn parts_are_about_as_long_as_they_are_asked_for() {
    let document = format!("{HEAD}{}}}", "\\pard\\plain A paragraph of some words.\\par\n".repeat(1_000));
    let split = DocumentConverter::new().split(document.as_bytes(), &to_markdown(), 7_000).unwrap();
    let lengths: Vec<_> = (0..split.len()).map(|part| split.part(part).len()).collect();
    assert_eq!(lengths.iter().sum::<usize>(), document.len());
    assert!(lengths.iter().all(|length| (5_000..=8_000).contains(length)), "{lengths:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_document(
        head in prop::sample::select(&[HEAD, "{\\rtf1\\pard "][..]),
        paragraphs in prop::collection::vec(paragraph(), 2..12),
        size in 1..200usize,
    ) {
        check(format!("{head}{}}}", paragraphs.concat()).as_bytes(), &to_markdown(), size);
    }
}
