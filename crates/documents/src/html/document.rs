//! A Markdown document as an HTML fragment.

use bytes::BytesMut;

use super::headings::Headings;
use super::ids::Ids;
use super::safe::Safe;
use super::writer::Writer;
use crate::markdown::split::Source;
use crate::markdown::{Reading, Text};
use millpond_convert::{
    ConversionOptions, ConvertError, Format, HtmlPolicy, Loss, MarkdownExtensions, Report,
};

/// The options for Markdown that was converted from RTF: all extensions are off, because its text
/// is plain text.
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
) -> Result<Report, ConvertError> {
    let reading = Reading::new(options);
    let text = Text::new(input, reading)?;
    make_room(input.len(), options, out);
    let (mut report, _) = write(Source::new(&text, reading)?, options, out)?;
    if text.has_front_matter {
        report.add(Loss::FrontMatter);
    }
    Ok(report)
}

/// Reserves space for the HTML of `len` bytes of Markdown. This happens before parsing: the
/// parser's memory is then the last allocated, and the allocator can reuse it for the next
/// document.
pub(super) fn make_room(len: usize, options: &ConversionOptions, out: &mut BytesMut) {
    // HTML is rarely smaller than its Markdown, and mostly less than a quarter larger.
    out.reserve((len + len / 4).min(options.max_output));
}

/// Appends the document or the part. Returns its report, and the ids that the join must make
/// unique.
pub(super) fn write(
    mut source: Source<'_>,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(Report, Ids), ConvertError> {
    let before = out.len();
    let headings = Headings::new(options.extensions, source.take_slugs(), before);
    let mut writer = Writer::new(out, headings);
    let mut report = Report::default();
    let is_done = if options.html == HtmlPolicy::Safe {
        let mut safe = Safe::default();
        source = source.without_hidden();
        let is_done = write_events(&mut source, &mut writer, Some(&mut safe), options.max_output);
        report = safe.report;
        source.count_dropped(&mut report);
        is_done
    } else {
        write_events(&mut source, &mut writer, None, options.max_output)
    };
    if !is_done {
        return Err(ConvertError::OutputTooLarge { limit: options.max_output });
    }
    let ids = Ids { ids: writer.headings.ids, len: out.len() - before };
    source.finish()?;
    Ok((report, ids))
}

/// Writes the events. Returns `false` if the output exceeds `limit`.
#[inline(always)]
fn write_events<'a>(
    source: &mut Source<'a>,
    writer: &mut Writer<'_, 'a>,
    mut safe: Option<&mut Safe>,
    limit: usize,
) -> bool {
    let end = writer.out.len().saturating_add(limit);
    source.each(|event| {
        if writer.headings.is_open() {
            writer.headings.follow(event, writer.out);
        }
        if !safe.as_mut().is_some_and(|safe| safe.takes(event, writer)) {
            writer.event(event);
        }
        writer.out.len() <= end
    });
    writer.out.len() <= end
}
