//! A conversion says what it left out, and says the same whole, in parts and while the document is read.

use bytes::BytesMut;
use millpond::convert::{Loss, Report};
use millpond::{ConversionOptions, Converter, DocumentConverter, Format};

use crate::chunked_support::{Chance, Way, check, check_read, options};

fn report(document: &[u8], options: &ConversionOptions) -> Report {
    DocumentConverter::new().convert(document, options, &mut BytesMut::new()).unwrap()
}

/// What is said of the document, whichever way it is converted.
fn of_rtf(body: &str) -> Report {
    let document =
        format!("{{\\rtf1\\ansi{{\\fonttbl{{\\f0 Arial;}}{{\\f3\\fcharset2 Wingdings;}}}}{body}}}");
    let [markdown, html] = [Format::Markdown, Format::Html].map(|to| {
        let options = options(Format::Rtf, to);
        for seed in 0..20 {
            check_read(document.as_bytes(), &options, &mut Chance(seed));
        }
        report(document.as_bytes(), &options)
    });
    assert_eq!(markdown, html, "{body}");
    markdown
}

#[test]
fn what_rtf_has_and_markdown_has_not_is_counted_by_kind() {
    for (body, expected) in [
        ("Plain {\\b text}.\\par", "nothing"),
        ("{\\pict\\pngblip 8950} and {\\*\\shppict{\\pict 00}}{\\nonshppict{\\pict 00}}\\par", "picture: 2"),
        ("{\\object\\objemb{\\*\\objdata 0105}{\\result{\\pict 00}}}\\par", "picture: 1, object: 1"),
        ("Text{\\*\\annotation A word.} goes on.\\par", "comment: 1"),
        ("{\\header Head\\par}{\\footerl Foot\\par}Text\\par", "header_footer: 2"),
        ("Word{\\xe Word}.\\par", "field: 1"),
        ("One {\\deleted two} three {\\v four} five\\par", "deleted_text: 1, hidden_text: 1"),
        ("One {\\v two \\b three} {\\v four}\\par{\\v five}\\par", "hidden_text: 3"),
        ("\\u-10179?x\\par", "character: 1"),
    ] {
        assert_eq!(of_rtf(body).to_string(), expected, "{body}");
    }
}

#[test]
fn what_was_assumed_of_broken_rtf_is_said() {
    let lenient = ConversionOptions { lenient: true, ..options(Format::Rtf, Format::Markdown) };
    for (document, expected) in [
        ("{\\rtf1 Whole.\\par}", "nothing"),
        ("{\\rtf1 one {\\b two}\\par", "assumed_end: 1"),
        ("{\\rtf1 one\\par}}two\\par}", "assumed_end: 2"),
        ("{\\pard One mill.\\par}", "assumed_head: 1"),
        ("{\\pard One {\\b mill.\\par", "assumed_head: 1, assumed_end: 1"),
    ] {
        assert_eq!(report(document.as_bytes(), &lenient).to_string(), expected, "{document}");
        for seed in 0..20 {
            check_read(document.as_bytes(), &lenient, &mut Chance(seed));
        }
    }
}

#[test]
fn reports_of_parts_add_up_to_that_of_the_whole() {
    let paragraph = "\\pard\\plain Text {\\v hidden} goes on {\\*\\annotation note}.\\par\n";
    let document = format!("{{\\rtf1\\ansi {}}}", paragraph.repeat(300));
    let to_markdown = options(Format::Rtf, Format::Markdown);
    assert!(matches!(check(document.as_bytes(), &to_markdown, 2_000), Way::Parts(count) if count > 3));
    let report = report(document.as_bytes(), &to_markdown);
    assert_eq!((report.count(Loss::HiddenText), report.count(Loss::Comment)), (300, 300));
}
