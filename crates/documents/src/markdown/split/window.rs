//! A Markdown document that is read through windows, with a proof that each stretch is read as in
//! the whole.
//!
//! A stretch ends at a probable cut and is read as [parts](super::part) are, with the same proof.
//! The text after the window is unknown, and may affect the stretch in two ways: by definitions of
//! references, and by footnotes. So a stretch with a reference that has no definition so far waits
//! until it has one or until the document ends. A stretch that may contain a footnote waits, too.
//! The parser's limit on the expansion of references grows with the document, so an expansion below
//! the limit for the document so far is below the limit for the whole.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use memchr::memmem;

use super::super::reading::Reading;
use super::super::text::{BYTE_ORDER_MARK, Text, front_matter};
use super::bounds::{Bounds, FREE_EXPANSION};
use super::definitions::{Definitions, Lookup};
use super::part::Plan;
use super::source::Source;
use super::stages::heading::Slugs;
use super::{cuts, search};
use millpond_convert::ConvertError;

/// The maximum number of bytes after a cut needed to see that a block begins there.
const LOOK_AHEAD: usize = 16;

/// The state of the document before the window.
pub(crate) struct Windows {
    definitions: Arc<Definitions>,
    /// The number of bytes to which references have expanded.
    expanded: usize,
    /// The steps of the document so far beyond those of ordinary text, without and with the current
    /// stretch.
    steps: usize,
    next_steps: usize,
    reading: Reading,
    /// The ids of headings so far.
    slugs: Slugs,
    /// The offset of the window in the document.
    offset: usize,
    /// The length of what precedes the text: a byte order mark, front matter.
    head: usize,
    /// Whether that includes front matter.
    has_front_matter: bool,
}

/// The number of bytes to which references expand in the rest of the document, set when it has been
/// written.
pub(crate) type Written = OnceLock<usize>;

impl Windows {
    pub(crate) fn new(reading: Reading) -> Self {
        Self {
            definitions: Arc::default(),
            expanded: 0,
            steps: 0,
            next_steps: 0,
            reading,
            slugs: Slugs::default(),
            offset: 0,
            head: 0,
            has_front_matter: false,
        }
    }

    /// Whether no byte of the document has been consumed.
    pub(crate) fn is_at_start(&self) -> bool {
        self.offset == 0
    }

    /// The approximate number of retained bytes.
    pub(crate) fn held(&self) -> usize {
        self.definitions.bytes() + self.slugs.bytes()
    }

    /// Returns the stretch of the window that can be read now; `None` if more input is needed.
    ///
    /// # Errors
    /// The input is not UTF-8, or is too complex.
    pub(crate) fn stretch(
        &mut self,
        input: &[u8],
        is_last: bool,
    ) -> Result<Option<Range<usize>>, ConvertError> {
        if let Err(error) = std::str::from_utf8(input) {
            if is_last || error.error_len().is_some() {
                return Err(ConvertError::NotUtf8 { valid_up_to: self.offset + error.valid_up_to() });
            }
        }
        if self.is_at_start() {
            let mark = if input.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
            let body = input.get(mark..).unwrap_or_default();
            let Some(front_matter) = front_matter(body, self.reading, is_last) else { return Ok(None) };
            self.head = mark + front_matter;
            self.has_front_matter = front_matter > 0;
        }
        let start = if self.is_at_start() { self.head } else { 0 };
        if !is_last && !self.reading.may_be_cut() {
            return Ok(None);
        }
        let stretch =
            if is_last { Some(start..input.len()) } else { Self::stretch_before_the_end(input, start) };
        if let Some(stretch) = &stretch {
            let text = self.text(input, stretch.clone());
            self.next_steps = self.reading.measure(text.get(), self.steps, text.offset)?;
        }
        Ok(stretch)
    }

    /// The stretch of a window after which the document continues.
    fn stretch_before_the_end(input: &[u8], start: usize) -> Option<Range<usize>> {
        let visible = input.get(..input.len().saturating_sub(LOOK_AHEAD)).unwrap_or_default();
        let mut end = None;
        cuts::each(visible, start, |cut| {
            end = Some(cut);
            true
        });
        let stretch = end.map(|end| start..end);
        // Only the whole document shows whether this is a footnote.
        let has_note = |range: &Range<usize>| memmem::find(&visible[range.clone()], b"[^").is_some();
        stretch.filter(|stretch| !has_note(stretch))
    }

    /// The parts of a stretch, of about `chunk_size` bytes.
    pub(crate) fn in_parts(
        &self,
        input: &[u8],
        stretch: Range<usize>,
        chunk_size: usize,
        is_last: bool,
    ) -> Option<Plan> {
        let plan = Plan { goes_on: !is_last, ..self.plan(stretch.len()) };
        search::find(input, stretch, chunk_size, plan, usize::MAX)
    }

    /// Returns a plan with the stretch as one part, after which the document continues.
    pub(crate) fn in_one(&self, input: &[u8], stretch: Range<usize>) -> Option<Plan> {
        let mut plan = Plan { goes_on: true, ..self.plan(stretch.len()) };
        let seen = stretch.start..cuts::first_of(input, stretch.end).end;
        let text = std::str::from_utf8(input.get(seen)?).ok()?;
        let labels = plan.definitions.read(text, self.reading).ok()?;
        plan.push(stretch, labels);
        Some(plan)
    }

    fn plan(&self, len: usize) -> Plan {
        let definitions = Definitions::after(&self.definitions);
        // Front matter is reported with the first stretch.
        let has_front_matter = self.has_front_matter && self.is_at_start();
        Plan { is_measured: true, has_front_matter, ..Plan::new(len, definitions, self.reading) }
    }

    /// Returns whether the parts, all read by now, are as in the whole. If so, the next window
    /// begins at `end`.
    pub(crate) fn accepts(&mut self, plan: &Plan, end: usize) -> bool {
        let expanded = plan.expansion().map(|bytes| self.expanded.saturating_add(bytes));
        let Some(expanded) = expanded.filter(|&bytes| bytes < self.may_expand(end)) else { return false };
        if plan.has_missed() {
            return false;
        }
        self.expanded = expanded;
        self.steps = self.next_steps;
        self.offset += end;
        if !plan.definitions.is_none_of_its_own() {
            Arc::make_mut(&mut self.definitions).append(plan.definitions.clone().own());
        }
        true
    }

    /// The limit on the expansion of references in a document that ends at `end` of the window, or
    /// later.
    fn may_expand(&self, end: usize) -> usize {
        (self.offset + end - self.head).max(FREE_EXPANSION)
    }

    /// The ids of headings so far.
    pub(crate) fn slugs(&mut self) -> &mut Slugs {
        &mut self.slugs
    }

    /// The text of a stretch.
    pub(crate) fn text<'t>(&self, input: &'t [u8], stretch: Range<usize>) -> Text<'t> {
        let offset = self.offset + stretch.start;
        let text = input.get(stretch).and_then(|text| std::str::from_utf8(text).ok());
        Text::of(text.unwrap_or_default(), offset)
    }

    /// Reads the rest of the document, from its [text](Self::text).
    pub(crate) fn rest<'a>(
        &'a self,
        text: &'a Text<'_>,
        written: &'a Written,
    ) -> Result<Source<'a>, ConvertError> {
        let (skipped, text) = (text.offset, text.get());
        let lookup = Lookup { definitions: &self.definitions, missed: None };
        let lookup = (!self.definitions.is_empty()).then_some(lookup);
        let parser = self.reading.parser(text, lookup);
        if Definitions::after(&self.definitions).define(&parser, |_| ()).is_err() {
            return Err(self.needs_whole("a reference is defined in two ways"));
        }
        let bounds = Bounds {
            end: None,
            is_reached: true,
            may_have_notes: true,
            has_note: false,
            expanded: 0,
            may_expand: text.len().max(FREE_EXPANSION),
            place: written,
        };
        let source = Source::of(parser, text, skipped, self.reading);
        Ok(source.after(self.slugs.clone()).within(bounds))
    }

    /// Ends the document at `end` of the window, if the rest was read as in the whole.
    ///
    /// # Errors
    /// It was not.
    pub(crate) fn finish(&mut self, end: usize, written: &Written) -> Result<(), ConvertError> {
        let expanded = written.get().map(|bytes| self.expanded.saturating_add(*bytes));
        if expanded.is_none_or(|bytes| bytes >= self.may_expand(end)) {
            return Err(self.needs_whole("references expand to more than the parser allows"));
        }
        self.offset += end;
        Ok(())
    }

    fn needs_whole(&self, what: &'static str) -> ConvertError {
        ConvertError::NeedsWhole { offset: self.offset as u64, what: what.into() }
    }
}
