//! Markdown to HTML.

use std::fmt;

use bytes::BytesMut;

use super::source::Source;
use super::{ConversionOptions, ConvertError};

/// Appends `input` as an HTML fragment to `out`. Raw HTML in the Markdown is passed on as it is.
pub(super) fn from_markdown(
    input: &[u8],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    let mut source = Source::new(input, options)?;
    // HTML is seldom smaller than its Markdown and mostly less than a quarter larger.
    out.reserve((input.len() + input.len() / 4).min(options.max_output));
    let limited = Limited { out, room: options.max_output };
    pulldown_cmark::html::write_html_fmt(limited, source.by_ref())
        .map_err(|fmt::Error| ConvertError::OutputTooLarge { limit: options.max_output })?;
    source.finish()
}

/// Writes straight to the buffer, and fails when the room is used up.
struct Limited<'a> {
    out: &'a mut BytesMut,
    room: usize,
}

impl fmt::Write for Limited<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.room = self.room.checked_sub(text.len()).ok_or(fmt::Error)?;
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
