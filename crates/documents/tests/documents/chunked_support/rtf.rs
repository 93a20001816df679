//! RTF documents to try it on.

use proptest::prelude::*;

/// Fonts: 0 is Latin, 1 Greek. Styles: 1 is a heading, 2 a quote, 3 code. Lists: 1 has numbers, 2
/// bullets and numbers below, 3 is 1 anew, 4 has bullets only.
pub(crate) const HEAD: &str = r"{\rtf1\ansi\deff0\uc1{\fonttbl{\f0 Arial;}{\f1\fcharset161 Arial Greek;}{\f2\fcharset2 Symbol;}}
{\stylesheet{\s0 Normal;}{\s1 heading 1;}{\s2 Quote;}{\s3 HTML Preformatted;}}
{\*\listtable{\list{\listlevel\levelnfc0}{\listlevel\levelnfc0}\listid1}{\list{\listlevel\levelnfc23}{\listlevel\levelnfc0}\listid2}{\list{\listlevel\levelnfc23}\listid3}
{\list{\listlevel\levelnfc23}{\listlevel\levelnfc2{\leveltext\'04\'00-\'01);}}\listid4}}
{\*\listoverridetable{\listoverride\listid1\ls1}{\listoverride\listid2\ls2}{\listoverride\listid1{\lfolevel\levelstartat5}\ls3}{\listoverride\listid3\ls4}{\listoverride\listid4\ls5}}
";

/// Paragraphs that leave something behind, which the next sees though it begins anew.
pub(crate) const HOSTILE: &[&str] = &[
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
    "\\*\\x a\\par",
    "{\\*",
    "{\\* \\x a\\par",
    "{\\*\\b a\\par}",
    "{\\upr{a}{\\*\\ud b\\par}}",
    "{\\footnote\\intbl a}b\\par",
    "a\\'4\\par",
    "\\s1\\ls1 a\\par",
    "{\\field{\\*\\fldinst SYMBOL 109}}a\\par",
    "{\\*\\fldinst SYMBOL 109}a\\par",
    "{\\*\\fldinst FORMDROPDOWN{\\*\\formfield{\\*\\ffl b}}}a\\par{\\fldrslt c}\\par",
    "{\\*\\moMath{\\mr a}}b\\par",
    "{\\*\\moMath{\\mr a}\\par",
    "\\moMath a\\par",
    "{\\pict{\\*\\picprop{\\sp{\\sn wzDescription}{\\sv a}}}}b\\par",
    "{\\pict{\\sp{\\sn wzDescription}}}{\\*\\shpinst{\\sp{\\sv a}}}b\\par",
    "{\\field{\\*\\fldinst HYPERLINK a}{\\fldrslt{\\pict 0}}}\\par",
    "{\\field{\\*\\fldinst HYPERLINK a}{\\fldrslt\\par}}\\par",
    "\\s1{\\pntext 4.}a\\par",
    "{\\pntext (a)\\tab}a\\par",
    "{\\*\\pn\\pnlvlbody\\pnlcltr}a\\par",
    "\\ls5\\ilvl1 a\\par",
    "\\ls5 a\\par",
    "a\\'\\par",
];

/// What to put them into.
pub(crate) const AROUND: &[&str] = &[
    "\\pard\\plain A\\par\n\\pard\\plain {}\n\\pard\\plain B\\par\n\\pard\\plain C\\par\n\\pard\\plain D",
    "\\pard\\plain {}\n\\pard\\plain\\ls1 B\\par\n\\pard\\plain \\'e9 C\\par\\pard\\plain{\\pntext 1.}D\\par",
    "\\pard\\plain A\\par\n\\pard\\plain {}\n\\pard\\plain B\\u8364?\\par\n\\pard\\plain {}\\pard\\plain C\\par\\pard\\plain\\fldrslt D",
    "\\pard {}\\pard\\plain\\s3 B\\par\n\\pard\\plain C{\\footnote D}\\par\\pard\\plain\\ls1 {}\\pard\\plain E\\par\\pard\\plain F",
];

/// A paragraph, most often one that can be cut after.
pub(crate) fn paragraph() -> impl Strategy<Value = String> {
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
            "\\fldrslt ", "{\\pntext 2.\\tab}", "{\\listtext -}\\ls9 ", "{\\listtext 3.}\\ls9 ", "{\\*\\pn\\pnlvlbody}", "\\f1 ", "\\deff1 ", "{", "}", "\\v ", "\\*", "\\footnote ", "{\\pict 0}", "\\*\\x ", "{\\*\\x ", "\\ls5\\ilvl1 ", "{\\pntext (a)\\tab}", "\\deleted ", "\\f2 ",
            "{\\field{\\*\\fldinst SYMBOL 109}}", "{\\field{\\*\\fldinst EQ \\\\f(1,2)}{\\fldrslt x}}", "{\\*\\moMath{\\mf{\\mnum{\\mr a}}", "{\\*\\formfield\\ffres1}",
            "{\\pict{\\*\\picprop{\\sp{\\sn wzDescription}{\\sv d}}}}", "{\\field{\\*\\fldinst HYPERLINK \"u\"}{\\fldrslt{\\pict 0}}}", "{\\*\\shpinst{\\shptxt s\\par}}", "\\bin4 "][..])
            .prop_map(str::to_owned),
    ];
    (prop::sample::select(START), prop::collection::vec(piece, 0..4), prop::sample::select(END))
        .prop_map(|(start, pieces, end)| format!("{start}{}{end}", pieces.concat()))
}
