//! Finds probable cuts of a Markdown document: lines that begin with text in the first column,
//! after a blank line, outside of code and HTML.
//!
//! Such a line closes every list, quote and table before it. So nothing is open there, unless a
//! code fence or a block of HTML is. Those are tracked line by line, which is fast but not exact: a
//! part with a wrong cut [detects it](super::part). So this function may miss cuts and find wrong
//! ones, but must do so rarely.

use std::ops::Range;

use memchr::memchr;

use super::super::lines::begins_text;
use super::fence::Fence;
use super::html::Html;

/// The blocks that are open at a line.
#[derive(Debug, Default)]
struct State {
    fence: Option<Fence>,
    html: Option<Html>,
    after_blank: bool,
}

/// Calls `found` with the offset of each probable cut, from `start` on, until it returns `false`.
pub(super) fn each(text: &[u8], start: usize, mut found: impl FnMut(usize) -> bool) {
    let mut state = State::default();
    let mut at = start;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let len = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = rest.get(..len).unwrap_or_default();
        if state.after_blank
            && begins_text(line)
            && state.fence.is_none()
            && state.html.is_none()
            && !found(at)
        {
            return;
        }
        state.pass(line);
        at += len;
    }
}

impl State {
    fn pass(&mut self, line: &[u8]) {
        let first = line.iter().copied().find(|b| !matches!(b, b' ' | b'\t' | b'\r'));
        let is_blank = matches!(first, None | Some(b'\n'));
        if let Some(fence) = self.fence {
            if fence.is_closed_by(line) {
                self.fence = None;
            }
        } else if let Some(html) = self.html {
            if html.is_closed_by(line, is_blank) {
                self.html = None;
            }
        } else {
            match first {
                Some(b'<') => self.html = Html::open(line),
                Some(b'`' | b'~' | b'-' | b'+' | b'*' | b'0'..=b'9') => self.fence = Fence::open(line),
                _ => {}
            }
        }
        self.after_blank = is_blank;
    }
}

/// The range of the first character after `cut`. It suffices for the parser to begin a block.
pub(super) fn first_of(text: &[u8], cut: usize) -> Range<usize> {
    let rest = text.get(cut..).unwrap_or_default();
    // The marker of a heading counts only if text follows.
    let marks = rest.iter().take_while(|&&b| b == b'#').count();
    let skipped = if marks > 0 { marks + 1 } else { 0 };
    let more = rest.iter().skip(skipped + 1).take_while(|&&b| b & 0xc0 == 0x80).count();
    cut..(cut + skipped + 1 + more).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The document with a `|` wherever it can be cut.
    fn cut(text: &str) -> String {
        let (mut marked, mut before) = (String::new(), 0);
        each(text.as_bytes(), 0, |at| {
            marked.push_str(&text[before..at]);
            marked.push('|');
            before = at;
            true
        });
        marked + &text[before..]
    }

    #[test]
    fn text_after_a_blank_line_begins_a_part() {
        assert_eq!(cut("a\nb\n\nc\r\n \t\r\n## d\n\né\n\n\nf"), "a\nb\n\n|c\r\n \t\r\n|## d\n\n|é\n\n\n|f");
    }

    #[test]
    fn what_may_belong_to_the_block_before_does_not() {
        for line in [
            "- a", "1. a", " a", "\ta", "> a", "[a]: b", "===", "|a|", "```", "<b>", "#", "# ", "#a", "# #",
            "*a*",
        ] {
            let text = format!("a\n\n{line}\n");
            assert_eq!(cut(&text), text);
        }
    }

    #[test]
    fn code_and_html_are_not_cut() {
        for text in [
            "```\n\na\n",
            "- ~~~\n\na\n",
            "````\n```\n\na\n",
            "<!--\n\na\n",
            "<pre>\n\na\n</PRE>\n\nb\n",
            "<![CDATA[\n\na\n",
            "<?\n\na\n",
        ] {
            assert_eq!(cut(text), text);
        }
        assert_eq!(cut("```\n\na\n```\n\nb\n"), "```\n\na\n```\n\n|b\n");
        assert_eq!(cut("<div>\n```\n\nb\n"), "<div>\n```\n\n|b\n");
        assert_eq!(cut("<pre>\n\na\n</pre>\n\nb\n"), "<pre>\n\na\n</pre>\n\n|b\n");
    }

    #[test]
    fn a_character_is_enough_to_see_what_begins() {
        assert_eq!(first_of(b"abc", 1), 1..2);
        assert_eq!(first_of("x日本".as_bytes(), 1), 1..4);
        assert_eq!(first_of("## é!".as_bytes(), 0), 0..5);
        assert_eq!(first_of(b"a", 0), 0..1);
    }
}
