//! Documents that are broken, or made to break the reader: each ends in a document or in an error
//! that says why.

use crate::support::{body, convert, convert_with, html, markdown, rtf, shown, there_and_back};
use bytes::BytesMut;
use millpond::convert::{ConversionOptions, ConvertError, Converter, DocumentConverter, Format};

fn from_rtf(rtf: &[u8]) -> Result<String, ConvertError> {
    convert(rtf, Format::Rtf, Format::Markdown)
}

/// Every feature of the reader, in a few hundred bytes.
const DOCUMENT: &str = r"{\rtf1\ansi\deff0{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset128 B;}}{\stylesheet{\s1\outlinelevel0 heading 1;}}
{\*\listtable{\list{\listlevel\levelnfc23{\leveltext\'01\u8226?;}}\listid1}}{\*\listoverridetable{\listoverride\listid1\ls1}}
\pard\s1 Head\par\pard{\b b{\i i}} \u-10179?\u-8704? \f1\'93\'fa\f0 {\*\x y\bin3 }{}}
{\field{\*\fldinst{HYPERLINK http://a.example}}{\fldrslt l}}{\footnote n\par m}\par{\listtext\u8226?\tab}\ls1 item\par
\pard\trowd\cellx1\intbl c\cell\row\pard{\shp{\*\shpinst{\shptxt t\par}}}{\upr{a}{\*\ud{b}}}\par}";

#[test]
fn a_document_cut_anywhere_is_said_to_be_cut() {
    assert!(from_rtf(DOCUMENT.as_bytes()).is_ok());
    for cut in 0..DOCUMENT.len() {
        match from_rtf(&DOCUMENT.as_bytes()[..cut]) {
            Err(ConvertError::Malformed { format: Format::Rtf, offset, .. }) => assert!(offset <= cut),
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
}

#[test]
fn a_document_without_any_one_of_its_bytes_is_a_document_or_malformed() {
    for gone in 0..DOCUMENT.len() {
        let mut bytes = DOCUMENT.as_bytes().to_vec();
        bytes.remove(gone);
        assert!(matches!(from_rtf(&bytes), Ok(_) | Err(ConvertError::Malformed { .. })), "without {gone}");
    }
}

#[test]
fn a_document_with_any_one_byte_changed_is_a_document_or_malformed() {
    for at in 0..DOCUMENT.len() {
        for byte in [0, b'{', b'}', b'\\', b'9', 0xff] {
            let mut bytes = DOCUMENT.as_bytes().to_vec();
            bytes[at] = byte;
            assert!(
                matches!(from_rtf(&bytes), Ok(_) | Err(ConvertError::Malformed { .. })),
                "{byte} at {at}"
            );
        }
    }
}

#[test]
fn markdown_cut_anywhere_is_markdown() {
    let document = "# a\n\n- [x] b **c** `d`\n  1. e[^1]\n\n| f | g |\n|---|--:|\n| h | [i](j \"k\") |\n\n```l\nm\n```\n\n> n<u>ö</u>\n\n[^1]: p\n";
    for (cut, _) in document.char_indices() {
        there_and_back(&document[..cut]);
        html(&document[..cut]);
    }
    // In the middle of a character.
    let cut = document.find('ö').unwrap() + 1;
    let error = convert(&document.as_bytes()[..cut], Format::Markdown, Format::Rtf).unwrap_err();
    assert!(matches!(error, ConvertError::NotUtf8 { valid_up_to } if valid_up_to == cut - 1));
}

#[test]
fn what_is_no_rtf_is_said_to_be_none() {
    for input in ["", "text", "{", "{\\", "{\\rt", "\\rtf1 a", "<html>", "PK\u{3}\u{4}", "{ \\rtf1 a}"] {
        let error = from_rtf(input.as_bytes()).unwrap_err();
        assert!(
            matches!(error, ConvertError::Malformed { format: Format::Rtf, offset: 0, .. }),
            "{input}: {error}"
        );
    }
}

#[test]
fn what_follows_the_document_is_no_part_of_it() {
    assert_eq!(markdown("{\\rtf1 a}}}} b {\\rtf1 c}"), "a\n");
    assert_eq!(markdown("{\\rtf1 a}\0\0\u{1a}"), "a\n");
}

#[test]
fn a_million_nested_groups_are_too_deep() {
    let million = 1_000_000;
    let deep = format!("{{\\rtf1 {}a{}}}", "{".repeat(million), "}".repeat(million));
    let error = from_rtf(deep.as_bytes()).unwrap_err();
    assert!(matches!(error, ConvertError::TooDeep { limit: 100_000, offset: 100_007 }));
    // And no stack is exhausted where the limit allows them.
    let options = ConversionOptions { max_groups: usize::MAX, ..Default::default() };
    assert_eq!(convert_with(deep.as_bytes(), options.clone()).unwrap(), "a\n");
    let open = format!("{{\\rtf1 {}", "{\\b\\*\\x".repeat(million));
    let error = convert_with(open.as_bytes(), options).unwrap_err();
    assert!(matches!(error, ConvertError::Malformed { .. }));
}

#[test]
fn the_limit_of_depth_is_exact() {
    let rtf = b"{\\rtf1 {{a}}}";
    let groups = |max_groups| ConversionOptions { max_groups, max_depth: 0, ..Default::default() };
    assert_eq!(convert_with(rtf, groups(3)).unwrap(), "a\n");
    assert!(matches!(convert_with(rtf, groups(2)), Err(ConvertError::TooDeep { limit: 2, .. })));
    let options = |max_depth| ConversionOptions { max_depth, max_groups: 0, ..Default::default() };
    let quotes = b"> > a";
    // Two quotes and the paragraph within.
    assert!(convert_with(quotes, options(3)).is_ok());
    assert!(matches!(convert_with(quotes, options(2)), Err(ConvertError::TooDeep { limit: 2, .. })));
}

#[test]
fn markdown_that_nests_too_deep_is_too_deep() {
    for input in
        ["> ".repeat(5000) + "a", "- ".repeat(5000) + "a", "*a **b ".repeat(3000) + &"** *".repeat(3000)]
    {
        for to in [Format::Rtf, Format::Html] {
            match convert(input.as_bytes(), Format::Markdown, to) {
                Ok(_) | Err(ConvertError::TooDeep { limit: 1000, .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    let quotes = "> ".repeat(1001) + "a";
    assert!(matches!(
        convert(quotes.as_bytes(), Format::Markdown, Format::Html),
        Err(ConvertError::TooDeep { .. })
    ));
}

#[test]
fn brackets_and_marks_without_end_are_text() {
    for piece in
        ["[", "![", "*", "_a", "`", "<", "&", "[^", "](", "~~", "\\", "> ", "- ", "1. ", "|", "#", "\t"]
    {
        let input = piece.repeat(2000);
        let back = convert(input.as_bytes(), Format::Markdown, Format::Rtf);
        assert!(matches!(back, Ok(_) | Err(ConvertError::TooDeep { .. })), "{piece}");
        assert!(
            from_rtf(format!("{{\\rtf1 {}}}", input.replace('\\', "\\\\")).as_bytes()).is_ok(),
            "{piece}"
        );
    }
}

#[test]
fn absurd_numbers_are_taken_as_they_are() {
    for number in ["99999999999999999999", "-99999999999999999999", "2147483647", "-2147483648", "-0", "-"] {
        for word in [
            "b",
            "u",
            "uc",
            "f",
            "s",
            "cs",
            "ls",
            "ilvl",
            "li",
            "outlinelevel",
            "itap",
            "ansicpg",
            "deff",
            "cpg",
            "fcharset",
            "bin",
            "listid",
            "levelnfc",
            "levelstartat",
            "pnstart",
            "trowd",
            "cellx",
            "fs",
            "rtf",
        ] {
            let result = from_rtf(format!("{{\\rtf1 a\\{word}{number} b\\par}}").as_bytes());
            let may_swallow = word == "bin" && !number.starts_with('-');
            assert!(result.is_ok() || may_swallow, "\\{word}{number}: {result:?}");
            let head = format!(
                "{{\\rtf1{{\\fonttbl{{\\f0\\{word}{number} A;}}}}{{\\stylesheet{{\\s1\\{word}{number} heading 1;}}}}{{\\*\\listtable{{\\list{{\\listlevel\\{word}{number}}}\\listid1}}}}{{\\*\\listoverridetable{{\\listoverride\\listid1{{\\lfolevel\\{word}{number}}}\\ls1}}}}\\ls1 a\\par b\\par}}"
            );
            assert!(from_rtf(head.as_bytes()).is_ok() || may_swallow, "{head}");
        }
    }
}

#[test]
fn a_list_that_counts_to_the_end_of_numbers_stays_there() {
    let text = body(r"{\*\pn\pnlvlbody\pnstart2147483647}a\par b\par");
    assert_eq!(text, "999999999. a\n999999999. b\n");
    assert_eq!(shown(&there_and_back("999999999. a\n1. b\n")), "a b");
}

#[test]
fn binary_data_may_claim_any_length() {
    assert_eq!(body(r"a{\*\x\bin5 }}}}}}b"), "ab\n");
    assert_eq!(body(r"a\bin0 b\bin-1 c\bin d"), "abcd\n");
    let error = from_rtf(br"{\rtf1 a\bin2147483647 b\par}").unwrap_err();
    assert!(matches!(error, ConvertError::Malformed { offset: 29, .. }), "{error}");
}

#[test]
fn a_fallback_may_claim_any_length() {
    assert_eq!(body(r"\uc4000000\u233 swallowed{ not this}\par not this\par"), "é not this\n\nnot this\n");
}

#[test]
fn a_name_of_any_length_is_a_name() {
    let long = "x".repeat(100_000);
    assert!(from_rtf(format!("{{\\rtf1 \\{long} a\\par}}").as_bytes()).is_ok());
    let rtf = format!("{{\\rtf1{{\\stylesheet{{\\s1 {long};}}}}\\s1{{\\listtext {long}}}\\ls1 a\\par}}");
    assert_eq!(markdown(&rtf), "- a\n");
    let link = format!(r#"{{\field{{\*\fldinst HYPERLINK "{long}"}}{{\fldrslt a}}}}"#);
    assert_eq!(body(&link), "a\n");
}

#[test]
fn output_larger_than_allowed_is_an_error_and_leaves_nothing() {
    let paragraph = "word ".repeat(100);
    let rtf_input = format!("{{\\rtf1 {paragraph}\\par}}");
    for (input, to) in [
        (rtf_input.as_bytes(), Format::Markdown),
        (rtf_input.as_bytes(), Format::Html),
        (paragraph.as_bytes(), Format::Rtf),
        (paragraph.as_bytes(), Format::Html),
    ] {
        let whole =
            convert_with(input, ConversionOptions { to: Some(to), ..Default::default() }).unwrap().len();
        for (max_output, fits) in [(0, false), (1, false), (whole - 1, false), (whole, true)] {
            let mut out = BytesMut::from("before");
            let options = ConversionOptions { to: Some(to), max_output, ..Default::default() };
            match DocumentConverter::new().convert(input, &options, &mut out) {
                Ok(_) => assert!(fits && out.len() == 6 + whole, "{to} {max_output}"),
                Err(ConvertError::OutputTooLarge { limit }) => {
                    assert!(!fits && limit == max_output, "{to} {max_output}");
                    assert_eq!(out, "before");
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Input that has the longest thing, and refers to it as often as it can, becomes no more than a
/// few times itself.
#[test]
fn nothing_long_is_repeated() {
    let long = "a".repeat(10_000);
    let link = format!(r#"{{\field{{\*\fldinst HYPERLINK "{long}"}}{{\fldrslt "#);
    for piece in [
        "a\\par ",
        "a\\cell ",
        "{\\b a} b",
        "a{\\footnote b}",
        "a\\line ",
        "{\\v x}a",
        "{\\cs6 a} ",
        "a\\row ",
    ] {
        let rtf =
            format!("{{\\rtf1{{\\stylesheet{{\\*\\cs6 HTML Code;}}}}{link}{}}}}}}}", piece.repeat(1000));
        let markdown = markdown(&rtf);
        assert!(markdown.len() < 5 * rtf.len(), "{piece}: {} from {}", markdown.len(), rtf.len());
    }
    let notes = format!("[^{long}]").repeat(10) + &format!("\n\n[^{long}]: {long}\n");
    assert!(rtf(&notes).len() < 5 * notes.len());
    let links = format!("{}\n\n[{long}]: {long}\n", format!("[{}]", &long).repeat(3));
    assert!(rtf(&links).len() < 5 * links.len());
}

#[test]
fn deep_lists_do_not_make_lines_grow() {
    let item = |level: usize| format!("\\pard\\ls2\\ilvl{level}\\li{} a\\line b\\par ", 720 * level);
    let text = body(&(0..500).map(|at| item(at % 300)).collect::<String>());
    assert!(text.lines().all(|line| line.len() < 60), "{text}");
}

#[test]
fn bytes_that_are_no_characters_are_replaced() {
    assert_eq!(from_rtf(b"{\\rtf1\\ansi\\ansicpg65001 a\xffb\\par}").unwrap(), "a\u{fffd}b\n");
    assert_eq!(body(r"{\f3\'81}a"), "\u{fffd}a\n");
    assert_eq!(body(r"\'zz\'4"), "zz4\n");
}

#[test]
fn tables_without_order_lose_no_text() {
    for (soup, letters) in [
        (r"\cell\cell\row", ""),
        (r"\row\row a", "a"),
        (r"\trowd\row a", "a"),
        (r"\intbl a\par b", "ab"),
        (r"a\cell{\b b\row}c\cell", "abc"),
        (r"\nestcell a\nestrow\itap9 b", "ab"),
        (r"\trowd\intbl a\par\pard b\par c\cell\row d", "abcd"),
    ] {
        let text = shown(&body(soup));
        let kept: String = text.chars().filter(char::is_ascii_lowercase).collect();
        assert_eq!(kept, letters, "{soup} became {text}");
    }
}
