//! What is read of Markdown beyond CommonMark, each with its option.

use crate::chunked_support::{Chance, Read, Way, check, check_read, options};
use crate::support::{convert_with, there_and_back};
use millpond::convert::{ConversionOptions, Format, MarkdownExtensions};

const NONE: MarkdownExtensions = MarkdownExtensions::none();

fn with(extensions: MarkdownExtensions, to: Format) -> ConversionOptions {
    ConversionOptions { extensions, ..options(Format::Markdown, to) }
}

fn html(markdown: &str, extensions: MarkdownExtensions) -> String {
    convert_with(markdown.as_bytes(), with(extensions, Format::Html)).unwrap()
}

fn rtf(markdown: &str, extensions: MarkdownExtensions) -> String {
    convert_with(markdown.as_bytes(), with(extensions, Format::Rtf)).unwrap()
}

/// The usual, and headings without ids.
fn plain() -> MarkdownExtensions {
    MarkdownExtensions { heading_ids: false, ..MarkdownExtensions::default() }
}

#[test]
fn addresses_are_links() {
    let text = "See https://example.org/a and www.example.org.";
    let expected = "<p>See <a href=\"https://example.org/a\">https://example.org/a</a> and <a \
        href=\"http://www.example.org\">www.example.org</a>.</p>\n";
    assert_eq!(html(text, plain()), expected);
    assert_eq!(html(text, NONE), format!("<p>{text}</p>\n"));
    for (text, expected) in [
        ("a@b.example", "<a href=\"mailto:a@b.example\">a@b.example</a>"),
        (
            "http://a.example/b_c*d?e=f&g=h",
            "<a href=\"http://a.example/b_c*d?e=f&amp;g=h\">http://a.example/b_c*d?e=f&amp;g=h</a>",
        ),
        ("www.a.example?b&amp;c", "<a href=\"http://www.a.example?b&amp;c\">www.a.example?b&amp;c</a>"),
        ("*www.a.example*", "<em><a href=\"http://www.a.example\">www.a.example</a></em>"),
        ("`www.a.example`", "<code>www.a.example</code>"),
        ("[www.a.example](b)", "<a href=\"b\">www.a.example</a>"),
        ("[*www.a.example* www.c.example](b)", "<a href=\"b\"><em>www.a.example</em> www.c.example</a>"),
        ("<http://a.example>", "<a href=\"http://a.example\">http://a.example</a>"),
        ("http\\://a.example", "http://a.example"),
    ] {
        assert_eq!(html(text, plain()), format!("<p>{expected}</p>\n"));
    }
    assert_eq!(html("    www.a.example\n", plain()), "<pre><code>www.a.example\n</code></pre>\n");
    assert_eq!(html("|a|\n|-|\n|www.a.example|\n", plain()).matches("<a href").count(), 1);
    assert!(rtf("www.a.example", plain()).contains("HYPERLINK \"http://www.a.example\""));
}

#[test]
fn alerts_are_quotes_of_a_class() {
    for (name, class) in [
        ("NOTE", "note"),
        ("tip", "tip"),
        ("IMPORTANT", "important"),
        ("Warning", "warning"),
        ("CAUTION", "caution"),
    ] {
        let text = format!("> [!{name}]\n> An alert.\n");
        let expected =
            format!("<blockquote class=\"markdown-alert-{class}\">\n<p>An alert.</p>\n</blockquote>\n");
        assert_eq!(html(&text, plain()), expected);
        let title = format!("{}{}", class[..1].to_uppercase(), &class[1..]);
        assert_eq!(there_and_back(&text), format!("> **{title}**\n>\n> An alert.\n"));
    }
    assert!(html("> [!NOTE]\n> a\n", NONE).contains("[!NOTE]"));
}

#[test]
fn headings_have_ids_and_links_lead_to_them() {
    let text = "# My Part\n\n[go](#my-part)\n";
    let usual = MarkdownExtensions::default();
    assert_eq!(html(text, usual), "<h1 id=\"my-part\">My Part</h1>\n<p><a href=\"#my-part\">go</a></p>\n");
    assert_eq!(html(text, NONE), "<h1>My Part</h1>\n<p><a href=\"#my-part\">go</a></p>\n");
    assert_eq!(
        html("# *A* `b`\n## A b\nA [b](c)\n===\n# !\n", usual),
        "<h1 id=\"a-b\"><em>A</em> <code>b</code></h1>\n<h2 id=\"a-b-1\">A b</h2>\n<h1 id=\"a-b-2\">A <a \
         href=\"c\">b</a></h1>\n<h1>!</h1>\n"
    );
    let rtf = rtf(text, usual);
    assert!(rtf.contains("{\\*\\bkmkstart my-part}{\\*\\bkmkend my-part}My Part\\par"), "{rtf}");
    assert!(rtf.contains("{\\field{\\*\\fldinst{HYPERLINK \\\\l \"my-part\"}}{\\fldrslt"), "{rtf}");
    assert_eq!(there_and_back(text), text);
}

#[test]
fn headings_may_name_their_ids() {
    let usual = MarkdownExtensions::default();
    assert_eq!(html("# A heading {#own-id}\n", usual), "<h1 id=\"own-id\">A heading</h1>\n");
    assert_eq!(html("# A {#b .c}\n# B\n", usual), "<h1 id=\"b\" class=\"c\">A</h1>\n<h1 id=\"b-1\">B</h1>\n");
    assert_eq!(html("# GET /users/{id}\n", usual), "<h1 id=\"get-usersid\">GET /users/{id}</h1>\n");
    assert_eq!(html("# A {#b}\n", NONE), "<h1>A {#b}</h1>\n");
    assert!(rtf("# A {#b}\n", usual).contains("{\\*\\bkmkstart b}{\\*\\bkmkend b}A\\par"));
}

/// Ids are unique throughout the document, whatever its parts are.
#[test]
fn ids_are_those_of_the_whole_in_parts_and_while_it_is_read() {
    let headings =
        "# Part\n\ntext\n\n## Part\n\nmore\n\n# Other {#part-1}\n\ntext\n\n# Ünï *x*\n\n1. a\n\nb\n\n";
    let text = headings.repeat(8);
    let mut chance = Chance(4);
    for extensions in [MarkdownExtensions::default(), plain(), NONE] {
        for (to, marks) in [(Format::Html, "id=\"part-"), (Format::Rtf, "bkmkstart part-")] {
            let options = with(extensions, to);
            for size in [1, 40, 300] {
                assert!(matches!(check(text.as_bytes(), &options, size), Way::Parts(_)), "{size}");
            }
            let whole = convert_with(text.as_bytes(), options.clone()).unwrap();
            let ids: Vec<&str> =
                whole.split(marks).skip(1).map(|rest| rest.split(['"', '}']).next().unwrap()).collect();
            assert_eq!(
                ids.len(),
                if extensions.heading_ids {
                    23
                } else if extensions == NONE {
                    0
                } else {
                    8
                },
                "{whole}"
            );
        }
        for _ in 0..20 {
            let read = check_read(text.as_bytes(), &with(extensions, Format::Html), &mut chance);
            assert!(matches!(read, Read::Pieces | Read::Whole), "{read:?}");
        }
    }
}

#[test]
fn front_matter_is_skipped() {
    let text = "---\ntitle: Mill report\ntags: [a, b]\n---\n\n# Mill\n\nText.\n\nMore.\n";
    assert_eq!(html(text, plain()), "<h1>Mill</h1>\n<p>Text.</p>\n<p>More.</p>\n");
    assert!(html(text, NONE).starts_with("<hr />\n<h2>title: Mill report"));
    assert!(!rtf(text, plain()).contains("report"));
    assert_eq!(html("---\n\n# Mill\n\n---\n", plain()), "<hr />\n<h1>Mill</h1>\n<hr />\n");
    let mut chance = Chance(2);
    for before in ["", "\u{feff}"] {
        let text = format!("{before}{text}");
        for to in [Format::Html, Format::Rtf] {
            assert!(matches!(check(text.as_bytes(), &with(plain(), to), 1), Way::Parts(_)));
        }
        for _ in 0..40 {
            check_read(text.as_bytes(), &with(plain(), Format::Html), &mut chance);
        }
    }
}

#[test]
fn formulas_stay_as_they_are() {
    for text in ["a $b_1 * c * d_2$ e", "$$a\\\\b$$", "costs $5 and $10"] {
        assert_eq!(html(text, plain()), format!("<p>{text}</p>\n"));
        assert!(there_and_back(text).contains('$'));
    }
    assert!(html("a $b *c* d$ e", NONE).contains("<em>"));
}

#[test]
fn definition_lists_are_an_option() {
    let on = MarkdownExtensions { definition_lists: true, ..NONE };
    let text = "Term\n: Definition\n\nOther\n: More\n";
    let expected = "<dl>\n<dt>Term</dt>\n<dd>Definition</dd>\n<dt>Other</dt>\n<dd>More</dd>\n</dl>\n";
    assert_eq!(html(text, on).replace("<p>", "").replace("</p>\n", ""), expected);
    assert!(!html(text, MarkdownExtensions::default()).contains("<dl>"));
    let rtf = rtf(text, on);
    assert!(rtf.contains("\\b Term") && rtf.contains("\\li720"), "{rtf}");
    // A term may belong to definitions far before it.
    for to in [Format::Html, Format::Rtf] {
        assert_eq!(check(format!("a\n\nb\n\n{text}").as_bytes(), &with(on, to), 1), Way::Whole);
    }
    check_read(format!("a\n\nb\n\n{text}").as_bytes(), &with(on, Format::Html), &mut Chance(1));
}

#[test]
fn superscript_and_subscript_are_options() {
    let on = MarkdownExtensions { superscript: true, subscript: true, ..NONE };
    assert_eq!(html("x ^2^ H ~2~ ~~a~~", on), "<p>x <sup>2</sup> H <sub>2</sub> <del>a</del></p>\n");
    assert_eq!(html("x^2^ H ~2~", plain()), "<p>x^2^ H <del>2</del></p>\n");
    assert!(rtf("x ^2^ H ~2~", on).contains("x \\super 2\\nosupersub  H \\sub 2\\nosupersub "));
}

/// Every extension, alone and with all the others, in parts and while it is read.
#[test]
fn extensions_agree_in_parts_and_while_they_are_read() {
    let text = "www.a.example/b_c\n\n# A {#b}\n\n> [!TIP]\n> $a$\n\nTerm\n\n: x@y.example\n\n# A\n\nx^2^ H~2~O\n\n# A www.c.example\n\nb\n";
    let mut chance = Chance(8);
    for bits in 0..512_u32 {
        let bit = |at: u32| bits >> at & 1 == 1;
        let extensions = MarkdownExtensions {
            autolinks: bit(0),
            alerts: bit(1),
            heading_ids: bit(2),
            heading_attributes: bit(3),
            front_matter: bit(4),
            math: bit(5),
            definition_lists: bit(6),
            superscript: bit(7),
            subscript: bit(8),
        };
        for to in [Format::Html, Format::Rtf] {
            check(text.as_bytes(), &with(extensions, to), 1);
        }
        check_read(text.as_bytes(), &with(extensions, Format::Html), &mut chance);
    }
}
