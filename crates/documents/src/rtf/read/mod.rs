//! Converts RTF to Markdown: tokens change the state, groups save and restore it, and paragraphs
//! are written.

mod codepage;
mod cuts;
mod decoder;
mod destination;
mod dispatch;
mod dos;
mod eq;
mod extent;
mod field;
mod fonts;
mod form;
mod head;
mod incremental;
mod johab;
#[cfg(test)]
mod kept;
mod labels;
mod linear;
mod links;
mod list_tables;
mod lists;
mod mac;
mod math;
mod paragraph;
mod paragraph_writer;
mod part;
mod picture;
mod reader;
mod state;
mod styles;
mod symbols;
mod text;
mod token;
mod word;

use std::mem;

use bytes::BytesMut;

use self::extent::{has_head, start_of};
pub(crate) use self::incremental::ToMarkdown;
pub(crate) use self::part::{from_part, join, split};
use self::reader::Reader;
use millpond_convert::{ConversionOptions, ConvertError, Loss, Report};

/// Appends the document `input` as Markdown to `out`.
pub(crate) fn to_markdown(
    input: &[u8],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<Report, ConvertError> {
    let start = start_of(input, options)?;
    // The output is a fraction of the input. For most documents a third is enough.
    out.reserve((input.len() / 3).min(options.max_output));
    let mut reader = Reader::new(options, mem::take(out));
    let done = reader.read(input, start);
    *out = reader.redirect(BytesMut::new());
    done?;
    reader.append_notes(out);
    let mut report = reader.report;
    if !has_head(input, start) {
        report.add(Loss::AssumedHead);
    }
    Ok(report)
}
