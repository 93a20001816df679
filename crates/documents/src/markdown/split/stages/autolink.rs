//! Autolinks, by the rules of GitHub Flavored Markdown 0.29, section 6.9, and its reference
//! implementation.

use std::ops::Range;

use memchr::memmem;

/// An autolink in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Autolink {
    pub(in super::super) range: Range<usize>,
    /// The prefix that makes it an address.
    pub(in super::super) prefix: &'static str,
}

/// The texts that indicate an autolink.
const TRIGGERS: [&[u8]; 3] = [b"://", b"www.", b"@"];

/// The positions in a document at which autolinks may begin. Pieces are mostly queried in order, so
/// the document is searched once, not each piece.
#[derive(Debug)]
pub(in super::super) struct Triggers {
    /// The next position of each trigger, from `from` on.
    next: [usize; 3],
    from: usize,
    /// The first of these positions.
    first: usize,
    are_none: bool,
}

impl Triggers {
    pub(in super::super) fn none() -> Self {
        Self { next: [usize::MAX; 3], from: 0, first: usize::MAX, are_none: true }
    }

    /// Searches a document. Most have no trigger, or one.
    pub(in super::super) fn of(text: &str) -> Self {
        let next = TRIGGERS.map(|trigger| find_trigger(text, 0, trigger));
        let first = next.into_iter().min().unwrap_or(usize::MAX);
        Self { next, from: 0, first, are_none: first == usize::MAX }
    }

    #[inline(always)]
    pub(in super::super) fn are_none(&self) -> bool {
        self.are_none
    }

    /// Whether an autolink may begin in this range of the document.
    #[inline(always)]
    pub(in super::super) fn are_within(&mut self, document: &str, piece: Range<usize>) -> bool {
        if piece.start < self.from {
            return document.get(piece).is_some_and(Self::are_in);
        }
        if piece.start > self.first {
            self.search(document, piece.start);
        }
        self.first < piece.end
    }

    #[inline(never)]
    fn search(&mut self, document: &str, from: usize) {
        for (next, trigger) in self.next.iter_mut().zip(TRIGGERS) {
            if *next < from {
                *next = find_trigger(document, from, trigger);
            }
        }
        self.first = self.next.into_iter().min().unwrap_or(usize::MAX);
        self.from = from;
    }

    /// Whether an autolink may begin in this text.
    pub(in super::super) fn are_in(text: &str) -> bool {
        TRIGGERS.into_iter().any(|trigger| memmem::find(text.as_bytes(), trigger).is_some())
    }
}

fn find_trigger(text: &str, from: usize, trigger: &[u8]) -> usize {
    let found = text.as_bytes().get(from..).and_then(|rest| memmem::find(rest, trigger));
    found.map_or(usize::MAX, |at| from + at)
}

/// The next autolink in `text` from `start` on. `before` is the character before the text.
pub(in super::super) fn find(text: &str, start: usize, before: Option<char>) -> Option<Autolink> {
    let bytes = text.as_bytes();
    let mut at = start;
    while let Some(found) = bytes.get(at..)?.iter().position(|b| matches!(b, b':' | b'w' | b'@')) {
        at += found;
        let link = match bytes.get(at)? {
            b'w' => www(text, at, before),
            b':' => url(text, at, start),
            _ => email(text, at, start),
        };
        if link.is_some() {
            return link;
        }
        at += 1;
    }
    None
}

fn www(text: &str, at: usize, before: Option<char>) -> Option<Autolink> {
    // The mark of a cell or of emphasis may precede a text.
    let before = if at == 0 { before.filter(|&c| c != '|') } else { text.get(..at)?.chars().next_back() };
    let is_begin = before.is_none_or(|c| c.is_whitespace() || "*_~(".contains(c));
    if !is_begin || !text.get(at..)?.starts_with("www.") {
        return None;
    }
    let end = end_of_address(text, at, at, false)?;
    Some(Autolink { range: at..end, prefix: "http://" })
}

fn url(text: &str, colon: usize, start: usize) -> Option<Autolink> {
    if !text.get(colon..)?.starts_with("://") {
        return None;
    }
    let before = text.get(start..colon)?;
    let letters = before.bytes().rev().take(6).take_while(u8::is_ascii_alphabetic).count();
    let scheme = before.get(before.len() - letters..)?;
    let is_known = ["http", "https", "ftp"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    let end = is_known.then(|| end_of_address(text, colon - letters, colon + 3, true))??;
    Some(Autolink { range: colon - letters..end, prefix: "" })
}

/// The end of the address whose domain begins at `domain`.
fn end_of_address(text: &str, begin: usize, domain: usize, may_be_short: bool) -> Option<usize> {
    let rest = text.get(domain..)?;
    if !is_domain(rest, may_be_short) {
        return None;
    }
    let len = rest.find(|c: char| c.is_whitespace() || c == '<').unwrap_or(rest.len());
    let end = domain + trimmed(rest.get(..len)?);
    (end > domain && end > begin).then_some(end)
}

/// Whether the text begins with a domain: words separated by dots, the last two without an
/// underscore.
fn is_domain(rest: &str, may_be_short: bool) -> bool {
    let is_of_it = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let domain = rest.get(..rest.find(|c| !is_of_it(c)).unwrap_or(rest.len())).unwrap_or_default();
    let domain = domain.trim_end_matches('.');
    let has_underscore = domain.rsplit('.').take(2).any(|word| word.contains('_'));
    domain.starts_with(char::is_alphanumeric) && !has_underscore && (may_be_short || domain.contains('.'))
}

/// The length of an address without the punctuation that ends the sentence.
fn trimmed(address: &str) -> usize {
    let bytes = address.as_bytes();
    let count = |byte| memchr::memchr_iter(byte, bytes).count();
    let (opened, mut closed) = (count(b'('), count(b')'));
    let mut end = bytes.len();
    while let Some(&last) = bytes.get(..end).and_then(<[u8]>::last) {
        match last {
            b'?' | b'!' | b'.' | b',' | b':' | b'*' | b'_' | b'~' | b'\'' | b'"' => end -= 1,
            b')' if closed > opened => {
                closed -= 1;
                end -= 1;
            }
            b';' => {
                let name = bytes.iter().take(end - 1).rev().take_while(|b| b.is_ascii_alphanumeric()).count();
                let is_reference = name > 0 && bytes.get((end - 1 - name).wrapping_sub(1)) == Some(&b'&');
                end -= if is_reference { name + 2 } else { 1 };
            }
            _ => break,
        }
    }
    end
}

fn email(text: &str, at: usize, start: usize) -> Option<Autolink> {
    let is_of_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
    let name = text.as_bytes().get(start..at)?.iter().rev().take_while(|b| is_of_name(b)).count();
    let rest = text.as_bytes().get(at + 1..)?;
    let is_of_domain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let mut len = rest.iter().take_while(|b| is_of_domain(b)).count();
    let domain = rest.get(..len)?;
    if rest.get(len) == Some(&b'@') || name == 0 {
        return None;
    }
    len -= domain.iter().rev().take_while(|&&b| b == b'.').count();
    let domain = domain.get(..len)?;
    let is_address = domain.contains(&b'.')
        && domain.first().is_some_and(u8::is_ascii_alphanumeric)
        && domain.last().is_some_and(u8::is_ascii_alphanumeric);
    is_address.then(|| Autolink { range: at - name..at + 1 + len, prefix: "mailto:" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with its addresses in brackets.
    fn links(text: &str) -> String {
        let (mut marked, mut at) = (String::new(), 0);
        while let Some(link) = find(text, at, None) {
            marked +=
                &format!("{}[{}{}]", &text[at..link.range.start], link.prefix, &text[link.range.clone()]);
            at = link.range.end;
        }
        marked + &text[at..]
    }

    #[test]
    fn addresses_begin_with_a_scheme_or_www() {
        for (text, expected) in [
            (
                "See https://example.org/a and www.example.org.",
                "See [https://example.org/a] and [http://www.example.org].",
            ),
            ("HTTP://a.example ftp://b.example/c", "[HTTP://a.example] [ftp://b.example/c]"),
            ("(www.a.example) *www.b.example*", "([http://www.a.example]) *[http://www.b.example]*"),
            ("xwww.a.example wwww.a.example www. a", "xwww.a.example wwww.a.example www. a"),
            (
                "javascript://a.example xhttp://a.example http:// http://",
                "javascript://a.example xhttp://a.example http:// http://",
            ),
            ("http://a_b.example http://a_b.c.example", "http://a_b.example [http://a_b.c.example]"),
            ("http://localhost:8080/a?b=c&d=e#f", "[http://localhost:8080/a?b=c&d=e#f]"),
            ("https://пример.example/путь", "[https://пример.example/путь]"),
        ] {
            assert_eq!(links(text), expected);
        }
    }

    #[test]
    fn what_ends_the_sentence_is_no_part_of_them() {
        for (text, expected) in [
            ("www.a.example/b?!.,:*_~'\"", "[http://www.a.example/b]?!.,:*_~'\""),
            (
                "www.a.example/b_(c) (www.a.example/b_(c))",
                "[http://www.a.example/b_(c)] ([http://www.a.example/b_(c)])",
            ),
            (
                "www.a.example/b&copy; www.a.example/b;",
                "[http://www.a.example/b]&copy; [http://www.a.example/b];",
            ),
            ("www.a.example/<b>", "[http://www.a.example/]<b>"),
        ] {
            assert_eq!(links(text), expected);
        }
    }

    #[test]
    fn mail_addresses_are_links() {
        for (text, expected) in [
            ("to a.b+c@d.example.", "to [mailto:a.b+c@d.example]."),
            ("a@b @c.example d@e.example-", "a@b @c.example d@e.example-"),
            ("a@b@c.example", "a@[mailto:b@c.example]"),
        ] {
            assert_eq!(links(text), expected);
        }
    }
}
