//! Finds the parts of a Markdown document and the definitions in each.

use std::collections::HashSet;
use std::ops::Range;

use unicase::UniCase;

use super::super::reading::Reading;
use super::super::text::{BYTE_ORDER_MARK, front_matter};
use super::cuts;
use super::definitions::{self, Definitions};
use super::part::Plan;

/// The maximum fraction of a document, as a divisor of its length, that may be searched for
/// definitions. That text is parsed twice, the first time by one thread.
const MOST_SEARCHED: usize = 8;

/// Returns a plan with parts of about `chunk_size` bytes, or `None` if there are fewer than two.
pub(crate) fn split(input: &[u8], reading: Reading, chunk_size: usize) -> Option<Plan> {
    if !reading.may_be_cut() {
        return None;
    }
    let start = if input.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let front_matter = front_matter(input.get(start..)?, reading, true).unwrap_or(0);
    let start = start + front_matter;
    let len = input.len() - start;
    let plan = Plan { has_front_matter: front_matter > 0, ..Plan::new(len, Definitions::default(), reading) };
    let may_search = (len / MOST_SEARCHED).max(64 << 10);
    find(input, start..input.len(), chunk_size, plan, may_search)
}

/// Finds the parts in a range of the input, which ends with the document or at a probable cut. At
/// most `may_search` bytes are searched for definitions.
pub(super) fn find(
    input: &[u8],
    range: Range<usize>,
    chunk_size: usize,
    plan: Plan,
    may_search: usize,
) -> Option<Plan> {
    let mut search = Search::new(input, range.clone(), chunk_size, plan, may_search);
    cuts::each(input.get(..range.end)?, range.start, |cut| search.cut(cut));
    search.finish()
}

/// Visits the probable cuts in order and reads the definitions between them.
struct Search<'a> {
    input: &'a [u8],
    end: usize,
    size: usize,
    finder: memchr::memmem::Finder<'static>,
    /// The position of the next possible definition.
    next_definition: usize,
    /// The last probable cut, and the last cut that was used.
    before: usize,
    part: usize,
    plan: Plan,
    labels: HashSet<UniCase<String>>,
    /// How many bytes may still be searched for definitions. `None`: the limit was exceeded, or
    /// definitions differ.
    may_search: Option<usize>,
}

impl<'a> Search<'a> {
    fn new(input: &'a [u8], range: Range<usize>, chunk_size: usize, plan: Plan, may_search: usize) -> Self {
        let Range { start, end } = range;
        let finder = definitions::finder();
        let next = input.get(start..end).and_then(|text| finder.find(text));
        Self {
            input,
            end,
            size: (end - start).div_ceil((end - start).div_ceil(chunk_size.max(1)).max(1)),
            next_definition: next.map_or(usize::MAX, |offset| start + offset),
            finder,
            before: start,
            part: start,
            plan,
            labels: HashSet::new(),
            may_search: Some(may_search),
        }
    }

    /// Handles a probable cut. Returns `false` if the document can't be split.
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
        let labels = self.labels.drain().map(UniCase::into_inner).collect();
        self.plan.push(self.part..at, labels);
        self.part = at;
    }

    fn read_definitions(&mut self, at: usize) -> Option<usize> {
        // The document may continue after the range.
        let stretch = self.before..cuts::first_of(self.input, at).end;
        let left = self.may_search?.checked_sub(stretch.len())?;
        let text = std::str::from_utf8(self.input.get(stretch)?).ok()?;
        let reading = self.plan.reading;
        let labels = self.plan.definitions.read(text, reading).ok()?;
        self.labels.extend(labels.into_iter().map(UniCase::new));
        let next = self.finder.find(self.input.get(at..self.end)?);
        self.next_definition = next.map_or(usize::MAX, |offset| at + offset);
        Some(left)
    }

    fn finish(mut self) -> Option<Plan> {
        let end = self.end;
        if self.plan.parts.is_empty() || !self.cut(end) {
            return None;
        }
        if self.part < end {
            self.end_part(end);
        }
        (self.plan.parts.len() > 1).then_some(self.plan)
    }
}
