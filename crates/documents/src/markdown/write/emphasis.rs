//! Writes emphasis marks: selects them and orders them so that they nest and are recognized.
//!
//! Whether `*`, `_` and `~` begin or end emphasis depends on the adjacent characters (CommonMark
//! 0.31.2, section 6.2, "flanking"). If they would not, or in doubt, HTML tags are used.

use bytes::BytesMut;

use super::escape::{self, Context, longest_run};
use super::segment::Segment;
use crate::model::{Flags, Link};

/// An open mark.
#[derive(Debug, Clone, Copy)]
struct Open {
    flag: Flags,
    /// The segment before which it ends.
    close_at: usize,
    end: &'static str,
}

/// Buffers that are reused for each paragraph.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) segments: Vec<Segment>,
    open: Vec<Open>,
}

/// The class of a character in the flanking rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    /// This ASCII punctuation character.
    Mark(u8),
    /// A character that parsers may classify differently.
    Other,
}

impl Class {
    fn of(c: Option<char>) -> Self {
        match c {
            None => Self::Space,
            Some(c) if c.is_whitespace() => Self::Space,
            Some(c) if c.is_alphanumeric() => Self::Letter,
            Some(c) if c.is_ascii_punctuation() => Self::Mark(c as u8),
            Some(_) => Self::Other,
        }
    }

    fn is_mark_or_space(self) -> bool {
        matches!(self, Self::Space | Self::Mark(_))
    }
}

/// The characters adjacent to a pair of marks: before and after the first, before and after the
/// second.
#[derive(Debug, Clone, Copy)]
struct Sides([Class; 4]);

impl Sides {
    fn flank(self) -> bool {
        let [before, inside, inside_end, after] = self.0;
        inside != Class::Space
            && inside_end != Class::Space
            && (inside == Class::Letter || before.is_mark_or_space())
            && (inside_end == Class::Letter || after.is_mark_or_space())
    }

    /// Whether neither mark is adjacent to another character of the same kind.
    fn are_clear_of(self, mark: u8) -> bool {
        !self.0.contains(&Class::Mark(mark))
    }
}

/// Writes the segments of a paragraph.
pub(super) struct InlineWriter<'a> {
    out: &'a mut BytesMut,
    text: &'a str,
    links: &'a [Link],
    context: Context,
    prefix: &'a [u8],
    segments: &'a [Segment],
    open: &'a mut Vec<Open>,
    link: u32,
    at_line_start: bool,
    /// The class of the last character written.
    last: Class,
}

/// The flags with marks, in the order in which marks open that end together.
const MARKS: [Flags; 6] =
    [Flags::UNDERLINE, Flags::STRIKE, Flags::BOLD, Flags::ITALIC, Flags::SUPERSCRIPT, Flags::SUBSCRIPT];

impl<'a> InlineWriter<'a> {
    pub(super) fn new(
        out: &'a mut BytesMut,
        text: &'a str,
        links: &'a [Link],
        context: Context,
        prefix: &'a [u8],
        scratch: &'a mut Scratch,
    ) -> Self {
        let Scratch { segments, open } = scratch;
        open.clear();
        let (link, at_line_start, last) = (0, true, Class::Space);
        Self { out, text, links, context, prefix, segments, open, link, at_line_start, last }
    }

    pub(super) fn write(mut self) {
        for (at, segment) in self.segments.iter().enumerate() {
            self.close(at);
            self.change_link(segment.style.link);
            self.open_marks(at);
            if segment.style.note != 0 {
                self.put_bracket(&format!("[^{}]", segment.style.note));
            } else if segment.style.flags.has(Flags::CODE) && !self.might_define(segment) {
                self.code(segment);
            } else {
                self.plain(segment);
            }
        }
        self.close(self.segments.len());
        self.change_link(0);
    }

    /// Whether the code of the segment, after the bracket of its link, would resemble the
    /// definition of a reference. Parsers look for definitions before code.
    fn might_define(&self, segment: &Segment) -> bool {
        self.link != 0 && self.text_of(segment).contains(']')
    }

    fn text_of(&self, segment: &Segment) -> &'a str {
        self.text.get(segment.start..segment.end).unwrap_or_default()
    }

    /// Writes markup.
    fn put(&mut self, mark: &str) {
        self.out.extend_from_slice(mark.as_bytes());
        self.at_line_start = false;
        self.last = Class::of(mark.chars().next_back());
    }

    /// Writes an opening bracket.
    fn put_bracket(&mut self, mark: &str) {
        if self.out.last() == Some(&b'!') && self.last == Class::Mark(b'!') {
            // Both together would begin an image.
            self.out.truncate(self.out.len() - 1);
            self.out.extend_from_slice(b"\\!");
        }
        self.put(mark);
    }

    fn plain(&mut self, segment: &Segment) {
        let mut text = self.text_of(segment);
        if self.last == Class::Mark(b']') && text.starts_with([':', '(']) {
            // After a reference this would be a definition or a link.
            self.put("\\");
            self.put(text.get(..1).unwrap_or_default());
            text = text.get(1..).unwrap_or_default();
        }
        escape::write(self.out, text, self.context, self.prefix, &mut self.at_line_start);
        if let Some(last) = text.chars().next_back() {
            self.last = Class::of(Some(last));
        }
    }

    fn code(&mut self, segment: &Segment) {
        let text = self.text_of(segment);
        let fence = "`".repeat(longest_run(text, b'`') + 1);
        let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        self.put(&fence);
        self.put(pad);
        for c in text.chars() {
            match c {
                '\n' | '\t' => self.put(" "),
                '|' if self.context == Context::Cell => self.put("\\|"),
                _ => self.put(c.encode_utf8(&mut [0; 4])),
            }
        }
        self.put(pad);
        self.put(&fence);
    }

    /// Closes the marks that end before this segment. They are on top of the stack, because a mark
    /// ends no later than those below it.
    fn close(&mut self, at: usize) {
        while let Some(open) = self.open.last().copied() {
            if open.close_at > at {
                break;
            }
            self.open.pop();
            self.put(open.end);
        }
    }

    /// Closes and opens links. No mark is open here, because marks never cross the boundary of a
    /// link.
    fn change_link(&mut self, link: u32) {
        if link == self.link {
            return;
        }
        if let Some(ended) = self.link_target(self.link) {
            self.put("](");
            destination(self.out, &ended.url, self.context);
            if !ended.title.is_empty() {
                self.put(" \"");
                title(self.out, &ended.title, self.context);
                self.put("\"");
            }
            self.put(")");
        }
        self.link = link;
        if self.link_target(link).is_some() {
            if self.last == Class::Mark(b']') {
                // Directly after a footnote reference it would turn that into a link.
                self.put("<!-- -->");
            }
            self.put_bracket("[");
        }
    }

    fn link_target(&self, link: u32) -> Option<&'a Link> {
        self.links.get((link as usize).checked_sub(1)?)
    }

    fn flags_at(&self, at: usize) -> Flags {
        self.segments.get(at).map_or(Flags::default(), |segment| segment.style.flags)
    }

    /// Opens the marks that this segment needs, the longest first.
    fn open_marks(&mut self, at: usize) {
        let needed = self.flags_at(at).without(self.opened());
        if needed == Flags::default() || needed == Flags::CODE {
            return;
        }
        let mut marks = MARKS.map(|flag| (if needed.has(flag) { self.end_of(flag, at) } else { 0 }, flag));
        marks.sort_by_key(|&(end, _)| std::cmp::Reverse(end));
        for (end, flag) in marks.into_iter().filter(|&(end, _)| end > 0) {
            let around = self.open.last().map_or(usize::MAX, |open| open.close_at);
            self.open_mark(flag, at, end.min(around));
        }
    }

    /// The flags of the marks that are open.
    fn opened(&self) -> Flags {
        self.open.iter().fold(Flags::default(), |all, open| Flags(all.0 | open.flag.0))
    }

    /// The first segment from `at` on without the flag, or in another link.
    fn end_of(&self, flag: Flags, at: usize) -> usize {
        let rest = self.segments.get(at..).unwrap_or_default();
        let same = rest.iter().take_while(|s| s.style.flags.has(flag) && s.style.link == self.link);
        at + same.count()
    }

    fn open_mark(&mut self, flag: Flags, at: usize, close_at: usize) {
        let sides = self.sides(flag, at, close_at);
        let (begin, end) = marks(flag, sides, self.opened().has(Flags::BOLD));
        self.put(begin);
        self.open.push(Open { flag, close_at, end });
    }

    /// The characters adjacent to the marks of a flag that begin here and end before segment
    /// `close_at`.
    fn sides(&self, flag: Flags, at: usize, close_at: usize) -> Sides {
        let outer = self.opened();
        let opened = Flags(outer.0 | flag.0);
        let last = close_at.saturating_sub(1);
        let inside = if self.flags_at(at).without(opened) != Flags::default() {
            Class::Mark(b'<')
        } else {
            self.segments.get(at).map_or(Class::Space, |s| self.first_of(s))
        };
        let inside_end = if self.flags_at(last).without(opened) != Flags::default() {
            Class::Mark(b'>')
        } else {
            self.segments.get(last).map_or(Class::Space, |s| self.last_of(s))
        };
        let after = match self.segments.get(close_at) {
            _ if self.open.last().is_some_and(|open| open.close_at == close_at) => Class::Mark(b'<'),
            Some(next) if next.style.link != self.link => Class::Mark(b'['),
            Some(next) if next.style.flags.without(outer) != Flags::default() => Class::Mark(b'<'),
            Some(next) => self.first_of(next),
            None if self.link != 0 => Class::Mark(b']'),
            None => Class::Space,
        };
        Sides([self.last, inside, inside_end, after])
    }

    fn first_of(&self, segment: &Segment) -> Class {
        match segment.style.note {
            0 => Class::of(self.text_of(segment).chars().next()),
            _ => Class::Mark(b'['),
        }
    }

    fn last_of(&self, segment: &Segment) -> Class {
        match segment.style.note {
            0 => Class::of(self.text_of(segment).chars().next_back()),
            _ => Class::Mark(b']'),
        }
    }
}

/// The marks for a flag between these characters.
fn marks(flag: Flags, sides: Sides, in_bold: bool) -> (&'static str, &'static str) {
    let [before, .., after] = sides.0;
    let is_apart = before.is_mark_or_space() && after.is_mark_or_space();
    match flag {
        Flags::BOLD if sides.flank() && sides.are_clear_of(b'*') => ("**", "**"),
        Flags::BOLD => ("<strong>", "</strong>"),
        Flags::ITALIC if is_apart && sides.flank() && sides.are_clear_of(b'_') => ("_", "_"),
        Flags::ITALIC if !in_bold && sides.flank() && sides.are_clear_of(b'*') => ("*", "*"),
        Flags::ITALIC => ("<em>", "</em>"),
        Flags::STRIKE if sides.flank() && sides.are_clear_of(b'~') => ("~~", "~~"),
        Flags::STRIKE => ("<del>", "</del>"),
        Flags::UNDERLINE => ("<u>", "</u>"),
        Flags::SUPERSCRIPT => ("<sup>", "</sup>"),
        Flags::SUBSCRIPT => ("<sub>", "</sub>"),
        _ => ("", ""),
    }
}

/// Writes the address of a link, escaped so that no character ends it.
fn destination(out: &mut BytesMut, url: &str, context: Context) {
    for c in url.chars() {
        match c {
            c if c.is_whitespace() || c.is_control() => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    out.extend_from_slice(format!("%{byte:02X}").as_bytes());
                }
            }
            '(' | ')' | '\\' | '&' | '<' | '>' => out.extend_from_slice(&[b'\\', c as u8]),
            '|' if context == Context::Cell => out.extend_from_slice(b"\\|"),
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn title(out: &mut BytesMut, text: &str, context: Context) {
    for c in text.chars() {
        match c {
            '"' | '\\' | '&' => out.extend_from_slice(&[b'\\', c as u8]),
            '|' if context == Context::Cell => out.extend_from_slice(b"\\|"),
            '\n' | '\t' => out.extend_from_slice(b" "),
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}
