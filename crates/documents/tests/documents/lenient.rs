//! RTF that has lost its head, braces at its end, or has too many of them.

use crate::chunked_support::rtf::{AROUND, HEAD, HOSTILE, paragraph};
use crate::chunked_support::{Chance, Read, Way, check, check_read, options};
use crate::support::convert_with;
use millpond::{ConversionOptions, ConvertError, Format};
use proptest::prelude::*;

fn lenient(to: Format) -> ConversionOptions {
    ConversionOptions { lenient: true, chunk_size: Some(100), ..options(Format::Rtf, to) }
}

/// The Markdown of a document, which must be the same in parts, and while it is read.
fn read(rtf: &str) -> String {
    let mut chance = Chance(rtf.len() as u64);
    for size in [1, 40] {
        check(rtf.as_bytes(), &lenient(Format::Markdown), size);
    }
    for format in [Format::Markdown, Format::Html] {
        check_read(rtf.as_bytes(), &lenient(format), &mut chance);
    }
    convert_with(rtf.as_bytes(), lenient(Format::Markdown)).unwrap()
}

fn error(rtf: &str, options: ConversionOptions) -> String {
    convert_with(rtf.as_bytes(), options).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_an_error_that_names_the_option() {
    let strict = || options(Format::Rtf, Format::Markdown);
    assert_eq!(
        error(r"{\rtf1 one {\b two", strict()),
        "malformed RTF at byte 18: it ends inside a group; the option `lenient` reads what there is"
    );
    assert_eq!(
        error(r" {\pard one}", strict()),
        r"malformed RTF at byte 1: it does not begin with {\rtf; the option `lenient` reads it all the same"
    );
    assert_eq!(error("one", strict()), r"malformed RTF at byte 0: it does not begin with {\rtf");
    assert_eq!(
        error("one", lenient(Format::Markdown)),
        r"malformed RTF at byte 0: it does not begin with {\rtf"
    );
}

#[test]
fn without_a_head_and_a_named_format_it_is_an_error_that_says_so() {
    let unnamed = |to| ConversionOptions { to, ..ConversionOptions::default() };
    for to in [None, Some(Format::Markdown), Some(Format::Html), Some(Format::Rtf)] {
        let text = error("\n{\\pard \\ql \\f0 A wheel.\\par}", unnamed(to));
        let expected = "malformed RTF at byte 1: it looks like RTF without its head, {\\rtf1: the option `lenient` reads it \
                        all the same; if it is Markdown, name that";
        assert_eq!(text, expected);
    }
    let mut chance = Chance(1);
    let document = format!("{{\\pard {}}}", "A wheel. ".repeat(20));
    for to in [Format::Markdown, Format::Html] {
        assert_eq!(check_read(document.as_bytes(), &unnamed(Some(to)), &mut chance), Read::Failed);
        let lenient = ConversionOptions { lenient: true, ..unnamed(Some(to)) };
        assert_eq!(check_read(document.as_bytes(), &lenient, &mut chance), Read::Pieces);
    }
}

#[test]
fn what_is_named_is_what_it_is() {
    let named =
        ConversionOptions { from: Some(Format::Markdown), to: Some(Format::Html), ..Default::default() };
    assert_eq!(convert_with(br"{\pard a}", named).unwrap(), "<p>{\\pard a}</p>\n");
    let unnamed = ConversionOptions { to: Some(Format::Html), ..Default::default() };
    assert_eq!(convert_with(br"{\bf a}", unnamed).unwrap(), "<p>{\\bf a}</p>\n");
    let lenient = ConversionOptions { lenient: true, ..Default::default() };
    assert_eq!(convert_with(br"{\pard a {\b b}\par}", lenient).unwrap(), "a **b**\n");
}

#[test]
fn without_a_head_there_are_no_tables_and_letters_are_western() {
    assert_eq!(read(r"{\pard \ql \f0 A wh\'e9\'e9l.\par}"), "A whéél.\n");
    assert_eq!(read("{\\pard One\\par}\r\n{\\pard{\\b Two}\\par}"), "One\n\n**Two**\n");
    assert_eq!(
        read(r"{{\fonttbl{\f0\fcharset204 A;}}{\stylesheet{\s1 heading 1;}}\pard\s1\f0\'e1\par"),
        "# б\n"
    );
    assert_eq!(read(r"{\fonttbl{\f0\fcharset204 A;}}\f0\'e1\par"), "б\n");
    assert_eq!(read(r"\rtf1\ansi One\par Two}"), "One\n\nTwo\n");
    assert_eq!(read(r"{ \rtf1 One{\footnote two}}"), "One[^1]\n\n[^1]: two\n");
}

#[test]
fn groups_that_are_open_end_where_the_document_does() {
    assert_eq!(read(r"{\rtf1\ansi one {\b two}\par"), "one **two**\n");
    assert_eq!(read(r"{\rtf1\ansi one {\b two\'e9"), "one **twoé**\n");
    assert_eq!(read(r"{\rtf1 one{\footnote two {\i three"), "one[^1]\n\n[^1]: two _three_\n");
    assert_eq!(read(r"{\rtf1\trowd\intbl one\cell{\b two"), "| one |\n| --- |\n\n**two**\n");
    assert_eq!(read(r#"{\rtf1{\field{\*\fldinst HYPERLINK "a"}{\fldrslt b"#), "[b](a)\n");
    assert_eq!(read(r"{\rtf1 one{\*\moMath{\mf{\mnum{\mr 1}}{\mden{\mr 2"), "one1/2\n");
}

#[test]
fn braces_too_many_end_nothing() {
    assert_eq!(read(r"{\rtf1 one}}\par {\b two}\par three}"), "one\n\n**two**\n\nthree\n");
    assert_eq!(read("{\\rtf1 one}\0\0\r\n\u{1a}"), "one\n");
}

#[test]
fn what_is_whole_is_read_as_ever_and_in_parts() {
    let mut chance = Chance(2);
    for hostile in HOSTILE {
        for around in AROUND {
            let document = format!("{HEAD}{}}}", around.replace("{}", hostile));
            check(document.as_bytes(), &lenient(Format::Markdown), 1);
            check_read(document.as_bytes(), &lenient(Format::Markdown), &mut chance);
        }
    }
    for whole in [r"\pard\plain Text{\b bold}\par", r"\ls1 a\par{\footnote b}", r"\intbl a\cell\row", r"\'e9"]
    {
        let document = format!("{HEAD}{whole}}}");
        let [strict, lenient] = [options(Format::Rtf, Format::Markdown), lenient(Format::Markdown)]
            .map(|options| convert_with(document.as_bytes(), options).unwrap());
        assert_eq!(strict, lenient);
    }
    let text = format!("{HEAD}{}}}", "\\pard\\plain Text\\par\n".repeat(9));
    assert_eq!(check(text.as_bytes(), &lenient(Format::Markdown), 1), Way::Parts(9));
    assert_eq!(check(&text.as_bytes()[..text.len() - 1], &lenient(Format::Markdown), 1), Way::Parts(9));
}

#[test]
fn the_limits_hold_as_well() {
    let deep = ConversionOptions { max_groups: 3, ..lenient(Format::Markdown) };
    assert!(convert_with(b"{{{a", deep.clone()).is_ok());
    assert!(matches!(convert_with(b"{{{{a", deep), Err(ConvertError::TooDeep { limit: 3, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_document_cut_anywhere(
        head in prop::sample::select(&[HEAD, "{\\rtf1\\pard ", "{\\pard ", "\\rtf1 "][..]),
        paragraphs in prop::collection::vec(paragraph(), 2..12),
        size in 1..200usize,
        cut in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let document = format!("{head}{}}}", paragraphs.concat());
        let cut = &document.as_bytes()[..head.len() + cut.index(document.len() - head.len() + 1)];
        prop_assert!(convert_with(cut, lenient(Format::Markdown)).is_ok());
        check(cut, &lenient(Format::Markdown), size);
        check_read(cut, &lenient(Format::Markdown), &mut Chance(seed));
        check_read(cut, &lenient(Format::Html), &mut Chance(seed));
    }
}
