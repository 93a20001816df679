//! Markdown to RTF and back, Markdown to HTML, and what the RTF says to word processors.

use crate::support::{convert, convert_with, html, rtf, shown, there_and_back};
use millpond::convert::{ConversionOptions, ConvertError, Converter, DocumentConverter, Format};
use pulldown_cmark::{Event, Options, Parser, Tag};

/// What a document is built of, its text included: tags in their order, paragraphs aside, since
/// whether an item's text is one depends on blank lines alone.
fn structure(markdown: &str) -> Vec<String> {
    let extensions = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS;
    let mut parts: Vec<String> = Vec::new();
    let mut text = String::new();
    for event in Parser::new_ext(markdown, extensions) {
        let part = match event {
            Event::Text(more) => {
                text.push_str(&more);
                continue;
            }
            Event::SoftBreak => {
                text.push(' ');
                continue;
            }
            Event::Start(Tag::CodeBlock(_)) => "code block".into(),
            Event::Start(Tag::Link { dest_url, title, .. }) => format!("link {dest_url} {title}"),
            Event::Start(Tag::Paragraph | Tag::HtmlBlock) => String::new(),
            Event::Start(tag) => format!("{tag:?}"),
            Event::End(tag) => format!("end {tag:?}"),
            other => format!("{other:?}"),
        };
        let is_paragraph = part.is_empty() || part == "end Paragraph";
        if !text.trim().is_empty() {
            parts.push(format!("'{}'", crate::support::squeeze(&text)));
            text.clear();
        }
        if !is_paragraph {
            parts.push(part);
        }
    }
    parts
}

/// The document has the same structure after a way to RTF and back.
fn keeps(markdown: &str) {
    let back = there_and_back(markdown);
    assert_eq!(structure(&back), structure(markdown), "{markdown}\nbecame\n{back}");
}

#[test]
fn lists_stay_lists() {
    keeps("- a\n- b\n- c\n");
    keeps("1. a\n2. b\n10. c\n");
    keeps("7. a\n8. b\n");
    keeps("0. a\n1. b\n");
    keeps("- a\n  - b\n    - c\n      - d\n  - e\n- f\n");
    keeps("1. a\n   1. b\n      - c\n   2. d\n2. e\n");
    keeps("- a\n  1. b\n  2. c\n- d\n  1. e\n");
}

#[test]
fn lists_side_by_side_stay_apart() {
    keeps("- a\n- b\n\n* c\n* d\n");
    keeps("1. a\n2. b\n\n1) c\n2) d\n");
    keeps("- a\n\n1. b\n\n- c\n");
    keeps("- a\n\nbetween\n\n- b\n");
}

#[test]
fn tasks_stay_tasks() {
    keeps("- [ ] open\n- [x] done\n  - [x] within\n- none\n");
    keeps("1. [ ] first\n2. [x] second\n");
}

#[test]
fn items_keep_what_else_is_in_them() {
    keeps("- a\n\n  second\n\n- b\n");
    keeps("1. a\n\n   second\n\n   third\n2. b\n");
    keeps("- a\n\n  ```\n  code\n  more\n  ```\n- b\n");
    keeps("- a\n  - b\n\n    of b\n\n  of a\n");
}

#[test]
fn nine_levels_are_kept_and_deeper_ones_join_the_ninth() {
    let list = |levels: usize| -> String {
        (0..levels).map(|at| format!("{}- level {at}\n", "  ".repeat(at))).collect()
    };
    keeps(&list(9));
    let back = there_and_back(&list(14));
    assert_eq!(shown(&back), shown(&list(14)));
    let mut depth = 0;
    let depths = structure(&back).into_iter().map(|part| {
        depth += i32::from(part.starts_with("List(")) - i32::from(part.starts_with("end List("));
        depth
    });
    assert_eq!(depths.max(), Some(9));
}

#[test]
fn tables_keep_their_cells_and_alignments() {
    keeps(
        "| a | b | c | d |\n| --- | :-- | :-: | --: |\n| 1 | 2 | 3 | 4 |\n"
            .replace(":-- |", "--- |")
            .as_str(),
    );
    keeps("| _a_ b | `c|d` |\n| --- | --- |\n| [x](y) | ~~z~~ _w_ |\n".replace("`c|d`", "`cd`").as_str());
    keeps("before\n\n| a |\n| --- |\n| 1 |\n| 2 |\n\nafter\n");
    keeps("| a | b |\n| --- | --- |\n|  | x |\n| y |  |\n");
    keeps("| a \\| b | c |\n| --- | --- |\n| d<br>e | \\* |\n");
}

#[test]
fn headings_of_every_level() {
    keeps("# a\n\n## b\n\n### c\n\n#### d\n\n##### e\n\n###### f\n\ntext\n");
    keeps("# _a_ `b` [c](d)\n\n## [**x**](y) z\n");
}

#[test]
fn what_rtf_cannot_say_is_left_out() {
    // A style makes a heading, and another a quote; a paragraph has one.
    assert_eq!(there_and_back("> # a\n>\n> b\n"), "# a\n\n> b\n");
    // The head of a table is bold as a whole.
    assert_eq!(there_and_back("| **a** b |\n| --- |\n"), "| a b |\n| --- |\n");
    assert_eq!(there_and_back("```rust\na\n```\n"), "```\na\n```\n");
    assert_eq!(there_and_back("![an _image_](b.png)\n"), "an _image_\n");
    assert_eq!(there_and_back("a <span class=\"x\">b</span> <!-- c -->\n"), "a b\n");
    let html = "<div align=\"center\">\n  <h1>c &amp; <b>d</b></h1>\n  <img src=\"e\">f\n</div>\n<script>g</script>\n";
    assert_eq!(there_and_back(html), "c & **d**\n\nf\n");
    assert_eq!(there_and_back("- <p>a</p>\n- b\n"), "- a\n- b\n");
}

#[test]
fn code_keeps_its_spaces_and_lines() {
    keeps("```\nfn f() {\n    a\n\n\n\tb\n}\n```\n");
    keeps("a `b  c` ``d ` e`` `\\*`\n");
    keeps("```\na\n```\n\n```\nb\n```\n");
    keeps("````\n```\nfence\n```\n````\n\n```\n{ \\ }\n```\n");
}

#[test]
fn links_keep_address_and_title() {
    keeps("[a](http://x.example/y?a=b&c=d#e) and [b](z \"Title \\\"t\\\"\") and <http://auto.example>\n");
    keeps("[**bold** link](</with space>) [a](c:\\\\d)\n".replace("</with space>", "/with%20space").as_str());
    keeps("[путь](https://пример.example/ü)\n");
}

#[test]
fn a_later_reference_has_the_number_that_the_note_is_shown_with() {
    let source = "a[^z] b[^1] c[^1] d[^z]\n\n[^1]: one\n\n[^z]: two\n";
    let rtf = rtf(source);
    assert!(rtf.contains(" c{\\super 2} d{\\super 1}"), "{rtf}");
    let back = there_and_back(source);
    assert!(back.starts_with("a[^1] b[^2] c<sup>2</sup> d<sup>1</sup>"), "{back}");
}

#[test]
fn what_writes_rtf_is_named_in_it() {
    // LibreOffice widens runs of spaces, such as those of code, in documents that name no program.
    assert!(rtf("a").contains("{\\*\\generator millpond;}"));
}

#[test]
fn footnotes_keep_their_text_and_their_place() {
    let back = there_and_back("a[^x] b[^y] c\n\n[^y]: Why, _indeed_.\n[^x]: Ex.\n\n    Second.\n");
    assert_eq!(back, "a[^1] b[^2] c\n\n[^1]: Ex.\n\n    Second.\n\n[^2]: Why, _indeed_.\n");
    keeps(&back);
}

#[test]
fn quotes_and_rules() {
    keeps("> a\n>\n> b\n\nc\n");
    keeps("> a\n>\n> > b\n>\n> c\n");
    keeps("> - a\n>   - b\n>\n> 1. c\n");
    keeps("a\n\n---\n\nb\n");
}

#[test]
fn looks_within_a_line() {
    keeps("**a** *b* c **_d_** ~~e~~ **f *g* h** *i **j** k*\n");
    keeps("x<u>a</u>y H<sub>2</sub>O e<sup>x</sup>\n");
    keeps("a  \nb\\\nc\n");
}

#[test]
fn text_that_looks_like_markup_stays_text() {
    keeps("\\*a\\* \\_b\\_ \\`c\\` \\[d](e) \\<f> \\# g 1\\. h a*b a_b\\_c 2 * 3 & \\&amp; \\~~x~~\n");
    keeps("\\- a\n\n\\1. b\n\n1\\. c\n\n\\> d\n\n\\# e\n\n\\| f |\n");
    keeps("{\\rtf1 braces} \\\\ backslash \\\\par\n");
}

#[test]
fn characters_beyond_ascii_are_kept() {
    let text = "é ł Я 日本 😀 👩‍👩‍👧‍👦 e\u{301} \u{200b}a — “q”\n";
    assert_eq!(shown(&there_and_back(text)), shown(text));
    assert!(rtf(text).is_ascii());
}

#[test]
fn lists_are_lists_to_a_word_processor() {
    let rtf = rtf("- a\n  1. b\n  2. c\n\n9. d\n");
    assert!(rtf.contains("{\\*\\listtable\n{\\list"));
    assert!(rtf.contains("\\levelnfc23") && rtf.contains("\\levelnfc0\\"));
    assert_eq!(rtf.matches("{\\listoverride\\").count(), 3, "one for each list");
    assert!(rtf.contains("\\levelstartat9{"));
    assert_eq!(
        rtf.matches("\\listlevel\\").count(),
        27,
        "bullets and each list with numbers have all nine levels"
    );
    for item in [
        "\\ls1\\ilvl0\\sa60\\f0\\fs22 {\\listtext\\u8226?\\tab}a\\par",
        "\\ls2\\ilvl1\\sa60\\f0\\fs22 {\\listtext 1.\\tab}b\\par",
        "\\ls2\\ilvl1\\sa60\\f0\\fs22 {\\listtext 2.\\tab}c\\par",
        "\\ls3\\ilvl0\\sa60\\f0\\fs22 {\\listtext 9.\\tab}d\\par",
    ] {
        assert!(rtf.contains(item), "{item} is not in\n{rtf}");
    }
}

/// LibreOffice counts on through all items of a definition, whatever the overrides say.
#[test]
fn lists_with_numbers_share_no_definition() {
    for text in [
        "1. a\n2. b\n\ntext\n\n1. c\n2. d\n\nmore\n\n1. e\n",
        "- p\n  1. q\n  2. r\n- s\n  1. t\n\nend\n\n3. u\n",
    ] {
        let rtf = rtf(text);
        let (_, overrides) = rtf.split_once("{\\*\\listoverridetable").unwrap();
        let ids: Vec<&str> = overrides
            .split("{\\listoverride\\listid")
            .skip(1)
            .map(|rest| rest.split('\\').next().unwrap())
            .filter(|id| *id != "1")
            .collect();
        let mut definitions: Vec<&str> = ids.clone();
        definitions.dedup();
        assert_eq!((ids.len(), definitions.len()), (3, 3), "{rtf}");
        for id in ids {
            assert_eq!(rtf.matches(&format!("{{\\listname ;}}\\listid{id}}}")).count(), 1, "{rtf}");
        }
        keeps(text);
        crate::chunked_support::check_markdown(format!("a\n\n{text}\n\nb\n\n{text}\n").as_bytes(), 1);
    }
}

#[test]
fn the_other_constructs_are_the_real_ones_too() {
    let text = rtf("# T\n\n[a](b)[^n] `c`\n\n| x |\n| --: |\n| y |\n\n[^n]: Note\n");
    for part in [
        "\\s1\\li0\\sb360\\sa120\\keepn\\outlinelevel0",
        "{\\field{\\*\\fldinst{HYPERLINK \"b\"}}{\\fldrslt",
        "{\\footnote\\pard\\plain",
        "{\\cs21\\f1\\fs20 c}",
        "\\trowd\\trhdr",
        "\\pard\\plain\\intbl\\qr\\f0\\fs22 y\\cell",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(text.starts_with("{\\rtf1\\ansi") && text.ends_with("}\n"));
}

#[test]
fn braces_balance_whatever_is_in_the_text() {
    let text =
        rtf("} { \\\\ [a } b](c{d \"}\") `{` [^}]\n\n[^}]: }\n\n```\n}}}\n```\n\n| { |\n| - |\n| } |\n");
    let mut depth = 0_i32;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        assert!(depth > 0 || bytes.len() <= 1, "the document ends early");
    }
    assert_eq!(depth, 0);
}

#[test]
fn html_has_every_construct() {
    for (markdown, expected) in [
        ("# a", "<h1 id=\"a\">a</h1>\n"),
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>\n"),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>\n"),
        ("```rust\na < b\n```", "<pre><code class=\"language-rust\">a &lt; b\n</code></pre>\n"),
        ("[a](b \"c\")", "<p><a href=\"b\" title=\"c\">a</a></p>\n"),
        ("![a](b)", "<p><img src=\"b\" alt=\"a\" /></p>\n"),
        ("a & b < c", "<p>a &amp; b &lt; c</p>\n"),
        ("<b>raw</b>", "<p><b>raw</b></p>\n"),
        ("\u{feff}a", "<p>a</p>\n"),
    ] {
        assert_eq!(html(markdown), expected);
    }
    let table = html("| a | b |\n|---|--:|\n| 1 | 2 |");
    assert!(table.contains("<th style=\"text-align: right\">b</th>") && table.contains("<td>1</td>"));
    assert!(html("- [x] a").contains("<input disabled=\"\" type=\"checkbox\" checked=\"\"/>"));
    assert!(html("a[^1]\n\n[^1]: b").contains("footnote"));
}

#[test]
fn rtf_becomes_html_by_way_of_markdown() {
    let rtf = br"{\rtf1 a {\b b} <c>\par\pard\outlinelevel0 H\par}";
    assert_eq!(
        convert(rtf, Format::Rtf, Format::Html).unwrap(),
        "<p>a <strong>b</strong> &lt;c&gt;</p>\n<h1>H</h1>\n"
    );
}

#[test]
fn what_a_document_is_shows_in_its_first_bytes() {
    let usual = ConversionOptions::default();
    assert_eq!(convert_with(br"{\rtf1 *a*}", usual.clone()).unwrap(), "\\*a\\*\n");
    assert!(convert_with(b"*a*", usual.clone()).unwrap().starts_with("{\\rtf1"));
    // HTML is Markdown as far as anybody can tell.
    assert_eq!(Format::detect(b"<html>"), Format::Markdown);
    // Being told beats looking.
    let forced = ConversionOptions { from: Some(Format::Markdown), to: Some(Format::Html), ..usual };
    assert_eq!(convert_with(b"{\\rtf1 *a*}", forced).unwrap(), "<p>{\\rtf1 <em>a</em>}</p>\n");
}

#[test]
fn pairs_that_are_not_supported_are_said_to_be_so() {
    for (from, to) in [
        (Format::Html, Format::Markdown),
        (Format::Html, Format::Rtf),
        (Format::Html, Format::Html),
        (Format::Rtf, Format::Rtf),
        (Format::Markdown, Format::Markdown),
    ] {
        let error = convert(b"x", from, to).unwrap_err();
        assert!(matches!(error, ConvertError::Unsupported { from: f, to: t } if (f, t) == (from, to)));
        let options = ConversionOptions { from: Some(from), to: Some(to), ..Default::default() };
        assert!(DocumentConverter::new().resolve(b"x", &options).is_err());
    }
}

#[test]
fn an_empty_document_is_a_document() {
    assert_eq!(html(""), "");
    assert_eq!(there_and_back(""), "");
    assert_eq!(there_and_back("\n\n  \n"), "");
}
