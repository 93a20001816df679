//! Parts of a Markdown document, each read on its own, and the proof that they are read as the whole would be.
//!
//! The [cuts] are guesses. A part is read with the first character of the next: if, for the parser, a
//! paragraph or heading begins just there, with nothing open around it, then the cut is one; as the part before it was
//! cut rightly, too, by the same proof, up to the first, which begins where the document does. What else a part could
//! take from others is compared: definitions of references with those that were collected, footnotes must not be
//! defined at all, and the parser's limit on what references may expand to must have been reached nowhere.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::OnceLock;

use pulldown_cmark::{Event, LinkType, Parser, Tag};
use unicase::UniCase;

use super::definitions::{self, Definitions, Lookup};
use super::{EXTENSIONS, Source, cuts};
use crate::convert::split::inseparable;
use crate::convert::{ConversionOptions, ConvertError, Split};

/// The most of a document that may be searched for definitions before its parts are, as a divisor of its length: it is
/// read twice then, the first time by one thread.
const MOST_SEARCHED: usize = 8;

/// What the parser allows references to expand to, whatever the length of the document. Longer ones may have as much as
/// they are long. (pulldown-cmark 0.13: `link_ref_expansion_limit`.)
const FREE_EXPANSION: usize = 100_000;

/// What the parts of a document share.
#[derive(Debug)]
pub(in crate::convert) struct Plan {
    definitions: Definitions,
    /// The labels that are defined in each part.
    labels: Vec<Vec<String>>,
    /// The bytes that references have expanded to in each part.
    expanded: Vec<OnceLock<usize>>,
    /// How long the document is.
    len: usize,
}

impl Plan {
    /// Whether the references of the whole would have been resolved as those of its parts were.
    pub(in crate::convert) fn holds(&self) -> bool {
        let all = self.expanded.iter().try_fold(0, |all: usize, part| all.checked_add(*part.get()?));
        all.is_some_and(|all| all < self.len.max(FREE_EXPANSION))
    }
}

/// Parts of about `chunk_size` bytes, two at least.
pub(in crate::convert) fn split(input: &[u8], chunk_size: usize) -> Option<(Vec<Range<usize>>, Plan)> {
    let start = if input.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut search = Search::new(input, start, chunk_size);
    cuts::each(input, start, |cut| search.cut(cut));
    search.finish()
}

/// Goes from one possible cut to the next, with an eye on definitions in between.
struct Search<'a> {
    input: &'a [u8],
    size: usize,
    finder: memchr::memmem::Finder<'static>,
    /// Where the next definition might be.
    next_definition: usize,
    /// The last possible cut, and the last that was taken.
    before: usize,
    part: usize,
    parts: Vec<Range<usize>>,
    plan: Plan,
    labels: HashSet<UniCase<String>>,
    /// How many bytes may still be searched for definitions. `None`: it was too many, or they contradict each other.
    may_search: Option<usize>,
}

impl<'a> Search<'a> {
    fn new(input: &'a [u8], start: usize, chunk_size: usize) -> Self {
        let len = input.len() - start;
        let finder = definitions::finder();
        Self {
            input,
            size: len.div_ceil(len.div_ceil(chunk_size.max(1)).max(1)),
            next_definition: finder.find(input).unwrap_or(usize::MAX),
            finder,
            before: start,
            part: start,
            parts: Vec::new(),
            plan: Plan { definitions: Definitions::default(), labels: Vec::new(), expanded: Vec::new(), len },
            labels: HashSet::new(),
            may_search: Some((len / MOST_SEARCHED).max(64 << 10)),
        }
    }

    /// Takes note of a possible cut. `false`: nothing will come of this.
    fn cut(&mut self, at: usize) -> bool {
        if self.next_definition < at {
            self.may_search = self.read_definitions(at);
        }
        self.before = at;
        if at - self.part >= self.size {
            self.end_part(at);
        }
        self.may_search.is_some()
    }

    fn end_part(&mut self, at: usize) {
        self.parts.push(self.part..at);
        self.plan.labels.push(self.labels.drain().map(UniCase::into_inner).collect());
        self.plan.expanded.push(OnceLock::new());
        self.part = at;
    }

    fn read_definitions(&mut self, at: usize) -> Option<usize> {
        let stretch = self.before..cuts::first_of(self.input, at).end;
        let left = self.may_search?.checked_sub(stretch.len())?;
        let text = std::str::from_utf8(self.input.get(stretch)?).ok()?;
        let labels = self.plan.definitions.read(text).ok()?;
        self.labels.extend(labels.into_iter().map(UniCase::new));
        let next = self.finder.find(self.input.get(at..)?);
        self.next_definition = next.map_or(usize::MAX, |offset| at + offset);
        Some(left)
    }

    fn finish(mut self) -> Option<(Vec<Range<usize>>, Plan)> {
        let end = self.input.len();
        if self.parts.is_empty() || !self.cut(end) {
            return None;
        }
        if self.part < end {
            self.end_part(end);
        }
        (self.parts.len() > 1).then_some((self.parts, self.plan))
    }
}

impl<'a> Source<'a> {
    /// Reads a part of `input`.
    pub(in crate::convert) fn part(
        input: &'a [u8],
        split: &Split,
        part: usize,
        plan: &'a Plan,
        options: &ConversionOptions,
    ) -> Result<Self, ConvertError> {
        let range = split.part(part);
        let is_last = part + 1 == split.len();
        let end = if is_last { range.end } else { cuts::first_of(input, range.end).end };
        let bytes = input.get(range.start..end).ok_or_else(inseparable)?;
        let text = std::str::from_utf8(bytes).map_err(|_| inseparable())?;
        let lookup = (!plan.definitions.is_empty()).then_some(Lookup(&plan.definitions));
        let parser = Parser::new_with_broken_link_callback(text, EXTENSIONS, lookup);
        let (Some(labels), Some(expanded)) = (plan.labels.get(part), plan.expanded.get(part)) else {
            return Err(inseparable());
        };
        if !plan.definitions.are_those_of(&parser, labels) {
            return Err(inseparable());
        }
        let bounds = Bounds {
            end: (!is_last).then_some(range.len()),
            is_reached: is_last,
            has_note: false,
            expanded: 0,
            may_expand: text.len().max(FREE_EXPANSION),
            place: expanded,
        };
        Ok(Self { bounds: Some(bounds), ..Self::of(parser, range.start, options) })
    }
}

/// Sees to it that a part ends where it was cut.
#[derive(Debug)]
pub(super) struct Bounds<'a> {
    /// Where it does, from its beginning. `None`: with the document.
    end: Option<usize>,
    is_reached: bool,
    has_note: bool,
    expanded: usize,
    may_expand: usize,
    /// Where to leave what was expanded.
    place: &'a OnceLock<usize>,
}

impl Bounds<'_> {
    /// Whether the event belongs to the part.
    pub(super) fn admits(&mut self, event: &Event<'_>, at: &Range<usize>, depth: usize) -> bool {
        if self.end.is_some_and(|end| depth == 0 && at.start >= end) {
            let begins = matches!(event, Event::Start(Tag::Paragraph | Tag::Heading { .. }));
            self.is_reached = begins && self.end == Some(at.start);
            return false;
        }
        match event {
            Event::Start(Tag::FootnoteDefinition(_)) => self.has_note = true,
            Event::Start(
                Tag::Link { link_type, dest_url, title, .. } | Tag::Image { link_type, dest_url, title, .. },
            ) if is_reference(*link_type) => self.expanded += dest_url.len() + title.len(),
            _ => {}
        }
        !self.has_note
    }

    pub(super) fn finish(&self) -> Result<(), ConvertError> {
        if !self.is_reached || self.has_note || self.expanded >= self.may_expand {
            return Err(inseparable());
        }
        // A part that is read twice expands to the same.
        let _ = self.place.set(self.expanded);
        Ok(())
    }
}

fn is_reference(link: LinkType) -> bool {
    !matches!(link, LinkType::Inline | LinkType::Autolink | LinkType::Email)
}
