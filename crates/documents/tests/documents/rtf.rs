//! What the RTF reader makes of each feature of the format.

use crate::support::{body, markdown};

#[test]
fn a_group_takes_its_looks_with_it() {
    assert_eq!(body(r"a {\b b {\i c} d} e"), "a **b _c_ d** e\n");
    assert_eq!(body(r"{\b a\par}b\par"), "**a**\n\nb\n");
    assert_eq!(body(r"\b a {b\b0 c} d"), "**a b**c **d**\n");
}

#[test]
fn every_style_that_markdown_can_say_is_said() {
    for (words, begin, end) in [
        ("b", "**", "**"),
        ("i", "_", "_"),
        ("strike", "~~", "~~"),
        ("striked1", "~~", "~~"),
        ("ul", "<u>", "</u>"),
        ("uldb", "<u>", "</u>"),
        ("ulwave", "<u>", "</u>"),
        ("super", "<sup>", "</sup>"),
        ("sub", "<sub>", "</sub>"),
        ("cs6", "`", "`"),
    ] {
        assert_eq!(body(&format!("x {{\\{words} y}} z")), format!("x {begin}y{end} z\n"), "{words}");
    }
}

#[test]
fn styles_that_overlap_nest() {
    let text = body(r"\b bold \i both\b0  italic\i0  none");
    assert_eq!(crate::support::shown(&text), "bold both italic none");
    assert!(text.starts_with("**bold "), "{text}");
    assert!(text.ends_with(" none\n"), "{text}");
}

#[test]
fn words_that_switch_a_style_off_do() {
    assert_eq!(body(r"\b a\b0  b \ul c\ulnone  d \ul e\ul0  f"), "**a** b <u>c</u> d <u>e</u> f\n");
    assert_eq!(body(r"\b\i\strike\ul\super a\plain  b"), "<u>~~**_<sup>a</sup>_**~~</u> b\n");
    assert_eq!(body(r"a{\super b\nosupersub c}"), "a<sup>b</sup>c\n");
}

#[test]
fn text_that_is_not_shown_is_not_there() {
    assert_eq!(body(r"a{\v secret {\b also}}{\deleted gone}b"), "ab\n");
}

#[test]
fn paragraphs_lines_and_pages() {
    assert_eq!(body(r"a\par b\line c\page d\sect e"), "a\n\nb\\\nc\n\nd\n\ne\n");
    assert_eq!(body("a\\\nb\\\r\nc"), "a\n\nb\n\nc\n");
    assert_eq!(body(r"\par\par a\par\par\par b\par\par"), "a\n\nb\n");
}

#[test]
fn headings_go_by_style_or_outline_level() {
    assert_eq!(body(r"\pard\s1 One\par\pard\s2 Two\par\pard Text\par"), "# One\n\n## Two\n\nText\n");
    for level in 0..6_usize {
        let marks = "#".repeat(level + 1);
        assert_eq!(body(&format!("\\pard\\outlinelevel{level} T\\par")), format!("{marks} T\n"));
    }
    assert_eq!(body(r"\pard\outlinelevel8 T\par"), "###### T\n");
    assert_eq!(body(r"\pard\s1\outlinelevel9 T\par"), "T\n");
    assert_eq!(body(r"\pard\s1\b Bold of itself\b0\par"), "# Bold of itself\n");
}

#[test]
fn quotes_and_code_go_by_style() {
    assert_eq!(body(r"\pard\s3 a\par b\par\pard c\par"), "> a\n>\n> b\n\nc\n");
    assert_eq!(body(r"\pard\s4 fn f() \{\par \tab x\par\}\par\pard b"), "```\nfn f() {\n\tx\n}\n```\n\nb\n");
}

#[test]
fn lists_of_the_list_table_nest() {
    let text = body(
        r"\pard\ls1 a\par\ilvl1 b\par c\par\ilvl0 d\par\pard\ls2 one\par two\par\pard\ls3 five\par\pard end\par",
    );
    assert_eq!(text, "- a\n  - b\n  - c\n- d\n\n1. one\n2. two\n\n5) five\n\nend\n");
}

#[test]
fn numbers_go_on_after_a_deeper_list_and_after_text() {
    assert_eq!(body(r"\pard\ls2 a\par\pard\ls1\ilvl1 x\par\pard\ls2 b\par"), "1. a\n   - x\n2. b\n");
    assert_eq!(body(r"\pard\ls2 a\par\pard between\par\pard\ls2 b\par"), "1. a\n\nbetween\n\n2. b\n");
}

#[test]
fn the_text_of_a_marker_is_not_text() {
    assert_eq!(body(r"\pard{\listtext\f4\'b7\tab}\ls1 a\par{\listtext\f4\'b7\tab}b\par"), "- a\n- b\n");
    assert_eq!(
        body(r"{\pntext\f0 4.\tab}{\*\pn\pnlvlbody\pnstart4\pndec}d\par{\pntext 5.\tab}e\par"),
        "4. d\n5. e\n"
    );
}

#[test]
fn a_paragraph_as_far_right_as_an_item_goes_on_with_it() {
    let text = body(r"\pard\ls1\li720\fi-360 a\par\pard\li720 more\par\pard b\par");
    assert_eq!(text, "- a\n\n  more\n\nb\n");
}

#[test]
fn a_table_has_its_first_row_as_head() {
    let text = body(
        r"\trowd\cellx1\cellx2\pard\intbl{\b A}\cell\qr{\b B}\cell\row\trowd\cellx1\cellx2\pard\intbl a|b\cell\qr 2\cell\row\pard after",
    );
    assert_eq!(text, "| A | B |\n| --- | --: |\n| a\\|b | 2 |\n\nafter\n");
}

#[test]
fn what_a_table_cannot_hold_becomes_one_line() {
    let text = body(r"\trowd\pard\intbl a\par b\cell\s1 c\line d\cell\row\trowd\pard\intbl e\cell\row");
    assert_eq!(text, "| a<br>b | c<br>d |\n| --- | --- |\n| e |\n");
    let text = body(
        r"\trowd\intbl\itap2 x\nestcell y\nestcell{\*\nesttableprops\trowd\nestrow}\pard\intbl\itap1 z\cell\row",
    );
    assert_eq!(crate::support::shown(&text), "x y z");
}

#[test]
fn items_in_cells_keep_their_marks_as_text() {
    let cells = r"\trowd\pard\intbl Head\cell\cell\row\trowd\pard\intbl x\par{\listtext\f4\'b7\tab}\ls1 a\par {\b b}\cell\pard\intbl\ls2 c\par\par d\cell\row";
    let text = body(cells);
    assert!(text.ends_with("| x<br>• a<br>**• b** | 1\\. c<br><br>2. d |\n"), "{text}");
    // A list that was begun in a cell is none around the table.
    assert_eq!(body(r"\trowd\pard\intbl{\pntext 1.\tab}a\cell\row\pard b\par"), "| 1\\. a |\n| --- |\n\nb\n");
}

#[test]
fn rows_of_different_tables_side_by_side_are_one_table() {
    let text = body(r"\trowd\intbl a\cell\row\trowd\intbl b\cell c\cell\row\pard");
    assert_eq!(text, "| a |  |\n| --- | --- |\n| b | c |\n");
}

#[test]
fn footnotes_follow_the_text() {
    let text = body(
        r"a{\super\chftn}{\footnote\pard\plain{\super\chftn} {\i First}.\par Second.} b{\*\footnote\ftnalt End.}",
    );
    assert_eq!(text, "a[^1] b[^2]\n\n[^1]: _First_.\n\n    Second.\n\n[^2]: End.\n");
}

#[test]
fn unicode_replaces_its_fallback() {
    assert_eq!(body(r"\u8364?5"), "€5\n");
    assert_eq!(body(r"\uc0\u8364 5"), "€5\n");
    assert_eq!(body(r"\uc2\u26085\'93\'fax"), "日x\n");
    assert_eq!(body(r"{\uc0\u233 t}\u233?t"), "été\n".replace("été", "étét"));
    assert_eq!(body(r"{\uc3\u8364 EU}R"), "€R\n");
    assert_eq!(body(r"\u-10179?\u-8704?\u55357?\u56832?"), "😀😀\n");
    assert_eq!(body(r"\u128512?"), "😀\n");
    assert_eq!(body(r"a\u-10179?b\u-8704?c"), "a\u{fffd}b\u{fffd}c\n");
}

#[test]
fn a_control_word_may_be_a_fallback() {
    assert_eq!(body(r"a\u8212\emdash b"), "a—b\n");
    assert_eq!(body(r"a\u160\~b\u8209\_c"), "a\u{a0}b\u{2011}c\n");
    assert_eq!(body(r"a\u8217\rquote s"), "a’s\n");
    assert_eq!(body(r"a\u8217\par b"), "a’\n\nb\n");
}

#[test]
fn an_alternative_in_unicode_is_preferred() {
    assert_eq!(body(r"a {\upr{without ??}{\*\ud{with \u969?}}} b"), "a with ω b\n");
}

#[test]
fn bytes_are_in_the_code_page_of_their_font() {
    assert_eq!(body(r"caf\'e9 \f1\'e1\'e2 \f2\'cf\'f0 \f3\'93\'fa\'96\'7b\f0\'80"), "café αβ Пр 日本€\n");
    assert_eq!(body(r"{\f3\'83\\}\f4\'b7"), "ソ•\n");
    assert_eq!(markdown(r"{\rtf1\ansi\ansicpg1250 \'9c\'b9}"), "śą\n");
    assert_eq!(markdown(r"{\rtf1\mac \'8e}"), "é\n");
    assert_eq!(markdown(r"{\rtf1\pc \'81}"), "ü\n");
    assert_eq!(markdown(r"{\rtf1\pca \'9b}"), "ø\n");
}

#[test]
fn a_double_byte_may_be_split_by_a_line_end() {
    assert_eq!(body("\\f3\\'93\r\n\\'fa"), "日\n");
}

#[test]
fn characters_that_have_names() {
    assert_eq!(
        body(r"\lquote a\rquote\ldblquote b\rdblquote\emdash\endash\bullet\~\_"),
        "‘a’“b”—–•\u{a0}\u{2011}\n"
    );
}

#[test]
fn links_keep_their_address_and_title() {
    let link =
        |code: &str| body(&format!(r"x {{\field{{\*\fldinst{{{code}}}}}{{\fldrslt{{\cs5\ul y}}}}}} z"));
    assert_eq!(link(r#"HYPERLINK "http://a.example/b""#), "x [y](http://a.example/b) z\n");
    assert_eq!(link(r#"HYPERLINK \\l "top" \\o "Up \\"there\\"""#), "x [y](#top \"Up \\\"there\\\"\") z\n");
    assert_eq!(link(r#"HYPERLINK "http://a.example/a b(c)""#), "x [y](http://a.example/a%20b\\(c\\)) z\n");
}

#[test]
fn fields_that_are_no_links_show_their_result() {
    assert_eq!(
        body(r"{\field{\*\fldinst PAGE}{\fldrslt 7}} of {\field{\*\fldinst NUMPAGES}{\fldrslt{\b 9}}}"),
        "7 of **9**\n"
    );
    assert_eq!(body(r"a{\field\flddirty{\*\fldinst TOC \\o}{\fldrslt }}b"), "ab\n");
}

#[test]
fn unknown_destinations_are_dropped_whole() {
    assert_eq!(body(r"a{\*\unknown b {c \par d}{\*\other e}}f"), "af\n");
    assert_eq!(body(r"a{\*\unknown\bin4 }}}}}b"), "ab\n");
    // Without the star the group is text like any other.
    assert_eq!(body(r"a{\unknown b}c"), "abc\n");
}

#[test]
fn what_is_not_in_the_flow_of_the_text_is_dropped() {
    for group in [
        r"{\info{\title T}{\author A}}",
        r"{\header H\par}",
        r"{\footerf F\par}",
        r"{\pict\pngblip 89504e47}",
        r"{\*\shppict{\pict\pngblip 89504e47}}{\nonshppict{\pict 0100}}",
        r"{\object{\*\objclass Sheet}{\*\objdata 0105}}",
        r"{\*\themedata 504b}{\*\datastore 0105}",
        r"{\xe{index\:entry}}{\tc contents}",
        r"{\*\bkmkstart b}{\*\bkmkend b}",
        r"{\*\atnid I}{\*\atnauthor A}{\*\annotation\pard C\par}",
    ] {
        assert_eq!(body(&format!("a{group}b")), "ab\n", "{group}");
    }
}

#[test]
fn the_text_of_a_box_is_kept_once_and_in_its_place() {
    let shape = r"{\shp{\*\shpinst\shpleft0{\sp{\sn shapeType}{\sv 202}}{\shptxt\pard\plain{\b In} a box.\par Twice.\par}}{\shprslt{\*\do{\dptxbxtext\pard In a box.\par}}}}";
    assert_eq!(body(&format!(r"{shape}After.\par")), "**In** a box.\\\nTwice.\\\nAfter.\n");
    assert_eq!(body(&format!(r"Before.{shape}\par Next.")), "Before.\\\n**In** a box.\\\nTwice.\n\nNext.\n");
    // A box does not end the table that it is in.
    let table = body(&format!(r"\trowd\pard\intbl {shape}a\cell b\cell\row\pard"));
    assert_eq!(table, "| **In** a box.<br>Twice.<br>a | b |\n| --- | --- |\n");
    assert_eq!(
        body(r"{\shp{\*\shpinst{\shptxt\pard {\field{\*\fldinst PAGE}{\fldrslt 1}}\par}}}a"),
        "1\\\na\n"
    );
    assert_eq!(body(r"{\header{\shp{\*\shpinst{\shptxt gone\par}}}}a"), "a\n");
}

#[test]
fn what_means_something_in_markdown_is_escaped() {
    for text in [
        "*a*", "_a_", "`a`", "# a", "- a", "1. a", "> a", "[a](b)", "<b>", "a | b", "~~a~~", "&amp;", "---",
        "![a](b)", "a\\\\*b", "+ a", "1) a", "===", "[^1]", "    a",
    ] {
        let shown = crate::support::shown(&body(text));
        assert_eq!(shown, text.trim().replace("\\\\", "\\"), "{text}");
    }
}

#[test]
fn a_byte_order_mark_and_blank_lines_before_the_document_are_skipped() {
    assert_eq!(markdown("\u{feff}\r\n {\\rtf1 a}"), "a\n");
}

#[test]
fn a_document_without_text_is_an_empty_document() {
    for rtf in [r"{\rtf1}", r"{\rtf1\ansi\par\par}", r"{\rtf1{\fonttbl{\f0 Arial;}}{\*\x y}}"] {
        assert_eq!(markdown(rtf), "");
    }
}
