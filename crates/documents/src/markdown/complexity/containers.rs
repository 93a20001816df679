//! The containers that may be open at a line: quotes, list items, footnotes, definitions.
//!
//! This follows the parser where that is cheap, and otherwise overestimates: a marker in code
//! counts as a marker, and a line that may continue a paragraph leaves all containers open.

/// An open container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Quote,
    /// The minimum indent of lines that belong to it.
    Item(usize),
    /// The minimum indent for a footnote, which has no list around it.
    Note,
}

impl Container {
    /// The number of levels that it has in the parser's tree.
    fn levels(self) -> usize {
        match self {
            Self::Quote | Self::Note => 1,
            Self::Item(_) => 2,
        }
    }
}

/// The open containers.
#[derive(Debug, Default)]
pub(super) struct Containers {
    open: Vec<Container>,
    depth: usize,
}

/// The result of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    /// The start of its text, after the markers of containers.
    pub(super) content: usize,
    /// The number of containers that it opened.
    pub(super) opened: usize,
    pub(super) is_blank: bool,
    /// The position at which containers exceed the depth limit. The rest of the line was not read.
    pub(super) too_deep_at: Option<usize>,
}

impl Containers {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The number of open levels.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.depth = 0;
    }

    fn keep(&mut self, count: usize) {
        for closed in self.open.drain(count.min(self.open.len())..) {
            self.depth -= closed.levels();
        }
    }

    fn push(&mut self, container: Container) {
        self.depth += container.levels();
        self.open.push(container);
    }

    /// Closes and opens containers as the line does, up to depth `most`.
    pub(super) fn pass(&mut self, line: &[u8], after_blank: bool, most: usize) -> Passed {
        let mut cursor = Cursor::new(line);
        let matched = self.open.iter().take_while(|container| cursor.is_in(**container)).count();
        if cursor.is_at_end() {
            self.keep(matched);
            return Passed { content: cursor.at, opened: 0, is_blank: true, too_deep_at: None };
        }
        let (mut opened, mut before) = (0, cursor.at);
        let mut too_deep_at = None;
        while let Some(container) = cursor.marker().filter(|_| too_deep_at.is_none()) {
            if opened == 0 {
                self.keep(matched);
            }
            self.push(container);
            opened += 1;
            too_deep_at = (self.depth > most).then_some(before);
            before = cursor.at;
        }
        if opened == 0 && after_blank {
            self.keep(matched);
        }
        Passed { content: cursor.at, opened, is_blank: cursor.is_at_end(), too_deep_at }
    }
}

/// A cursor over the beginning of a line.
#[derive(Debug, Clone, Copy)]
struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
    /// The end of the last tab, and its remaining columns.
    tab: usize,
    spare: usize,
    /// No rule begins before this position.
    no_rule_before: usize,
}

impl<'a> Cursor<'a> {
    fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0, tab: 0, spare: 0, no_rule_before: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    /// Skips up to that many columns of white space. Returns how many it skipped.
    fn spaces(&mut self, most: usize) -> usize {
        let mut taken = self.spare.min(most);
        self.spare -= taken;
        while taken < most {
            match self.peek() {
                Some(b' ') => taken += 1,
                Some(b'\t') => {
                    let columns = 4 - (self.at - self.tab) % 4;
                    self.tab = self.at + 1;
                    let used = columns.min(most - taken);
                    taken += used;
                    self.spare = columns - used;
                }
                _ => break,
            }
            self.at += 1;
        }
        taken
    }

    /// Whether only white space remains.
    fn is_at_end(&self) -> bool {
        let rest = self.line.get(self.at..).unwrap_or_default();
        rest.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
    }

    fn is_at_line_end(&self) -> bool {
        matches!(self.peek(), None | Some(b'\r' | b'\n'))
    }

    /// Skips the marker that shows that the line belongs to the container, if there is one.
    fn is_in(&mut self, container: Container) -> bool {
        let before = *self;
        let is_in = match container {
            Container::Quote => {
                self.spaces(3);
                self.quote()
            }
            Container::Item(indent) => self.spaces(indent) == indent || self.is_at_line_end(),
            Container::Note => self.spaces(4) == 4 || self.is_at_line_end(),
        };
        if !is_in {
            *self = before;
        }
        is_in
    }

    /// Whether the rest of the line is a rule, which resembles list items: one character repeated.
    fn is_rule(&mut self) -> bool {
        let rest = self.line.get(self.at..).unwrap_or_default();
        let Some(&mark) = rest.first().filter(|_| self.at >= self.no_rule_before) else { return false };
        let is_other = |&b: &u8| b != mark && !matches!(b, b' ' | b'\t' | b'\r' | b'\n');
        match rest.iter().position(is_other) {
            Some(other) => {
                self.no_rule_before = self.at + other;
                false
            }
            None => rest.iter().filter(|&&b| b == mark).count() >= 3,
        }
    }

    fn quote(&mut self) -> bool {
        let is_quote = self.peek() == Some(b'>');
        if is_quote {
            self.at += 1;
            self.spaces(1);
        }
        is_quote
    }

    /// Skips the marker of a container that begins here.
    fn marker(&mut self) -> Option<Container> {
        let before = *self;
        let indent = self.spaces(4);
        let container = if indent < 4 { self.marker_after(indent) } else { None };
        if container.is_none() {
            *self = before;
        }
        container
    }

    fn marker_after(&mut self, indent: usize) -> Option<Container> {
        let rest = self.line.get(self.at..)?;
        let width = match *rest.first()? {
            b'>' => return self.quote().then_some(Container::Quote),
            b'[' => {
                self.at += note_mark(rest)?;
                return Some(Container::Note);
            }
            b'-' | b'+' | b'*' if !self.is_rule() => 1,
            // A definition.
            b':' => {
                self.at += 1;
                let after = self.spaces(1);
                return Some(Container::Item(indent + 1 + after));
            }
            b'0'..=b'9' => number_mark(rest)?,
            _ => return None,
        };
        self.at += width;
        if self.spaces(1) == 0 && !self.is_at_line_end() {
            return None;
        }
        let base = *self;
        let more = self.spaces(4);
        let is_blank = self.is_at_end();
        if more == 4 || is_blank {
            *self = base;
        }
        Some(Container::Item(indent + width + 1 + if more == 4 || is_blank { 0 } else { more }))
    }
}

/// The length of the number that marks a list item.
fn number_mark(rest: &[u8]) -> Option<usize> {
    let digits = rest.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
    (digits < 10 && matches!(rest.get(digits), Some(b'.' | b')'))).then_some(digits + 1)
}

/// The length of the label that defines a footnote.
fn note_mark(rest: &[u8]) -> Option<usize> {
    let label = rest.strip_prefix(b"[^")?;
    let len = memchr::memchr3(b']', b'[', b'\n', label)?;
    (label.get(len..len + 2)? == b"]:").then_some(len + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The depth after each line.
    fn depths(text: &str) -> Vec<usize> {
        let (mut containers, mut after_blank) = (Containers::default(), true);
        let mut depths = Vec::new();
        for line in text.split_inclusive('\n') {
            after_blank = containers.pass(line.as_bytes(), after_blank, 1000).is_blank;
            depths.push(containers.depth());
        }
        depths
    }

    #[test]
    fn containers_open_and_close() {
        assert_eq!(depths("> a\n> > b\n> c\nd\n\ne\n"), [1, 2, 2, 2, 0, 0]);
        assert_eq!(depths("- a\n  - b\n\n    c\n- d\n\ne\n"), [2, 4, 4, 4, 2, 2, 0]);
        assert_eq!(depths("10. a\n\n   b\n"), [2, 2, 0]);
        assert_eq!(depths("10. a\n\n    b\n"), [2, 2, 2]);
        assert_eq!(depths("[^a]: b\n\n    c\n\nd\n"), [1, 1, 1, 1, 0]);
        assert_eq!(depths("-\ta\n\n\tb\n"), [2, 2, 2]);
    }

    #[test]
    fn markers_nest_on_a_line() {
        assert_eq!(depths("> - 1. a\n"), [5]);
        assert_eq!(depths("- - - a\n"), [6]);
        assert_eq!(depths("- - -\n"), [0]);
        assert_eq!(depths("-a\n"), [0]);
        assert_eq!(depths("    - a\n"), [0]);
        assert_eq!(depths("1234567890. a\n"), [0]);
    }
}
