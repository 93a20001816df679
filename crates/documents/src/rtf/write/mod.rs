//! Converts Markdown to RTF with native styles, list tables, fields and footnotes.

mod body;
mod document;
mod events;
mod head;
pub(crate) mod html_block;
mod html_tag;
mod inline;
mod lists;
mod paragraph;
mod parts;
mod style;
mod table;
mod text;

use bytes::BytesMut;

pub(crate) use self::parts::{Plan, from_part, join};
use crate::markdown::split::Source;
use crate::markdown::{Reading, Text};
use millpond_convert::{ConversionOptions, ConvertError, Loss, Report};

/// Appends the document `input` as RTF to `out`.
///
/// The body is written first, because only then are all lists and footnotes known.
pub(crate) fn from_markdown(
    input: &[u8],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<Report, ConvertError> {
    let limit = options.max_output;
    let room = BytesMut::with_capacity((input.len() + input.len() / 2).min(limit));
    let reading = Reading::new(options);
    let text = Text::new(input, reading)?;
    let source = Source::new(&text, reading)?.without_hidden();
    let document = events::write(source, room, limit)?;
    let mut report = document.report.clone();
    if text.has_front_matter {
        report.add(Loss::FrontMatter);
    }
    let before = out.len();
    out.reserve(document.body.len() + document.notes.len() + 4096);
    head::write(out, &document.lists);
    document.assemble(out);
    out.extend_from_slice(b"}\n");
    if out.len() - before > limit {
        return Err(ConvertError::OutputTooLarge { limit });
    }
    Ok(report)
}
