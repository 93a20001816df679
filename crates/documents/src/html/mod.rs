//! Markdown to HTML.

mod incremental;

use std::fmt;
use std::ops::Range;

use bytes::BytesMut;

pub(crate) use self::incremental::{FromMarkdown, FromRtf};
use crate::markdown::Text;
use crate::markdown::split::{Plan, Reading, Source};
use millpond_convert::{ConversionOptions, ConvertError};

/// Appends `input` as an HTML fragment to `out`. Raw HTML in the Markdown is passed on as it is.
pub(crate) fn from_markdown(
    input: &[u8],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    let text = Text::new(input)?;
    write(Source::new(&text, Reading::new(options))?, input.len(), options, out)
}

/// Appends a part of `input`.
pub(crate) fn from_part(
    input: &[u8],
    part: usize,
    plan: &Plan,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    let before = out.len();
    let len = plan.parts().get(part).map_or(0, Range::len);
    let text = plan.text(input, part)?;
    write(Source::part(&text, part, plan)?, len, options, out)?;
    // The next part begins on a line of its own, as the first does.
    let is_line_over = out.len() == before || out.ends_with(b"\n");
    if is_line_over { Ok(()) } else { Err(ConvertError::inseparable()) }
}

/// Appends the parts.
pub(crate) fn join(
    plan: &Plan,
    parts: Vec<BytesMut>,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    let len = parts.iter().map(BytesMut::len).sum();
    if !plan.holds() || len > options.max_output {
        return Err(ConvertError::inseparable());
    }
    out.reserve(len);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Ok(())
}

fn write(
    mut source: Source<'_>,
    len: usize,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    // HTML is seldom smaller than its Markdown and mostly less than a quarter larger.
    out.reserve((len + len / 4).min(options.max_output));
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
