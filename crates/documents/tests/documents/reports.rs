//! A conversion says what it left out, and says the same whole, in parts and while the document is
//! read.

use bytes::BytesMut;
use millpond::convert::{HtmlPolicy, Loss, Report};
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

/// What is said of the Markdown, whichever way it is converted.
fn of_markdown(document: &str, options: &ConversionOptions) -> String {
    let paragraphs = "\n\nA paragraph between.\n\n".repeat(3);
    for text in [document.to_owned(), format!("{document}{paragraphs}{document}{paragraphs}")] {
        check(text.as_bytes(), options, 20);
        for seed in 0..20 {
            check_read(text.as_bytes(), options, &mut Chance(seed));
        }
    }
    report(document.as_bytes(), options).to_string()
}

#[test]
fn what_safe_html_leaves_out_is_counted() {
    let raw = options(Format::Markdown, Format::Html);
    let safe = ConversionOptions { html: HtmlPolicy::Safe, ..raw.clone() };
    for (document, expected) in [
        ("Plain *text*, <b>bold</b>, <br> and [a link](https://a.example).", "nothing"),
        ("One <span class=a>two</span> three <!-- four -->.", "raw_html: 3"),
        ("One <script>two</script> three.", "raw_html: 2"),
        ("One <svg><path/>two <b>three</b></svg>.", "raw_html: 5"),
        ("One </b> two.", "raw_html: 1"),
        ("<div>\n<p>One\n</div>", "raw_html: 1"),
        ("<!-- one -->\n\n<script>\ntwo\n</script>", "raw_html: 2"),
        ("[a](javascript:b) ![c](data:d) <file:e> [f][g]\n\n[g]: vbscript:h", "link_target: 4"),
        ("[a <i x=y>b</i><u-x>](javascript:c)", "raw_html: 1, link_target: 1"),
        ("# a <span>b</span> {#c}\n\n[d](x:e)", "raw_html: 2, link_target: 1"),
    ] {
        assert_eq!(of_markdown(document, &safe), expected, "{document}");
        assert_eq!(of_markdown(document, &raw), "nothing", "{document}");
    }
}

#[test]
fn what_rtf_has_no_place_for_is_counted() {
    let to_rtf = options(Format::Markdown, Format::Rtf);
    for (document, expected) in [
        ("Plain *text*, <b>bold</b>, <br> and [a link](javascript:a).", "nothing"),
        ("One <span class=a>two</span> three <!-- four -->.", "raw_html: 3"),
        ("One <script>two</script> three.", "raw_html: 2"),
        ("<div>\nOne <b>two</b>\n</div>\n\n<!-- three -->", "raw_html: 2"),
    ] {
        assert_eq!(of_markdown(document, &to_rtf), expected, "{document}");
    }
}

#[test]
fn front_matter_is_counted_once() {
    let text = "A paragraph.\n\n".repeat(40);
    for to in [Format::Html, Format::Rtf] {
        let options = options(Format::Markdown, to);
        for (document, expected) in [
            (format!("---\ntitle: a\n---\n\n{text}"), "front_matter: 1"),
            (format!("\u{feff}+++\ntitle = 'a'\n+++\n{text}"), "front_matter: 1"),
            (format!("\u{feff}{text}"), "nothing"),
            (format!("---\n\n{text}"), "nothing"),
            ("---\ntitle: a\n---\n".into(), "front_matter: 1"),
        ] {
            assert_eq!(report(document.as_bytes(), &options).to_string(), expected, "{document}");
            let way = check(document.as_bytes(), &options, 100);
            assert_eq!(matches!(way, Way::Parts(_)), document.len() > 100, "{document}");
            for seed in 0..50 {
                check_read(document.as_bytes(), &options, &mut Chance(seed));
            }
        }
    }
}

#[test]
fn a_long_document_in_pieces_is_reported_as_a_short_one() {
    let paragraph = "One <span>two</span> [three](javascript:a), and the rest of the paragraph.\n\n";
    let document = format!("---\ntitle: a\n---\n{}", paragraph.repeat(5_000));
    let options = ConversionOptions { html: HtmlPolicy::Safe, ..options(Format::Markdown, Format::Html) };
    let report = report(document.as_bytes(), &options);
    assert_eq!(report.to_string(), "raw_html: 10000, link_target: 5000, front_matter: 1");
}
