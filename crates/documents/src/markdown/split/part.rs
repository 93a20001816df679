//! Parts of a Markdown document: each is read separately, with a proof that the result equals that
//! of the whole.
//!
//! The [cuts] are guesses. A part is read together with the first character of the next part. If a
//! paragraph or heading begins exactly there for the parser, with no open container, the cut is
//! right, provided that the start of the part is right. By induction from the first part, which
//! begins with the document, all cuts are right. All other dependencies between parts are checked:
//! definitions of references must equal those collected before, no part may define a footnote, and
//! no part may reach the parser's limit on the expansion of references.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::super::complexity::MAX_STEPS;
use super::super::reading::Reading;
use super::super::text::Text;
use super::bounds::{Bounds, FREE_EXPANSION};
use super::cuts;
use super::definitions::{Definitions, Lookup};
use super::source::Source;
use millpond_convert::{ConvertError, Loss, Report};

/// The data that the parts of a document share.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The ranges of the parts.
    pub(super) parts: Vec<Range<usize>>,
    pub(super) definitions: Definitions,
    /// The labels that each part defines.
    pub(super) labels: Vec<Vec<String>>,
    /// The number of bytes to which references expand in each part.
    pub(super) expanded: Vec<OnceLock<usize>>,
    /// The steps of each part beyond those of ordinary text, and the sum for all parts read so far.
    pub(super) steps: Vec<OnceLock<usize>>,
    pub(super) all_steps: AtomicUsize,
    pub(super) reading: Reading,
    /// Whether the steps of all parts have been counted and are within the limit.
    pub(super) is_measured: bool,
    /// Whether front matter before the first part was skipped.
    pub(super) has_front_matter: bool,
    /// The length of the document, or of what has been read of it.
    pub(super) len: usize,
    /// Whether the document continues after the last part; and if so, whether any part has a
    /// reference without a definition so far.
    pub(super) goes_on: bool,
    pub(super) has_missed: AtomicBool,
}

impl Plan {
    /// Creates a plan without parts for a document of `len` bytes.
    pub(super) fn new(len: usize, definitions: Definitions, reading: Reading) -> Self {
        Self {
            parts: Vec::new(),
            definitions,
            labels: Vec::new(),
            expanded: Vec::new(),
            steps: Vec::new(),
            all_steps: AtomicUsize::new(0),
            reading,
            is_measured: false,
            has_front_matter: false,
            len,
            goes_on: false,
            has_missed: AtomicBool::new(false),
        }
    }

    /// Adds a part that defines these labels.
    pub(super) fn push(&mut self, part: Range<usize>, labels: Vec<String>) {
        self.parts.push(part);
        self.labels.push(labels);
        self.expanded.push(OnceLock::new());
        self.steps.push(OnceLock::new());
    }

    /// The ranges of the parts.
    pub(crate) fn parts(&self) -> &[Range<usize>] {
        &self.parts
    }

    /// Whether the whole resolves references as its parts did, and is not too complex.
    pub(crate) fn holds(&self) -> bool {
        let sum = |all: usize, part: &OnceLock<usize>| all.checked_add(*part.get()?);
        self.expansion().is_some_and(|all| all < self.len.max(FREE_EXPANSION))
            && self.steps.iter().try_fold(0, sum).is_some_and(|all| all <= MAX_STEPS)
    }

    /// The losses that no part reports.
    pub(crate) fn report(&self) -> Report {
        let mut report = Report::default();
        if self.has_front_matter {
            report.add(Loss::FrontMatter);
        }
        report
    }

    /// Counts the steps of a part before it is read. Fails if the sum of all parts exceeds the
    /// limit.
    fn count(&self, place: &OnceLock<usize>, steps: usize) -> Result<(), ConvertError> {
        // A second reading of the part takes the same steps.
        let is_new = place.set(steps).is_ok();
        let before = self.all_steps.fetch_add(if is_new { steps } else { 0 }, Ordering::Relaxed);
        if before.saturating_add(steps) > MAX_STEPS { Err(ConvertError::inseparable()) } else { Ok(()) }
    }

    /// Whether the part is the last of the document.
    fn is_last(&self, part: usize) -> bool {
        part + 1 == self.parts.len() && !self.goes_on
    }

    /// Returns the text of a part of `input`, and the first character of the next part.
    pub(crate) fn text<'a>(&self, input: &'a [u8], part: usize) -> Result<Text<'a>, ConvertError> {
        let range = self.parts.get(part).ok_or_else(ConvertError::inseparable)?;
        let end = if self.is_last(part) { range.end } else { cuts::first_of(input, range.end).end };
        let bytes = input.get(range.start..end).ok_or_else(ConvertError::inseparable)?;
        let text = std::str::from_utf8(bytes).map_err(|_| ConvertError::inseparable())?;
        Ok(Text::of(text, range.start))
    }

    /// The number of bytes to which references expand. `None` if a part has not been read.
    pub(super) fn expansion(&self) -> Option<usize> {
        self.expanded.iter().try_fold(0, |all: usize, part| all.checked_add(*part.get()?))
    }

    /// Whether a part has a reference that a later part may define.
    pub(super) fn has_missed(&self) -> bool {
        self.has_missed.load(Ordering::Relaxed)
    }
}

impl<'a> Source<'a> {
    /// Reads a part from its [text](Plan::text).
    pub(crate) fn part(text: &'a Text<'_>, part: usize, plan: &'a Plan) -> Result<Self, ConvertError> {
        let (Some(range), Some(labels), Some(expanded), Some(steps)) =
            (plan.parts.get(part), plan.labels.get(part), plan.expanded.get(part), plan.steps.get(part))
        else {
            return Err(ConvertError::inseparable());
        };
        let (is_last, offset, text) = (plan.is_last(part), text.offset, text.get());
        if !plan.is_measured {
            let own = text.get(..range.len()).ok_or_else(ConvertError::inseparable)?;
            plan.count(steps, plan.reading.measure(own, 0, offset)?)?;
        }
        let missed = plan.goes_on.then_some(&plan.has_missed);
        let lookup = Lookup { definitions: &plan.definitions, missed };
        let lookup = (missed.is_some() || !plan.definitions.is_empty()).then_some(lookup);
        let parser = plan.reading.parser(text, lookup);
        if !plan.definitions.are_those_of(&parser, labels) {
            return Err(ConvertError::inseparable());
        }
        let bounds = Bounds {
            end: (!is_last).then_some(range.len()),
            is_reached: is_last,
            may_have_notes: false,
            has_note: false,
            expanded: 0,
            may_expand: text.len().max(FREE_EXPANSION),
            place: expanded,
        };
        Ok(Self::of(parser, text, offset, plan.reading).within(bounds))
    }
}
