//! Blocks of HTML, tracked line by line: those that may contain blank lines, and those that a blank
//! line ends.

use memchr::memmem;

/// The end of the open block of HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Html {
    /// This text, case-sensitive.
    Text(&'static str),
    /// A blank line.
    BlankLine,
}

/// Pairs of texts: the first opens a block that the second ends.
const PAIRS: [(&str, &str); 8] = [
    ("<pre", "</pre>"),
    ("<script", "</script>"),
    ("<style", "</style>"),
    ("<textarea", "</textarea>"),
    ("<!--", "-->"),
    ("<![CDATA[", "]]>"),
    ("<!", ">"),
    ("<?", "?>"),
];

impl Html {
    /// The block that the line opens and does not close.
    pub(super) fn open(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii_start();
        if line.first() != Some(&b'<') {
            return None;
        }
        for (begin, end) in PAIRS {
            let Some(start) = line.get(..begin.len()) else { continue };
            let next = line.get(begin.len()).copied().unwrap_or(b'\n');
            let is_whole = !begin.ends_with(|c: char| c.is_ascii_alphabetic())
                || matches!(next, b' ' | b'\t' | b'>' | b'\r' | b'\n');
            if is_whole && start.eq_ignore_ascii_case(begin.as_bytes()) {
                return (memmem::find(line, end.as_bytes()).is_none()).then_some(Self::Text(end));
            }
        }
        // Any other tag is text, which makes no difference here.
        line.get(1).is_some_and(|&b| b.is_ascii_alphabetic() || b == b'/').then_some(Self::BlankLine)
    }

    /// Whether the line is the last of it.
    pub(super) fn is_closed_by(self, line: &[u8], is_blank: bool) -> bool {
        match self {
            Self::Text(end) => memmem::find(line, end.as_bytes()).is_some(),
            Self::BlankLine => is_blank,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_blocks_go_on_over_blank_lines() {
        for (line, end) in [
            ("<pre>", "</pre>"),
            ("  <SCRIPT src=x", "</script>"),
            ("<!-- a", "-->"),
            ("<?php", "?>"),
            ("<!DOCTYPE", ">"),
            ("<![CDATA[ >", "]]>"),
        ] {
            let html = Html::open(line.as_bytes());
            assert_eq!(html, Some(Html::Text(end)), "{line}");
            assert!(!html.unwrap().is_closed_by(b"", true));
            assert!(html.unwrap().is_closed_by(format!("a {end} b").as_bytes(), false));
        }
    }

    #[test]
    fn other_blocks_end_at_one() {
        for line in ["<div>", "</p>", "<preface>", "<x-y"] {
            assert_eq!(Html::open(line.as_bytes()), Some(Html::BlankLine), "{line}");
        }
        assert!(Html::BlankLine.is_closed_by(b" ", true));
    }

    #[test]
    fn what_is_closed_at_once_is_not_open() {
        for line in ["<!-- a -->", "<pre>x</pre>", "<!DOCTYPE html>", "a <pre>", "< b", ""] {
            assert_eq!(Html::open(line.as_bytes()), None, "{line}");
        }
    }
}
