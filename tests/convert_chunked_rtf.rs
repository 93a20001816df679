//! A document in parts becomes, byte for byte, what it becomes as a whole: RTF.
#![cfg(feature = "documents")]

mod chunked_support;

use std::fmt::Write as _;

use bytes::BytesMut;
use chunked_support::{Chance, Way, check, examples, options};
use millpond::{ConversionOptions, Converter, DocumentConverter, Format};
use proptest::prelude::*;

/// Fonts: 0 is Latin, 1 Greek. Styles: 1 is a heading, 2 a quote, 3 code. Lists: 1 has numbers, 2 bullets and numbers below, 3
/// is 1 anew, 4 has bullets only.
const HEAD: &str = r"{\rtf1\ansi\deff0\uc1{\fonttbl{\f0 Arial;}{\f1\fcharset161 Arial Greek;}}
{\stylesheet{\s0 Normal;}{\s1 heading 1;}{\s2 Quote;}{\s3 HTML Preformatted;}}
{\*\listtable{\list{\listlevel\levelnfc0}{\listlevel\levelnfc0}\listid1}{\list{\listlevel\levelnfc23}{\listlevel\levelnfc0}\listid2}{\list{\listlevel\levelnfc23}\listid3}}
{\*\listoverridetable{\listoverride\listid1\ls1}{\listoverride\listid2\ls2}{\listoverride\listid1{\lfolevel\levelstartat5}\ls3}{\listoverride\listid3\ls4}}
";

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
    for hostile in [
        // What goes on after the paragraph.
        "\\uc0 a\\par",
        "\\deleted a\\par",
        "\\v a\\par",
        "\\deff1 a\\par",
        "\\ansicpg1251 a\\par",
        "\\mac a\\par",
        "{a\\par",
        "a\\par}",
        "{\\*\\bkmk a\\par",
        "{\\fonttbl{\\f0\\fcharset204 a;}}b\\par",
        "{\\stylesheet{\\s0 heading 2;}}b\\par",
        "{\\*\\listtable{\\list\\listid1}}b\\par",
        "{\\*\\listoverridetable{\\listoverride\\listid2\\ls1}}b\\par",
        "\\footnote a\\par",
        "{\\footnote a\\par",
        "{\\footnote a}b\\par",
        "\\*\\footnote a\\par",
        "{\\*\\x\\footnote a}b\\par",
        "\\\\footnote a\\par",
        "\\footnotes a\\par",
        "\\u-10179 a\\par",
        "a\\u-10179\\par",
        "a\\uc9\\u65 b\\par",
        "a\\u65\\par",
        "a\\*\\par",
        "a\\par\\*",
        "{\\field{\\*\\fldinst HYPERLINK a}}b\\par",
        "{\\fldrslt a}\\par",
        "\\fldrslt a\\par",
        "{\\field{\\*\\fldinst HYPERLINK a}\\fldrslt b\\par",
        "\\fldinst HYPERLINK a\\par",
        "{\\pntext 1.\\tab}\\par",
        "{\\pntext 1.\\tab}a\\par",
        "{\\listtext 4.}\\ls9 a\\par",
        "{\\*\\pn\\pnlvlbody\\pnstart3}a\\par",
        "\\li9{\\*\\pn\\pnlvlblt}a\\par",
        "\\ls1 a\\par",
        "\\ls2 a\\par",
        "\\ls2\\ilvl1 a\\par",
        "\\ls3 a\\par",
        "\\ls99 a\\par",
        "\\s2 a\\par",
        "\\s3 a\\par",
        "\\s1 a\\par",
        "\\s3 \\par",
        "\\li300 a\\par",
        "\\brdrb\\par",
        "\\par",
        "{\\pict aa}\\par",
        "\\intbl a\\cell\\row",
        "\\intbl a\\cell",
        "\\intbl a\\par",
        "a\\cell b\\par",
        "a\\row b\\par",
        "\\trowd a\\row\\par",
        "\\bin9 a\\par",
        "\\bin30 a\\par",
        "a}b\\par",
        "a}}b\\par",
        "a\\'e9\\par",
        "\\f1 a\\'e9\\par",
        "\\f1\\'e9\\'e9\\par",
        "{\\upr a\\par",
        "{\\*\\shpinst{\\shptxt a\\par b}}c\\par",
        "{\\header\\pard\\plain a\\par\\pard\\plain b\\par}c\\par",
        "{\\*\\shpinst{\\shptxt\\pard\\plain a\\par\\pard\\plain b\\par}}c\\par",
        "{\\footnote\\pard\\plain a\\par\\pard\\plain b\\par}c\\par",
        "a\\line",
        "a\\sect",
        "a\\page",
        "a\\\n",
        "",
        "a\\par\0",
        "a\\par \n",
        "a\\par  ",
    ] {
        for around in [
            "\\pard\\plain A\\par\n\\pard\\plain {}\n\\pard\\plain B\\par\n\\pard\\plain C\\par\n\\pard\\plain D",
            "\\pard\\plain {}\n\\pard\\plain\\ls1 B\\par\n\\pard\\plain \\'e9 C\\par\\pard\\plain{\\pntext 1.}D\\par",
            "\\pard\\plain A\\par\n\\pard\\plain {}\n\\pard\\plain B\\u8364?\\par\n\\pard\\plain {}\\pard\\plain C\\par\\pard\\plain\\fldrslt D",
            "\\pard {}\\pard\\plain\\s3 B\\par\n\\pard\\plain C{\\footnote D}\\par\\pard\\plain\\ls1 {}\\pard\\plain E\\par\\pard\\plain F",
        ] {
            way(&around.replace("{}", hostile));
        }
    }
}

#[test]
fn a_list_goes_on_in_its_numbers() {
    let text = "\\pard\\plain Text\\par\n";
    let item = "\\pard\\plain\\ls1 Item\\par\n";
    // The numbers of one list all over the document keep it whole; those of a bulleted list, or of a short one, do not.
    assert_eq!(way(&(format!("{text}{item}{text}").repeat(5) + text)), Way::Parts(3));
    assert!(matches!(way(&format!("{text}{}{text}", item.replace("ls1", "ls4")).repeat(5)), Way::Parts(10)));
    assert!(matches!(
        way(&format!("{}{}{}", text.repeat(5), item.repeat(5), text.repeat(5))),
        Way::Parts(9..)
    ));
}

/// Found by fuzzing: a list that no table defines has bullets or numbers by its markers, and counts both.
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
        check(document.as_bytes(), &ConversionOptions { max_depth: limit % 9, ..to_markdown() }, 1);
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

/// A paragraph, most often one that can be cut after.
fn paragraph() -> impl Strategy<Value = String> {
    const START: &[&str] = &[
        "\\pard\\plain ",
        "\\pard\\plain ",
        "\\pard\\plain ",
        "\\pard\\plain\\s1 ",
        "\\pard\\plain\\s2 ",
        "\\pard\\plain\\s3 ",
        "\\pard\\plain\\ls1 ",
        "\\pard\\plain\\ls2 ",
        "\\pard\\plain\\ls3\\ilvl1 ",
        "\\pard\\plain\\intbl ",
        "\\pard\\plain\\li720 ",
        "\\pard ",
        "\\plain ",
        "{\\pard\\plain ",
        "",
    ];
    const END: &[&str] = &[
        "\\par\n",
        "\\par\n",
        "\\par\n",
        "\\par\n",
        "\\par ",
        "\\par}",
        "\\cell\\row\n",
        "\\cell ",
        "\\line ",
        "\\sect ",
        "}",
        "",
    ];
    let piece = prop_oneof![
        4 => "[a-z ]{1,6}",
        1 => "\\\\'[0-9a-f]{2}",
        1 => prop::sample::select(&["{\\b x}", "\\i ", "\\uc2 ", "\\u8364?", "\\u-10179?", "{\\footnote\\pard\\plain n}", "{\\field{\\*\\fldinst HYPERLINK \"u\"}{\\fldrslt t}}", "{\\fldinst HYPERLINK v}",
            "\\fldrslt ", "{\\pntext 2.\\tab}", "{\\listtext -}\\ls9 ", "{\\listtext 3.}\\ls9 ", "{\\*\\pn\\pnlvlbody}", "\\f1 ", "\\deff1 ", "{", "}", "\\v ", "\\*", "\\footnote ", "{\\pict 0}", "{\\*\\shpinst{\\shptxt s\\par}}", "\\bin4 "][..])
            .prop_map(str::to_owned),
    ];
    (prop::sample::select(START), prop::collection::vec(piece, 0..4), prop::sample::select(END))
        .prop_map(|(start, pieces, end)| format!("{start}{}{end}", pieces.concat()))
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
