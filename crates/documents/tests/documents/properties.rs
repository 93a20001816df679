//! What holds for any input: no panic, valid output, text that stays the same.

use crate::support::{convert, html, markdown, rtf, shown, squeeze, there_and_back};
use millpond::convert::Format;
use proptest::prelude::*;

/// A piece of RTF: control words in and out of place, braces, escapes, text.
fn rtf_piece() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "par",
        "pard",
        "plain",
        "b",
        "b0",
        "i",
        "i0",
        "ul",
        "ulnone",
        "strike",
        "super",
        "sub",
        "v",
        "cell",
        "row",
        "trowd",
        "cellx100",
        "intbl",
        "itap2",
        "nestcell",
        "nestrow",
        "s1",
        "s2",
        "s3",
        "cs6",
        "ls1",
        "ls2",
        "ls99",
        "ilvl0",
        "ilvl1",
        "ilvl7",
        "li720",
        "li-5",
        "outlinelevel0",
        "f0",
        "f1",
        "f3",
        "f77",
        "uc0",
        "uc1",
        "uc9999",
        "u8364",
        "u-10179",
        "u-8704",
        "u55357",
        "u56832",
        "u1234567",
        "u-2147483648",
        "tab",
        "line",
        "page",
        "sect",
        "emdash",
        "bullet",
        "lquote",
        "footnote",
        "field",
        "*\\fldinst HYPERLINK \"http://a\"",
        "fldrslt",
        "pict",
        "fonttbl",
        "stylesheet",
        "*\\listtable",
        "*\\listoverridetable",
        "list",
        "listlevel",
        "levelnfc23",
        "listid1",
        "listoverride",
        "lfolevel",
        "levelstartat3",
        "pntext",
        "*\\pn\\pnlvlblt",
        "*\\pn\\pnlvlbody\\pnstart4",
        "listtext",
        "bin3",
        "bin99999999",
        "upr",
        "*\\shpinst",
        "shptxt",
        "shprslt",
        "*\\ud",
        "*\\unknown",
        "unknown",
        "info",
        "header",
        "brdrb",
        "deleted",
        "mac",
        "pc",
        "pca",
        "ansicpg932",
        "ansicpg1251",
        "deff3",
        "fcharset128",
        "qc",
    ];
    prop_oneof![
        4 => prop::sample::select(WORDS).prop_map(|word| format!("\\{word} ")),
        3 => "[a-z ]{0,6}",
        2 => "[-#*_~`|<>\\[\\]()!&.:+=0-9a c]{1,5}",
        2 => Just("{".to_owned()),
        2 => Just("}".to_owned()),
        1 => "\\\\'[0-9a-f]{2}",
        1 => "\\\\[~_:|*\\-{}]",
        1 => "\\PC{1,2}",
    ]
}

fn rtf_soup() -> impl Strategy<Value = String> {
    prop::collection::vec(rtf_piece(), 0..80).prop_map(|pieces| format!("{{\\rtf1 {}", pieces.concat()))
}

/// As many closing braces as it takes, and one more.
fn closed(mut soup: String) -> String {
    let open = soup.matches('{').count();
    soup.extend(std::iter::repeat_n('}', open + 1));
    soup
}

/// Markdown in which anything may follow anything.
fn markdown_soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z ]{1,6}",
        3 => "[-#*_~`|<>\\[\\]()!&.:+=0-9\\\\ ]{1,4}",
        2 => Just("\n".to_owned()),
        1 => prop::sample::select(&[
            "\n\n", "\n- ", "\n1. ", "\n> ", "\n    ", "\n```\n", "\n|a|b|\n|-|-|\n|", "[^1]", "\n[^1]: ", "[a](b)",
            "<u>", "</u>", "<br>", "\n<div>\n", "\n\n<p>", "</p>", "\n<script>", "<!--", "-->", "&amp;", "\n***\n", "![i](j)", "- [ ] ", "<http://a.b>", "\n===\n",
        ][..]).prop_map(str::to_owned),
        1 => "\\PC{1,2}",
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Text with every character that might mean something in Markdown, and an RTF document that shows
/// it.
fn text_in_rtf() -> impl Strategy<Value = (String, String)> {
    let word = prop_oneof![
        3 => "[a-zA-Z]{1,4}",
        3 => "[-#*_~`|<>\\[\\]()!&.:+=0-9\\\\{}\"'$^/?@;,%a]{1,4}",
        1 => "[éß€日本αЯ😀·—]{1,3}",
        1 => Just("&amp;".to_owned()),
        1 => Just("http://a.example/_b_".to_owned()),
    ];
    let looks = prop::sample::select(
        &[
            "",
            "\\b ",
            "\\i ",
            "\\b\\i ",
            "\\strike ",
            "\\ul ",
            "\\super ",
            "\\cs6 ",
            "\\b\\strike ",
            "\\cs6\\b ",
        ][..],
    );
    let gap = prop::sample::select(&["", " ", "  ", "\\par ", "\\line ", " \\tab "][..]);
    prop::collection::vec((looks, word, any::<bool>(), gap), 1..12).prop_map(|parts| {
        let mut text = String::new();
        let mut rtf = r"{\rtf1\ansi{\stylesheet{\*\cs6 HTML Code;}}".to_owned();
        for (looks, word, is_linked, gap) in parts {
            text.push_str(&word);
            text.push_str(if gap.is_empty() { "" } else { " " });
            let escaped: String = word.chars().map(rtf_char).collect();
            let link = if is_linked { "" } else { r#"\field{\*\fldinst HYPERLINK "http://x"}"# };
            let result = if is_linked { "" } else { "\\fldrslt " };
            rtf.push_str(&format!("{{{link}{{{result}{looks}{escaped}}}}}{gap}"));
        }
        rtf.push('}');
        (text, rtf)
    })
}

fn rtf_char(c: char) -> String {
    match c {
        '\\' | '{' | '}' => format!("\\{c}"),
        c if c.is_ascii() => c.to_string(),
        c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{}?", *unit as i16)).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let rtf = [&b"{\\rtf1 "[..], &bytes].concat();
        let _ = convert(&bytes, Format::Rtf, Format::Markdown);
        let _ = convert(&rtf, Format::Rtf, Format::Markdown);
        let _ = convert(&rtf, Format::Rtf, Format::Html);
        let _ = convert(&bytes, Format::Markdown, Format::Rtf);
        let _ = convert(&bytes, Format::Markdown, Format::Html);
    }

    #[test]
    fn any_balanced_rtf_becomes_markdown(soup in rtf_soup()) {
        let _ = convert(soup.as_bytes(), Format::Rtf, Format::Markdown);
        let _ = convert(closed(soup).as_bytes(), Format::Rtf, Format::Html);
    }

    #[test]
    fn any_markdown_becomes_rtf_that_reads_back(soup in markdown_soup()) {
        html(&soup);
        let rtf = rtf(&soup);
        prop_assert!(rtf.is_ascii());
        markdown(&rtf);
    }

    #[test]
    fn text_stays_the_same_text((text, rtf) in text_in_rtf()) {
        let markdown = markdown(&rtf);
        prop_assert_eq!(shown(&markdown), squeeze(&text), "{}", markdown);
    }

    #[test]
    fn what_is_written_once_is_written_again(soup in markdown_soup()) {
        let once = there_and_back(&soup);
        let twice = there_and_back(&once);
        prop_assert_eq!(shown(&once), shown(&twice), "{}", once);
    }

    #[test]
    fn a_document_cut_anywhere_is_an_error_or_a_document(soup in rtf_soup(), cut in any::<prop::sample::Index>()) {
        let whole = closed(soup);
        let bytes = whole.as_bytes();
        let _ = convert(&bytes[..cut.index(bytes.len() + 1)], Format::Rtf, Format::Markdown);
    }
}
