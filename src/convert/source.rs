//! Markdown as a stream of events, with the limits on its nesting.

use std::ops::Range;

use pulldown_cmark::{Event, OffsetIter, Options, Parser};

use super::{ConversionOptions, ConvertError};

/// The events of a Markdown document. Ends early where it nests too deep; [`finish`](Self::finish) tells.
pub(super) struct Source<'a> {
    events: OffsetIter<'a>,
    /// Bytes of the input before the text: a byte order mark.
    skipped: usize,
    depth: usize,
    limit: usize,
    too_deep_at: Option<usize>,
}

impl<'a> Source<'a> {
    /// Reads `input`, which must be UTF-8; a byte order mark is skipped.
    pub(super) fn new(input: &'a [u8], options: &ConversionOptions) -> Result<Self, ConvertError> {
        let text = std::str::from_utf8(input)
            .map_err(|error| ConvertError::NotUtf8 { valid_up_to: error.valid_up_to() })?;
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let extensions = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS;
        Ok(Self {
            events: Parser::new_ext(body, extensions).into_offset_iter(),
            skipped: text.len() - body.len(),
            depth: 0,
            limit: options.max_depth,
            too_deep_at: None,
        })
    }

    /// An error if the events ended because of the nesting.
    pub(super) fn finish(&self) -> Result<(), ConvertError> {
        match self.too_deep_at {
            Some(offset) => Err(ConvertError::TooDeep { limit: self.limit, offset }),
            None => Ok(()),
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
        self.count(&event, &at).then_some(event)
    }
}
