//! What other readers, or this one, have lost or changed: whole, in parts and while it is read.

use crate::chunked_support::rtf::HEAD;
use crate::chunked_support::{Chance, check, check_read, options};
use crate::support::{convert, markdown};
use millpond::Format;

/// The Markdown of a document, which must be the same in parts, and while it is read.
fn all_ways(rtf: impl AsRef<[u8]>) -> String {
    let rtf = rtf.as_ref();
    let mut chance = Chance(rtf.len() as u64);
    for size in [1, 40, 400] {
        check(rtf, &options(Format::Rtf, Format::Markdown), size);
    }
    for _ in 0..4 {
        for format in [Format::Markdown, Format::Html] {
            check_read(rtf, &options(Format::Rtf, format), &mut chance);
        }
    }
    convert(rtf, Format::Rtf, Format::Markdown).unwrap()
}

/// The Markdown of the text of a document, after a head with fonts, styles and lists, and between
/// paragraphs at which it may be cut.
fn body(text: &str) -> String {
    let around = r"\pard\plain Before.\par\pard\plain ";
    let whole = all_ways(format!("{HEAD}{around}{text}\\par\\pard\\plain After.\\par\\pard\\plain End.}}"));
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

/// A document after a list table: `\ls1` is a contract's, "Section 1.", "1.1", "(a)"; `\ls2`
/// overrides its first level.
fn contract(text: &str) -> String {
    let head = r"{\rtf1\ansi{\fonttbl{\f0 A;}}{\stylesheet{\s1 heading 1;}}{\*\listtable{\list\listtemplateid4
{\listlevel\levelnfc0\levelstartat1{\leveltext\leveltemplateid9\'0aSection \'00.;}{\levelnumbers\'09;}}
{\listlevel\levelnfc0\levelstartat1{\leveltext\'03\'00.\'01;}{\levelnumbers\'01\'03;}}
{\listlevel\levelnfc4\levelstartat1{\leveltext\'03(\'02);}{\levelnumbers\'02;}}
{\listlevel\levelnfc2\levelstartat1{\leveltext\'06\'01\'02/\'03 \u8211?;}{\levelnumbers\'01\'02\'04;}}
{\listlevel\levelnfc0\levelstartat1{\leveltext\'02\'04.;}{\levelnumbers\'01;}}
{\listlevel\levelnfc0{\leveltext\'00;}{\levelnumbers;}}
{\listlevel\levelnfc6{\leveltext\'05No \'06:;}{\levelnumbers\'04;}}
\listid7}}{\*\listoverridetable{\listoverride\listid7\listoverridecount0\ls1}{\listoverride\listid7\listoverridecount1
{\lfolevel\listoverrideformat{\listlevel\levelnfc1\levelstartat4{\leveltext\'05Part \'00;}{\levelnumbers\'06;}}}\ls2}}
";
    all_ways(format!("{head}{text}}}"))
}

#[test]
fn labels_that_are_no_plain_numbers_are_kept() {
    let text = contract(
        r"\pard\plain\ls1 Wheels\par\pard\plain\ls1\ilvl1 Wet\par\pard\plain\ls1\ilvl2 Undershot\par\pard\plain\ls1\ilvl2 {\b Overshot}\par
\pard\plain\ls1\ilvl1 As 1.1(b)\par\pard\plain\ls1 Stones\par\pard\plain\ls1\ilvl1 Dry\par",
    );
    assert_eq!(
        text,
        "Section 1. Wheels\n\n1.1 Wet\n\n(a) Undershot\n\n(b) **Overshot**\n\n1.2 As 1.1(b)\n\nSection 2. Stones\n\n2.1 Dry\n"
    );
}

#[test]
fn bytes_of_a_label_are_in_the_code_page_of_the_document() {
    let chapter = |text: &str| {
        markdown(&format!(
            r"{{\rtf1\ansi\ansicpg950\deff0{{\fonttbl{{\f0\fcharset0 Times New Roman;}}{{\f1\fcharset204 Arial;}}}}
{{\*\listtable{{\list{{\listlevel\levelnfc0\levelstartat1{text}{{\levelnumbers;}}}}\listid1}}}}
{{\*\listoverridetable{{\listoverride\listid1\ls1}}}}\pard\plain\ls1 Water\par}}"
        ))
    };
    assert_eq!(chapter(r"{\leveltext\'05\'b2\'c4 \'00 \'b3\'b9;}"), "第 1 章 Water\n");
    // Unless they have a font of their own.
    assert_eq!(chapter(r"{\leveltext\f1\'02\'c3\'00;}"), "Г1 Water\n");
}

#[test]
fn a_label_has_the_numbers_of_the_levels_above_in_their_formats() {
    let text = contract(
        r"\ls1\ilvl2 One\par\ilvl3 Two\par\ilvl3 Three\par\ilvl4 Four\par\ilvl5 Five\par\ilvl4 Six\par",
    );
    assert_eq!(text, "(a) One\n\n1a/i – Two\n\n1a/ii – Three\n\n1. Four\n\nFive\n\n2. Six\n");
    assert_eq!(contract(r"\ls2 One\par\ls2 Two\par"), "Part IV One\n\nPart V Two\n");
    // What this reader can't write, the marker says.
    assert_eq!(
        contract(r"{\listtext No One:\tab}\ls1\ilvl6 A\par\ls1\ilvl6 B\par"),
        "No One: A\n\nNo 2: B\n"
    );
}

#[test]
fn legal_levels_are_decimal_and_some_do_not_start_again() {
    let text = all_ways(
        r"{\rtf1\ansi{\*\listtable{\list{\listlevel\levelnfc1{\leveltext\'02\'00.;}{\levelnumbers\'01;}}
{\listlevel\levelnfc0\levellegal1\levelnorestart1{\leveltext\'03\'00.\'01;}{\levelnumbers\'01\'03;}}\listid1}}
{\*\listoverridetable{\listoverride\listid1\ls1}}\ls1 a\par\ls1\ilvl1 b\par\ls1\ilvl0 c\par\ls1\ilvl1 d\par}",
    );
    assert_eq!(text, "I. a\n\n1.1 b\n\nII. c\n\n2.2 d\n");
}

#[test]
fn labels_within_items_and_cells_and_headings() {
    let head = r"{\rtf1\ansi{\stylesheet{\s1 heading 1;}}{\*\listtable{\list{\listlevel\levelnfc0{\leveltext\'02\'00.;}{\levelnumbers\'01;}}
{\listlevel\levelnfc4{\leveltext\'02\'01);}{\levelnumbers\'01;}}\listid1}}{\*\listoverridetable{\listoverride\listid1\ls1}}";
    let text = all_ways(format!(
        r"{head}\ls1 a\par\ilvl1 b\par\ilvl1 c\par\ilvl0 d\par\pard\intbl\ls1\ilvl1 e\cell\row\pard\s1\ls1 f\par\pard\ls1\ilvl1 g\par}}"
    ));
    assert_eq!(text, "1. a\n\n   a) b\n\n   b) c\n\n2. d\n\n| a) e |\n| --- |\n\n# 3\\. f\n\na) g\n");
}

#[test]
fn headings_of_old_programs_keep_their_labels() {
    let heading = |marker: &str| format!(r"\pard\plain\s1{{\pntext {marker}\tab}}Wheel\par ");
    let text = body(&["IV.", "2", r"\'b7", "1.2"].map(heading).concat());
    assert_eq!(text, "# IV. Wheel\n\n# 2 Wheel\n\n# Wheel\n\n# 1.2 Wheel");
}

#[test]
fn labels_of_old_programs_are_kept() {
    let old = r"{\pntext a)\tab}{\*\pn\pnlvlbody\pnlcltr\pnstart1{\pntxta )}}one\par{\pntext b)\tab}two\par";
    assert_eq!(body(&format!(r"\li360{old}\pard\plain")), "a) one\n\nb) two");
    assert_eq!(body(r"{\*\pn\pnlvlbody\pnucrm\pnstart4}one\par two"), "IV. one\n\nV. two");
    assert_eq!(
        body(r"{\pntext (iv)\tab}one\par\pard\plain{\listtext A-1\tab}\ls77 two"),
        "(iv) one\n\nA-1 two"
    );
    assert_eq!(
        body(r"{\pntext\'b7\tab}one\par{\pntext o\tab}two\par{\pntext 3\tab}three"),
        "- one\n- two\n\n3. three"
    );
}

/// A document with fonts of symbols: 3 is Symbol, 4 Wingdings, 5 one that nobody knows, 70
/// Webdings, 6 Symbol again, by name alone.
fn symbols(text: &str) -> String {
    let head = r"{\rtf1\ansi\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f3\froman\fcharset2 Symbol;}
{\f4\fnil\fcharset2{\*\panose 05}Wingdings;}{\f5\fcharset2 Millwright Signs;}{\f70\fcharset2 Webdings;}{\f6 Symbol;}}
\pard\plain ";
    all_ways(format!(r"{head}{text}\par\pard\plain End.\par}}")).replace("\n\nEnd.\n", "")
}

#[test]
fn letters_in_fonts_of_symbols_are_what_they_show() {
    assert_eq!(
        symbols(r"3 {\f3 m}m, {\f3\'6dm}, {\f3\u-3987 ?}, {\f3\u109 m}, {\f6 W}, {\f3\'b3} 7"),
        "3 μm, μμ, μ, μ, Ω, ≥ 7"
    );
    assert_eq!(symbols(r"{\f4 J \'fc\u-3841 ?}{\f70 a}"), "☺ ✓\u{fffd}✔");
    assert_eq!(
        symbols(r"{\f5 Wheel \'b7}{\f3\u8721 ?\emdash\{\}}"),
        "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd} •∑—{}"
    );
    // In other fonts the private area is left alone, but for the marks of lists.
    assert_eq!(symbols(r"\u-3913 ?\u-3987 ?"), "•\u{f06d}");
}

#[test]
fn symbols_do_not_change_names_and_codes() {
    let link = r#"{\f3{\field{\*\fldinst HYPERLINK "http://a.example/\'e9"}{\fldrslt\f0 wheel}}}"#;
    assert_eq!(symbols(link), "[wheel](http://a.example/é)");
    assert_eq!(
        symbols(r"{\listtext\f4\'a7\tab}wheel\par\pard\plain{\listtext\f3\'b7\tab}\ls9 mill"),
        "- wheel\n\n* mill"
    );
}

#[test]
fn symbol_fields_show_their_character() {
    let field = |code: &str| symbols(&format!(r"3 {{\field{{\*\fldinst {code}}}{{\fldrslt\f3\fs24 }}}}m"));
    assert_eq!(field(r#"SYMBOL 109 \\f "Symbol" \\s 12"#), "3 μm");
    assert_eq!(field(r"SYMBOL 61549 \\f Symbol"), "3 μm");
    assert_eq!(field(r"\f3 SYMBOL 109"), "3 μm");
    assert_eq!(field(r"SYMBOL 0xB5 \\a"), "3 µm");
    assert_eq!(field(r"SYMBOL 956 \\u"), "3 μm");
    assert_eq!(field(r"SYMBOL 33440 \\j"), "3 あm");
    assert_eq!(
        symbols(r"3 {\field{\*\fldinst SYMBOL 109 \\f Symbol}}m {\v{\field{\*\fldinst SYMBOL 109}}}"),
        "3 μm"
    );
    // What has shown nothing shows its result.
    assert_eq!(symbols(r"3 {\field{\*\fldinst SYMBOL micro}{\fldrslt u}}m"), "3 um");
}

#[test]
fn what_a_field_has_shown_hides_no_other_result() {
    let symbol = r"{\field{\*\fldinst SYMBOL 109 \\f Symbol}}";
    let page = r"{\field{\*\fldinst PAGE}{\fldrslt 7}}";
    assert_eq!(
        symbols(&format!("{symbol}{page}{{\\fldrslt wheel}}{{{symbol}}}{{{{\\fldrslt mill}}}}")),
        "μ7wheelμmill"
    );
}

#[test]
fn forms_show_what_was_chosen() {
    let field = |name: &str, form: &str| {
        body(&format!(r"{{\field{{\*\fldinst {name} {{\*\formfield{{{form}}}}}}}{{\fldrslt }}}} Wheels"))
    };
    assert_eq!(field("FORMCHECKBOX", r"\fftype1\ffres1\ffdefres0{\*\ffname a}"), "☒ Wheels");
    assert_eq!(field("FORMCHECKBOX", r"\fftype1\ffres0\ffdefres1"), "☐ Wheels");
    assert_eq!(field("FORMCHECKBOX", r"\fftype1\ffres25\ffdefres1"), "☒ Wheels");
    let list = r"\ffhaslistbox{\*\ffl wet}{\*\ffl d\'e9j\u224?}{\*\ffl dry}";
    assert_eq!(field("FORMDROPDOWN", &format!(r"\fftype2\ffres1{list}")), "déjà Wheels");
    assert_eq!(field("FORMDROPDOWN", &format!(r"\fftype2\ffres25\ffdefres2{list}")), "dry Wheels");
    assert_eq!(field("FORMDROPDOWN", &format!(r"\fftype2\ffres9{list}")), "Wheels");
    let text = r"{\field{\*\fldinst FORMTEXT {\*\formfield{\fftype0{\*\ffdeftext none}}}}{\fldrslt Undershot}} wheel";
    assert_eq!(body(text), "Undershot wheel");
    assert_eq!(
        body(
            r"\ls4 {\field{\*\fldinst FORMCHECKBOX {\*\formfield{\ffres1}}}{\fldrslt }} Oil the wheel\par\pard\plain"
        ),
        "- [x] Oil the wheel"
    );
}

#[test]
fn formulas_are_lines_of_text() {
    let field = r"half is {\field{\*\fldinst EQ \\f(1,2)}{\fldrslt }} and {\field{\*\fldinst EQ \\* jc2 \\* hps10 \\o\\ad(\\s\\up 10(reading),base)}{\fldrslt }}";
    assert_eq!(body(field), "half is 1/2 and base");
    let math = |inner: &str| body(&format!(r"A = {{\mmath{{\*\moMath {inner}}}}}."));
    assert_eq!(
        math(r"{\mr\mscr0\msty2 \u960?}{\msSup{\msSupPr{\mctrlPr\f34}}{\me{\mr r}}{\msup{\mr 2}}}"),
        "A = πr^2."
    );
    assert_eq!(math(r"{\mf{\mfPr{\mtype bar}}{\mnum{\mr a+b}}{\mden{\mr 2}}}"), "A = (a+b)/2.");
    assert_eq!(
        math(r"{\mrad{\mradPr{\mdegHide on}}{\mdeg}{\me{\mr x+y}}}{\mrad{\mdeg{\mr 3}}{\me{\mr z}}}"),
        r"A = √(x+y)√(3\&z)."
    );
    assert_eq!(
        math(r"{\mnary{\mnaryPr{\mchr\u8721?}{\mlimLoc undOvr}}{\msub{\mr i=1}}{\msup{\mr n}}{\me{\mr i}}}"),
        r"A = ∑\_(i=1)^n i."
    );
    assert_eq!(
        math(
            r"{\md{\mdPr{\mbegChr [}{\mendChr ]}}{\me{\mr a}}{\me{\mm{\mmr{\me{\mr 1}}{\me{\mr 2}}}{\mmr{\me{\mr 3}}{\me{\mr 4}}}}}}"
        ),
        r"A = \[a|1, 2; 3, 4\]."
    );
    assert_eq!(
        math(
            r"{\mfunc{\mfName{\mlimLow{\me{\mr lim}}{\mlim{\mr n}}}}{\me{\mr f}}}{\mlimUpp{\me{\mr x}}{\mlim{\mr y}}}"
        ),
        "A = lim_n fx^y."
    );
    assert_eq!(
        math(
            r"{\macc{\maccPr{\mchr\u773?}}{\me{\mr x}}}{\mbox{\mboxPr{\mnoBreak on}}{\me{\mr y}}}{\mmystery{\me z}}"
        ),
        "A = x\u{305}yz."
    );
    let para = r"{\mmath{\*\moMathPara{\*\moMathParaPr{\mjc center}}{\*\moMath{\mr a}}{\*\moMath{\mr b}}}{\mmathPict{\pict 00}}}";
    assert_eq!(body(para), "a b");
    assert_eq!(body(r"x{\v{\*\moMath{\mr a}}}{\header{\*\moMath{\mr a}}}y"), "xy");
}

#[test]
fn a_link_around_a_picture_keeps_its_target() {
    let link = |result: &str| {
        body(&format!(r#"{{\field{{\*\fldinst HYPERLINK "http://a.example/"}}{{\fldrslt{result}}}}} wheel"#))
    };
    assert_eq!(link(r"{\pict\pngblip 8950}"), "[http://a.example/](http://a.example/) wheel");
    assert_eq!(
        link(r"{\b{\*\shppict{\pict\pngblip 8950}}{\nonshppict{\pict 01}}}"),
        "[http://a.example/](http://a.example/) wheel"
    );
    assert_eq!(
        link(r"{\pict{\*\picprop{\sp{\sn wzDescription}{\sv A mill}}}\pngblip 8950}"),
        "[A mill](http://a.example/) wheel"
    );
    assert_eq!(link(r"{\pict 00} turning"), "[turning](http://a.example/) wheel");
    assert_eq!(link(""), "[http://a.example/](http://a.example/) wheel");
    assert_eq!(link(r"\v hidden"), "wheel");
}

#[test]
fn pictures_leave_their_description() {
    let picture = |property: &str| {
        body(&format!(
            r"The {{\*\shppict{{\pict{{\*\picprop\shplid1025{property}}}\pngblip 8950}}}}{{\nonshppict{{\pict 01}}}} wheel"
        ))
    };
    assert_eq!(
        picture(r"{\sp{\sn pictureGray}{\sv 0}}{\sp{\sn wzDescription}{\sv A mill at d\'e9\line part}}"),
        "The A mill at dé part wheel"
    );
    assert_eq!(picture(r"{\sp{\sn wzName}{\sv Picture 1}}"), "The  wheel");
    let shape = r"{\shp{\*\shpinst{\sp{\sn wzDescription}{\sv A gear}}{\sp{\sn pib}{\sv{\pict 00}}}}{\shprslt{\pict 00}}}";
    assert_eq!(body(&format!("The {shape} wheel")), "The A gear wheel");
    assert_eq!(
        body(
            r"{\v{\pict{\*\picprop{\sp{\sn wzDescription}{\sv no}}}}}{\header{\pict{\*\picprop{\sp{\sn wzDescription}{\sv no}}}}}yes"
        ),
        "yes"
    );
}

#[test]
fn references_within_the_document_keep_their_text() {
    assert_eq!(
        body(
            r#"{\*\bkmkstart wheel}The wheel{\*\bkmkend wheel}, {\field{\*\fldinst HYPERLINK \\l "wheel"}{\fldrslt see it}}"#
        ),
        "The wheel, [see it](#wheel)"
    );
    for code in [r"REF wheel \\h", r"PAGEREF wheel \\h", "NOTEREF wheel"] {
        assert_eq!(body(&format!(r"see {{\field{{\*\fldinst {code}}}{{\fldrslt {{\b 7}}}}}}")), "see **7**");
    }
    assert_eq!(body(r#"{\field{\*\fldinst HYPERLINK \\l "wheel"}{\fldrslt{\pict 00}}}x"#), "x");
}

/// Outlook leaves a group open for each run of a mail.
#[test]
fn groups_may_nest_as_deep_as_programs_write_them() {
    for count in [2_714, 99_998] {
        let deep = format!(r"{{\rtf1\ansi {}{}}}", r"{\lang1033 wheel ".repeat(count), "}".repeat(count));
        let text = markdown(&deep);
        assert_eq!(text.matches("wheel").count(), count);
    }
}

/// Work on what is remembered must not be done again for every group that is open.
#[test]
fn links_in_deep_groups_are_links() {
    let link = r#"{\field{\*\fldinst HYPERLINK "a"}{\fldrslt b}}\par "#;
    let deep = format!(r"{{\rtf1 {}{}{}}}", "{".repeat(90_000), link.repeat(5_000), "}".repeat(90_000));
    assert_eq!(markdown(&deep).matches("[b](a)").count(), 5_000);
}

#[test]
fn code_pages_may_be_written_with_a_sign() {
    assert_eq!(all_ways("{\\rtf1\\ansi\\ansicpg-535\\deff0 caf\\'c3\\'a9\\par}"), "café\n");
    assert_eq!(
        all_ways(
            "{\\rtf1\\ansi\\ansicpg-535{\\fonttbl{\\f0\\fcharset0 Arial;}}\\f0 caf\\'c3\\'a9 caf\u{e9}\\par}"
        ),
        "café café\n"
    );
    assert_eq!(
        all_ways(
            r"{\rtf1\ansi{\fonttbl{\f0\fcharset-52 A;}{\f1\fcharset0\cpg-13604 B;}}\f0\'e1 \f1\'c6\'fc}"
        ),
        "б 日\n"
    );
}

#[test]
fn fonts_say_their_code_page_by_number_charset_or_name() {
    let fonts =
        |font: &str| all_ways(format!(r"{{\rtf1\ansi\ansicpg1250{{\fonttbl{{\f0{font};}}}}\f0\'e1}}"));
    for (font, expected) in [
        (r"\cpg20866 A", "А"),
        (r"\cpg1251\fcharset0 A", "б"),
        (r"\fcharset0\cpg1251 A", "б"),
        (r"\fcharset161 A CYR", "α"),
        (r"\fcharset1 A CYR", "б"),
        (r" A Greek", "α"),
        (r"\fcharset85 A", "α"),
        (r"\fcharset99 A", "á"),
        (r"\cpg57003 A", "\u{fffd}"),
    ] {
        assert_eq!(fonts(font).trim(), expected, "{font}");
    }
    let johab = r"{\rtf1\ansi{\fonttbl{\f0\fcharset130 A;}}\f0\'d0e\'8b\'69}";
    assert_eq!(all_ways(johab), "한글\n");
}

#[test]
fn raw_bytes_are_in_the_code_page_of_their_font() {
    let document = b"{\\rtf1\\ansi\\ansicpg20866{\\fonttbl{\\f0\\fcharset128 A;}}\xed\xc5\xcc\xd8\\'ce\xc9\xc3\xc1 \\f0\x93\xfa\\'96\\'7b\x83A\\par}";
    assert_eq!(all_ways(document), "Мельница 日本ア\n");
}

#[test]
fn escapes_of_unicode_may_be_in_any_form() {
    assert_eq!(
        body(r"\u-10179?\u-8704?\u55357\'3f\u56832\'3f{\uc0\u55357\u56832}{\u55357 ?}{\u56832 ?}"),
        "😀😀😀😀"
    );
    assert_eq!(body(r"\uc2\u55357\'81\'40\u56832\'81\'40{\uc3\u-10179 \'81\'40?\u-8704 ???}"), "😀😀");
    assert_eq!(body(r"\u128512?\u-3?\u65533?\u 5\u233"), "😀\u{fffd}\u{fffd}é");
    assert_eq!(body(r"a\u56832?b\u-10179?\u-10179?\u-8704?c"), "a\u{fffd}b\u{fffd}😀c");
}

#[test]
fn escapes_that_are_none_lose_nothing() {
    assert_eq!(body(r"a\'b \'zc\'4\'e9 {\b\'}d"), "ab zc4é d");
}

#[test]
fn looks_that_markdown_lacks_leave_the_text() {
    for looks in [
        r"\cf1\highlight2\chcbpat3",
        r"\fs40\f1",
        r"\caps",
        r"\scaps",
        r"\expnd4\kerning8\up6",
        r"\outl\shad\embo",
    ] {
        assert_eq!(body(&format!(r"A {{{looks} wheel}} turns")), "A wheel turns", "{looks}");
    }
    assert_eq!(body(r"\qc\sb240\sa120\sl360\keepn\pagebb A wheel"), "A wheel");
    assert_eq!(
        body(
            r"\trowd\clmgf\cellx1\clmrg\cellx2\intbl a\cell\cell\row\trowd\clvmgf\cellx1\cellx2\intbl b\cell c\cell\row\pard\plain"
        ),
        "| a |  |\n| --- | --- |\n| b | c |"
    );
    assert_eq!(body(r"{\object\objemb{\*\objclass Sheet}{\*\objdata 01}{\result A table}}"), "A table");
    assert_eq!(body(r"{\revised new} {\deleted old}{\*\revtbl{A;}}"), "new");
}

#[test]
fn each_feature_has_its_tags_in_html() {
    for (rtf, html) in [
        (r"\s1 a", "<h1>a</h1>"),
        (r"\outlinelevel8 a", "<h6>a</h6>"),
        (r"{\b a} {\i b} {\strike c}", "<p><strong>a</strong> <em>b</em> <del>c</del></p>"),
        (r"{\ul a}{\super b}{\sub c}", "<p><u>a</u><sup>b</sup><sub>c</sub></p>"),
        (r"\ls4 a\par b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        (r"{\pntext 3.\tab}{\*\pn\pnlvlbody\pnstart3}a", "<ol start=\"3\">\n<li>a</li>\n</ol>"),
        (r"{\pntext (b)\tab}a", "<p>(b) a</p>"),
        (r"\ls4\u9746? a", "<ul>\n<li><input disabled=\"\" type=\"checkbox\" checked=\"\"/>\na</li>\n</ul>"),
        (r"\s2 a", "<blockquote>\n<p>a</p>\n</blockquote>"),
        (r"\s3 a<b", "<pre><code>a&lt;b\n</code></pre>"),
        (
            r#"{\field{\*\fldinst HYPERLINK "http://a.example/"}{\fldrslt b}}"#,
            "<p><a href=\"http://a.example/\">b</a></p>",
        ),
        (r"a\line b", "<p>a<br />\nb</p>"),
        (r"\brdrb", "<hr />"),
        (r"<i>a</i> & b", "<p>&lt;i&gt;a&lt;/i&gt; &amp; b</p>"),
    ] {
        let document = format!(r"{HEAD}\pard\plain {rtf}\par}}");
        let shown = convert(document.as_bytes(), Format::Rtf, Format::Html).unwrap();
        assert_eq!(shown.trim_end(), html, "{rtf}");
    }
    let table =
        convert(format!(r"{HEAD}\intbl a\cell\qr b\cell\row}}").as_bytes(), Format::Rtf, Format::Html)
            .unwrap();
    assert!(
        table.starts_with("<table><thead><tr><th>a</th><th style=\"text-align: right\">b</th>"),
        "{table}"
    );
    let note = convert(format!(r"{HEAD}a{{\footnote b}}}}").as_bytes(), Format::Rtf, Format::Html).unwrap();
    assert!(
        note.contains("<sup class=\"footnote-reference\">")
            && note.contains("<div class=\"footnote-definition\""),
        "{note}"
    );
}
