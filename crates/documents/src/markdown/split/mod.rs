//! Markdown as a stream of events, with the limits on its nesting; of a whole document, or of a part.

mod cuts;
mod definitions;
mod fence;
mod html;
mod part;
mod search;
mod window;

use std::ops::Range;

use pulldown_cmark::{Event, OffsetIter, Options, Parser};

pub(super) use self::cuts::begins_text;
use super::complexity::{self, Limits};
use super::text::Text;

use self::definitions::Lookup;
use self::part::Bounds;
pub(crate) use self::part::Plan;
pub(crate) use self::search::split;
pub(crate) use self::window::{Windows, Written};
use millpond_convert::{ConversionOptions, ConvertError};

/// What is read beyond CommonMark.
const EXTENSIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS);

/// How text is read: what goes beyond CommonMark, and how deep it may nest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    extensions: Options,
    max_depth: usize,
}

impl Reading {
    pub(crate) fn new(options: &ConversionOptions) -> Self {
        Self { extensions: EXTENSIONS, max_depth: options.max_depth }
    }

    fn parser<'a>(self, text: &'a str, lookup: Option<Lookup<'a>>) -> Parser<'a, Lookup<'a>> {
        Parser::new_with_broken_link_callback(text, self.extensions, lookup)
    }

    /// Counts what parsing the text takes beyond what ordinary text does, added to `steps`.
    fn measure(self, text: &str, steps: usize, offset: usize) -> Result<usize, ConvertError> {
        complexity::measure(text, Limits { max_depth: self.max_depth, steps, offset })
    }
}

/// The events of a Markdown document. Ends early where it nests too deep; [`finish`](Self::finish) tells.
pub(crate) struct Source<'a> {
    events: OffsetIter<'a, Lookup<'a>>,
    /// Bytes of the input before the text: a byte order mark.
    skipped: usize,
    depth: usize,
    limit: usize,
    too_deep_at: Option<usize>,
    /// Where the part ends, if it is one.
    bounds: Option<Bounds<'a>>,
}

impl<'a> Source<'a> {
    /// Reads a whole document.
    ///
    /// # Errors
    ///
    /// [`ConvertError::TooComplex`], and [`ConvertError::TooDeep`] where that shows before it is parsed.
    pub(crate) fn new(text: &'a Text<'_>, reading: Reading) -> Result<Self, ConvertError> {
        reading.measure(text.get(), 0, text.offset)?;
        Ok(Self::of(reading.parser(text.get(), None), text.offset, reading))
    }

    fn of(parser: Parser<'a, Lookup<'a>>, skipped: usize, reading: Reading) -> Self {
        Self {
            events: parser.into_offset_iter(),
            skipped,
            depth: 0,
            limit: reading.max_depth,
            too_deep_at: None,
            bounds: None,
        }
    }

    /// An error if the events ended because of the nesting, or if the part can't stand alone.
    pub(crate) fn finish(&self) -> Result<(), ConvertError> {
        match (self.too_deep_at, &self.bounds) {
            (Some(offset), _) => Err(ConvertError::TooDeep { limit: self.limit, offset }),
            (None, Some(bounds)) => bounds.finish(),
            (None, None) => Ok(()),
        }
    }

    fn count(&mut self, event: &Event<'_>, at: &Range<usize>) -> bool {
        match event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > self.limit {
            self.too_deep_at = Some(at.start + self.skipped);
        }
        self.too_deep_at.is_none()
    }
}

impl<'a> Iterator for Source<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        if self.too_deep_at.is_some() {
            return None;
        }
        let (event, at) = self.events.next()?;
        if let Some(bounds) = &mut self.bounds {
            if !bounds.admits(&event, &at, self.depth) {
                return None;
            }
        }
        self.count(&event, &at).then_some(event)
    }
}
