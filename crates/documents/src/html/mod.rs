//! Markdown to HTML.

mod ids;
mod incremental;
mod safe;

use std::cell::Cell;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use bytes::BytesMut;

use self::ids::{AllIds, Watched};
pub(crate) use self::incremental::{FromMarkdown, FromRtf};
use self::safe::Safe;
use crate::markdown::Text;
use crate::markdown::split::{self, Reading, Slugs, Source};
use millpond_convert::{ConversionOptions, ConvertError, Format, HtmlPolicy, MarkdownExtensions};

/// What the parts of a document share.
#[derive(Debug)]
pub(crate) struct Plan {
    source: split::Plan,
    ids: AllIds,
}

impl Plan {
    pub(crate) fn new(source: split::Plan) -> Self {
        Self { ids: source.parts().iter().map(|_| OnceLock::new()).collect(), source }
    }
}

/// The options for Markdown that was made of RTF: whatever the text looks like beyond CommonMark is text.
pub(crate) fn options_from_rtf(options: &ConversionOptions) -> ConversionOptions {
    let html = if options.html == HtmlPolicy::Default { HtmlPolicy::Safe } else { options.html };
    let (from, to) = (Some(Format::Markdown), Some(Format::Html));
    ConversionOptions { from, to, html, extensions: MarkdownExtensions::none(), ..options.clone() }
}

/// Appends `input` as an HTML fragment to `out`.
pub(crate) fn from_markdown(
    input: &[u8],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    let reading = Reading::new(options);
    let text = Text::new(input, reading)?;
    write(Source::new(&text, reading)?, input.len(), options, out)
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
    let len = plan.source.parts().get(part).map_or(0, Range::len);
    let text = plan.source.text(input, part)?;
    let mut source = prepared(Source::part(&text, part, &plan.source)?, options);
    let written = Cell::new(0);
    let mut watched = Watched::new(&mut source, &written);
    write_events(&mut watched, &written, len, options, out)?;
    let ids = watched.finish();
    source.finish()?;
    // A part that is converted twice has the same.
    let _ = plan.ids.get(part).map(|place| place.set(ids));
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
    let (before, len) = (out.len(), parts.iter().map(BytesMut::len).sum());
    if !plan.source.holds() || len > options.max_output {
        return Err(ConvertError::inseparable());
    }
    out.reserve(len);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    let is_unique = ids::make_unique(out, before, &plan.ids, &mut Slugs::default());
    if !is_unique || out.len() - before > options.max_output {
        return Err(ConvertError::inseparable());
    }
    Ok(())
}

fn write(
    source: Source<'_>,
    len: usize,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    let mut source = prepared(source, options);
    write_events(&mut source, &Cell::new(0), len, options, out)?;
    source.finish()
}

fn prepared<'a>(source: Source<'a>, options: &ConversionOptions) -> Source<'a> {
    if options.html == HtmlPolicy::Safe { source.without_silent() } else { source }
}

fn write_events<'a>(
    events: impl Iterator<Item = pulldown_cmark::Event<'a>>,
    written: &Cell<usize>,
    len: usize,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    // HTML is seldom smaller than its Markdown and mostly less than a quarter larger.
    out.reserve((len + len / 4).min(options.max_output));
    let limited = Limited { out, written, room: options.max_output };
    let done = if options.html == HtmlPolicy::Safe {
        pulldown_cmark::html::write_html_fmt(limited, Safe::new(events))
    } else {
        pulldown_cmark::html::write_html_fmt(limited, events)
    };
    done.map_err(|fmt::Error| ConvertError::OutputTooLarge { limit: options.max_output })
}

/// Writes straight to the buffer, and fails when the room is used up.
struct Limited<'a> {
    out: &'a mut BytesMut,
    written: &'a Cell<usize>,
    room: usize,
}

impl fmt::Write for Limited<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let written = self.written.get() + text.len();
        if written > self.room {
            return Err(fmt::Error);
        }
        self.written.set(written);
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
