//! A document that is converted while it is read becomes, byte for byte, what it becomes as a
//! whole; or it fails, and what was written by then is the beginning of that.

use crate::chunked_support::{Chance, Read, check_read, dependencies, examples, files, options};
use millpond::{ConversionOptions, Format};

fn to_html() -> ConversionOptions {
    ConversionOptions { chunk_size: Some(1 << 10), ..options(Format::Markdown, Format::Html) }
}

/// Text that can be cut on both sides.
const TEXT: &str = "\n\nText, *marked*.\n\n# And a heading\n\n";

#[test]
fn examples_of_the_specification_glued_together() {
    let all = examples();
    let no_references: Vec<String> = all.iter().filter(|example| !example.contains('[')).cloned().collect();
    let (mut chance, mut pieces, mut failed) = (Chance(1), 0, 0);
    for _ in 0..600 {
        let mut text = String::new();
        let examples = *chance.pick(&[&all, &no_references, &no_references]);
        for _ in 0..chance.below(30) + 2 {
            text += chance.pick::<String>(examples);
            text += *chance.pick(&["", "\n", "\n\n", TEXT, TEXT]);
        }
        if chance.below(4) == 0 {
            text = text.replace('\n', "\r\n");
        }
        let chunk_size = Some(*chance.pick(&[1, 10, 100, 1000]));
        let options = ConversionOptions { chunk_size, ..to_html() };
        match check_read(text.as_bytes(), &options, &mut chance) {
            Read::Pieces => pieces += 1,
            Read::NeedsWhole => failed += 1,
            Read::Whole | Read::Failed => {}
        }
    }
    assert!(
        pieces > 300 && failed < 60,
        "{pieces} of 600 were converted piece by piece, {failed} could not be"
    );
}

#[test]
fn each_example_of_the_specification_before_and_after_text() {
    let mut chance = Chance(2);
    for example in examples() {
        for text in
            [format!("Before.\n\n{example}{TEXT}After.\n"), format!("{TEXT}{example}\n\nAfter [foo].\n")]
        {
            check_read(text.as_bytes(), &to_html(), &mut chance);
        }
    }
}

#[test]
fn documents_that_come_with_the_dependencies() {
    let (mut chance, mut documents, mut pieces, mut failed) = (Chance(3), 0, 0, 0);
    for folder in dependencies() {
        for file in files(&folder, ".md") {
            let text = std::fs::read(&file).unwrap();
            if text.len() <= 1 << 10 {
                continue;
            }
            documents += 1;
            match check_read(&text, &to_html(), &mut chance) {
                Read::Pieces => pieces += 1,
                Read::NeedsWhole => failed += 1,
                Read::Whole | Read::Failed => {}
            }
        }
    }
    if documents == 0 {
        return;
    }
    println!("{documents} documents, {pieces} piece by piece, {failed} could not be");
    assert!(2 * pieces > documents && 20 * failed < documents, "{pieces}, {failed} of {documents}");
}

#[test]
fn what_refers_to_what_comes_later_waits_for_it() {
    let mut chance = Chance(4);
    for _ in 0..20 {
        for (text, expected) in [
            ("A [b].\n\nC.\n\n[b]: /1\n\nD.\n\nE.\n", Read::Pieces),
            ("A.\n\n[b]: /1\n\nB [b].\n\nC [B][], [x][b].\n\nD.\n\nE.\n", Read::Pieces),
            // Two definitions: the first counts.
            ("A.\n\n[b]: /1\n\nB [b].\n\nC.\n\n[B]: /1\n\nD [b].\n\nE.\n", Read::Pieces),
            // Only at the end is it certain that there is none.
            ("A [0].\n\nB.\n\nC.\n", Read::Whole),
            ("A[^1].\n\nB.\n\nC.\n\n[^1]: D\n", Read::Whole),
        ] {
            let long = text
                .replace("\n\n", " and more words of text, so that it can be seen that a block begins\n\n");
            let read = check_read(long.as_bytes(), &to_html(), &mut chance);
            assert!(read == expected || read == Read::Whole, "{text}: {read:?}");
            check_read(text.as_bytes(), &to_html(), &mut chance);
        }
    }
}

#[test]
fn what_was_written_already_and_turns_out_wrong_is_an_error() {
    let mut chance = Chance(5);
    let many = "Words, and more words.\n\n".repeat(50);
    let text = format!("[b]: /1\n\n{many}A [b].\n\n{many}[b]: /2\n\nB [b].\n");
    assert_eq!(check_read(text.as_bytes(), &to_html(), &mut chance), Read::NeedsWhole);
    // The parser's limit of expansion: 100,000 bytes in a document that is shorter than that.
    let long = "x".repeat(3_000);
    for count in [20, 60] {
        let text = format!("[b]: /{long}\n\n{}{many}{many}", "Text [b].\n\n".repeat(count));
        let read = check_read(text.as_bytes(), &to_html(), &mut chance);
        assert_eq!(read == Read::Pieces, count * long.len() < 100_000, "{count}: {read:?}");
    }
}

#[test]
fn what_is_not_text_fails_as_the_whole_does() {
    let mut chance = Chance(6);
    for broken in [
        &b"a\n\nb\xff\n\nc, and more, and more\n\nd\n"[..],
        b"a, and more, and more\n\nb, and more, and more\n\n\xc3",
        b"\xef\xbb\xbfa, and more, and more\n\nb, and more, and more\n\n\xe6\x97",
    ] {
        for _ in 0..20 {
            assert_eq!(check_read(broken, &to_html(), &mut chance), Read::Failed);
        }
    }
}

#[test]
fn the_limits_are_those_of_the_whole() {
    let text = "\u{feff}Some *text* here.\n\nMore of it.\n\n> > - deep\n\nEnd of that.\n\n1. a\n\nb, and the rest\n\n1. c\n\nd\n";
    let mut chance = Chance(7);
    for limit in 0..400 {
        let small = ConversionOptions { max_output: limit, ..to_html() };
        check_read(text.as_bytes(), &small, &mut chance);
        let flat = ConversionOptions { max_depth: limit % 9, ..to_html() };
        check_read(text.as_bytes(), &flat, &mut chance);
    }
}

#[test]
fn what_can_not_be_converted_is_told_at_once() {
    use millpond::{ConvertError, Converter, DocumentConverter};
    let begin = |head: &[u8], options| {
        DocumentConverter::new().incremental(head, &options).map(|begun| begun.is_some())
    };
    let error = begin(b"<p>", options(Format::Html, Format::Rtf)).unwrap_err();
    assert!(matches!(error, ConvertError::Unsupported { .. }));
    let error = begin(b"no RTF", options(Format::Rtf, Format::Html)).unwrap_err();
    assert!(matches!(error, ConvertError::Malformed { offset: 0, .. }));
    // Neither is this: what it is shows further on, and the lists of RTF that is written are at its
    // head.
    let undecided = ConversionOptions { to: Some(Format::Html), ..ConversionOptions::default() };
    assert!(!begin(&b"\n".repeat(64), undecided).unwrap());
    assert!(!begin(b"# Title", options(Format::Markdown, Format::Rtf)).unwrap());
    assert!(begin(b"# Title", options(Format::Markdown, Format::Html)).unwrap());
}
