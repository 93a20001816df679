//! Finds probable cuts of an RTF document: before a paragraph that begins with `\pard\plain`, which
//! resets the formatting, and after one that leaves no list, quote, code or table open.
//!
//! Only the paragraph before a cut is examined, so this is a guess: a part with a wrong cut
//! [detects it](super::part).

use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem;

use super::head::Head;
use super::styles::Role;
use super::token::{Token, Tokens};
use super::word::Word;

/// The start of a paragraph that resets the formatting.
const FRESH: &[u8] = b"\\pard\\plain";

/// The maximum length of a paragraph that is examined, in bytes.
const LONGEST: usize = 16 << 10;

/// Returns the offsets of cuts, in order, about `size` bytes apart.
pub(super) fn find(input: &[u8], head: &Head, start: usize, size: usize) -> Vec<usize> {
    let spans = numbered_spans(input, head);
    let finder = memmem::Finder::new(FRESH);
    let mut search = Search { input, head, may_look_at: 4 * input.len() };
    let mut cuts = Vec::new();
    let mut from = start.saturating_add(size).max(head.end + 1);
    while let Some(found) = input.get(from..).and_then(|rest| finder.find(rest)) {
        let at = from + found;
        from = at + 1;
        let Some(cut) = search.cut_before(at) else { continue };
        let next_span = spans.partition_point(|span| span.end <= cut);
        match spans.get(next_span).filter(|span| span.start < cut) {
            // The numbering of this list continues to the end of the span.
            Some(span) => from = from.max(span.end),
            None => {
                cuts.push(cut);
                from = from.max(cut.saturating_add(size));
            }
        }
    }
    cuts
}

struct Search<'a> {
    input: &'a [u8],
    head: &'a Head,
    /// How many bytes of paragraphs may still be examined. The initial value is a multiple of the
    /// document's length, so the search is linear.
    may_look_at: usize,
}

/// The kind of a paragraph that may be the last of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paragraph {
    /// Plain text or a heading, which ends with `\par`.
    Plain,
    /// It is something else.
    Other,
    /// The end of a paragraph that began earlier, after a group within it.
    Rest,
}

impl Search<'_> {
    /// The cut before the paragraph at `at`: directly after the preceding `\par`.
    fn cut_before(&mut self, at: usize) -> Option<usize> {
        let next = self.input.get(at + FRESH.len())?;
        if next.is_ascii_alphanumeric() || *next == b'-' {
            return None;
        }
        let window = self.input.get(at.saturating_sub(LONGEST)..at)?;
        let blank = window.iter().rev().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let (offset, end) = (at - window.len(), at - blank);
        let mut before = window.get(..window.len() - blank)?;
        // Footnotes contain paragraphs.
        loop {
            let begin = memmem::rfind(before, b"\\pard")?;
            let start = offset + begin;
            self.may_look_at = self.may_look_at.checked_sub(end - start)?;
            match self.classify(start, end) {
                Paragraph::Plain => return Some(end),
                Paragraph::Other => return None,
                Paragraph::Rest => before = before.get(..begin)?,
            }
        }
    }

    fn classify(&self, start: usize, end: usize) -> Paragraph {
        let mut tokens = Tokens::new(self.input, start);
        let (mut depth, mut has_text, mut is_over) = (0usize, false, false);
        while tokens.offset() < end {
            let Some(token) = tokens.next() else { return Paragraph::Other };
            is_over = false;
            match token {
                Token::Open => depth += 1,
                Token::Close => match depth.checked_sub(1) {
                    Some(outer) => depth = outer,
                    None => return Paragraph::Rest,
                },
                Token::Text(_) | Token::Hex(_) | Token::Word(Word::U, _) => has_text = true,
                // Control words in a group, mostly a footnote, affect only that group.
                Token::Word(..) if depth > 0 => {}
                Token::Word(Word::Par, _) => is_over = true,
                Token::Word(Word::S, style) if !self.is_text(style.unwrap_or(0)) => return Paragraph::Other,
                Token::Word(Word::Li | Word::Lin | Word::Ls | Word::Itap, Some(0)) => {}
                Token::Word(Word::Li | Word::Lin | Word::Ls | Word::Itap | Word::Intbl, _) => {
                    return Paragraph::Other;
                }
                Token::Word(Word::Cell | Word::Row, _) => return Paragraph::Other,
                _ => {}
            }
        }
        let is_plain = tokens.offset() == end && depth == 0 && has_text && is_over;
        if is_plain { Paragraph::Plain } else { Paragraph::Other }
    }

    /// Whether paragraphs of that style are text or headings.
    fn is_text(&self, style: i32) -> bool {
        matches!(self.head.styles.role(style), Role::Body | Role::Heading(_))
    }
}

/// The spans from the first to the last item of each numbered list with visible numbers; merged and
/// in order.
fn numbered_spans(input: &[u8], head: &Head) -> Vec<Range<usize>> {
    if !head.lists.tables().has_overrides() {
        return Vec::new();
    }
    let mut spans = HashMap::new();
    for found in memmem::find_iter(input.get(head.end..).unwrap_or_default(), b"\\ls") {
        let at = head.end + found;
        let Some(Token::Word(Word::Ls, Some(number))) = Tokens::new(input, at).next() else { continue };
        if let Some(counter) = head.lists.tables().shown_counter(number) {
            spans.entry(counter).or_insert(at..at).end = at;
        }
    }
    let mut all: Vec<Range<usize>> = spans.into_values().collect();
    all.sort_by_key(|span| span.start);
    all.dedup_by(|next, span| {
        let meets = next.start <= span.end;
        if meets {
            span.end = span.end.max(next.end);
        }
        meets
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use millpond_convert::ConversionOptions;

    const HEAD: &str = r"{\rtf1{\stylesheet{\s1 heading 1;}{\s2 Quote;}}{\*\listtable{\list{\listlevel\levelnfc0}\listid1}
{\list{\listlevel\levelnfc23}\listid2}}{\*\listoverridetable{\listoverride\listid1\ls1}{\listoverride\listid2\ls2}}";

    /// The document after that head, with a `|` wherever it is cut.
    fn cut(text: &str) -> String {
        let document = format!("{HEAD}{text}}}");
        let head = Head::read(document.as_bytes(), 0, usize::MAX, &ConversionOptions::default()).unwrap();
        let mut marked = document.clone();
        for &cut in find(document.as_bytes(), &head, 0, 1).iter().rev() {
            marked.insert(cut, '|');
        }
        marked[HEAD.len()..marked.len() - 1].to_owned()
    }

    #[test]
    fn a_paragraph_of_text_may_be_the_last_of_a_part() {
        assert_eq!(
            cut("\\pard\\plain a\\par\n\\pard\\plain b\\par \\pard\\plain\\s1 c{\\b d}\\par\\pard\\plain e"),
            "\\pard\\plain a\\par|\n\\pard\\plain b\\par |\\pard\\plain\\s1 c{\\b d}\\par|\\pard\\plain e"
        );
    }

    #[test]
    fn one_that_leaves_something_open_may_not() {
        for before in [
            "\\s2 a\\par",
            "\\ls2 a\\par",
            "\\li720 a\\par",
            "\\intbl a\\par",
            "\\intbl a\\cell\\row",
            "{a\\par",
            "a\\par}",
            "\\par",
            "a\\line",
            "a\\\\par",
            "a\\par  ",
            "a\\par b",
            "\\ls2{\\pntext\\bullet}a\\par",
        ] {
            let text = format!("\\pard\\plain {before}\n\\pard\\plain b");
            assert_eq!(cut(&text), text);
        }
        for after in ["\\pard\\plainer b", "\\pard b", "\\pard\\b\\plain b"] {
            let text = format!("\\pard\\plain a\\par\n{after}");
            assert_eq!(cut(&text), text);
        }
    }

    #[test]
    fn a_list_whose_numbers_show_is_in_one_part() {
        let list = |ls: u8| {
            format!(
                "\\pard\\plain\\ls{ls} a\\par\\pard\\plain b\\par\\pard\\plain\\ls{ls} c\\par\\pard\\plain d\\par\\pard\\plain e"
            )
        };
        assert_eq!(cut(&list(1)).matches('|').count(), 1);
        assert_eq!(cut(&list(2)).matches('|').count(), 2);
    }
}
