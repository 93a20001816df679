//! What other readers, or this one, have lost or changed: whole, in parts and while it is read.

use crate::chunked_support::rtf::HEAD;
use crate::chunked_support::{Chance, check, check_read, options};
use crate::support::markdown;
use millpond::Format;

/// The Markdown of a document, which must be the same in parts, and while it is read.
fn all_ways(rtf: &str) -> String {
    let mut chance = Chance(rtf.len() as u64);
    for size in [1, 40, 400] {
        check(rtf.as_bytes(), &options(Format::Rtf, Format::Markdown), size);
    }
    for _ in 0..4 {
        for format in [Format::Markdown, Format::Html] {
            check_read(rtf.as_bytes(), &options(Format::Rtf, format), &mut chance);
        }
    }
    markdown(rtf)
}

/// The Markdown of the text of a document, after a head with fonts, styles and lists, and between paragraphs at which it
/// may be cut.
fn body(text: &str) -> String {
    let around = r"\pard\plain Before.\par\pard\plain ";
    let whole = all_ways(&format!("{HEAD}{around}{text}\\par\\pard\\plain After.\\par\\pard\\plain End.}}"));
    let text = whole.strip_prefix("Before.\n\n").and_then(|rest| rest.strip_suffix("\n\nAfter.\n\nEnd.\n"));
    text.unwrap_or(&whole).to_owned()
}

#[test]
fn a_star_before_a_known_word_drops_nothing() {
    let link =
        r#"See {\field{\*\fldinst HYPERLINK "http://a.example/"}{\fldrslt \*\cs12\cf2\ul the wheel}} now."#;
    assert_eq!(body(link), "See [the wheel](http://a.example/) now.");
    assert_eq!(body(r"{\i0\b0\*\cs7\cf0 A red wheel} turns"), "A red wheel turns");
    assert_eq!(body(r"{\*\b A wheel} turns"), "**A wheel** turns");
    assert_eq!(body(r"{\*\bin2 {}A wheel} turns"), "A wheel turns");
}

#[test]
fn a_star_within_a_group_drops_nothing() {
    assert_eq!(body(r"one \*\wheelhouse two{ three\*\wheelhouse{ four} five}"), "one two three four five");
    assert_eq!(
        body(
            r"one{\*\wheelhouse two{ three}}{\*
\wheelhouse four} five"
        ),
        "one five"
    );
    assert_eq!(body(r"one{\* \wheelhouse two} three"), "one three");
}

#[test]
fn plain_ends_deleted_and_hidden_text() {
    assert_eq!(body(r"A \plain\deleted dry \plain wet wheel\par\pard\plain turns"), "A wet wheel\n\nturns");
    assert_eq!(body(r"A \plain\v dry \plain wet wheel"), "A wet wheel");
    assert_eq!(body(r"A \deleted dry \deleted0 wet \v dry \v0 wheel"), "A wet wheel");
}

#[test]
fn destinations_out_of_place_do_not_take_the_rest_of_the_document() {
    for word in
        ["pict", "header", "info", "fonttbl", "stylesheet", "listtext", "*\\fldinst", "upr", "footnote"]
    {
        assert_eq!(body(&format!("one \\{word} two\\par three")), "one two\n\nthree", "{word}");
    }
}

#[test]
fn a_footnote_in_a_table_keeps_its_text() {
    let table = body(r"\intbl a{\footnote b\par c}\cell\row\pard\plain{\footnote\intbl d\cell e}f");
    assert_eq!(
        table,
        "Before.\n\n| a[^1] |\n| --- |\n\n[^2]f\n\nAfter.\n\nEnd.\n\n[^1]: b\n\n    c\n\n[^2]: | d |\n    | --- |\n\n    e\n"
    );
}

#[test]
fn an_alternative_in_unicode_stays_where_it_belongs() {
    let link = r#"{\field{\*\fldinst HYPERLINK {\upr{"http://a.example/?"}{\*\ud{"http://a.example/b"}}}}{\fldrslt wheel}}"#;
    assert_eq!(body(link), "[wheel](http://a.example/b)");
    assert_eq!(body(r"{\listtext{\upr{?}{\*\ud{3.}}}\tab}wheel"), "3. wheel");
    assert_eq!(body(r"{\upr{gone}{\*\ud kept{\footnote n}}}").lines().nth(2), Some("kept[^1]"));
}
