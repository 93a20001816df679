//! RTF to Markdown: tokens, the state that groups save and restore, and what paragraphs come of it.

mod codepage;
mod cuts;
mod destination;
mod dos;
mod eq;
mod field;
mod flow;
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
mod part;
mod picture;
mod reader;
mod state;
mod styles;
mod symbols;
mod text;
mod token;
mod word;

use std::borrow::Cow;
use std::mem;

use bytes::BytesMut;

pub(crate) use self::incremental::ToMarkdown;
pub(crate) use self::part::{from_part, join, split};
use self::reader::Reader;
use millpond_convert::{ConversionOptions, ConvertError, Format, Loss, Report};

/// Appends the document `input` as Markdown to `out`.
pub(crate) fn to_markdown(
    input: &[u8],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<Report, ConvertError> {
    let start = start_of(input, options)?;
    // What is left of RTF is a fraction of it; a third is enough for most.
    out.reserve((input.len() / 3).min(options.max_output));
    let mut reader = Reader::new(options, mem::take(out));
    let done = reader.read(input, start);
    *out = reader.redirect(BytesMut::new());
    done?;
    append_notes(&reader.take_notes(), out);
    let mut report = reader.report;
    if !has_head(input, start) {
        report.add(Loss::AssumedHead);
    }
    Ok(report)
}

/// Footnotes are the end of the document.
fn append_notes(notes: &[u8], out: &mut BytesMut) {
    if !notes.is_empty() {
        out.extend_from_slice(b"\n");
        out.extend_from_slice(notes);
    }
}

/// What a document begins with.
const HEAD: &[u8] = b"{\\rtf";

/// Whether the document, which begins at `start`, has its head. One that lacks it is read leniently only.
fn has_head(input: &[u8], start: usize) -> bool {
    input.get(start..).is_some_and(|document| document.starts_with(HEAD))
}

/// Where the document begins.
fn start_of(input: &[u8], options: &ConversionOptions) -> Result<usize, ConvertError> {
    let document = Format::skip_preamble(input);
    let start = input.len() - document.len();
    if document.starts_with(HEAD) {
        return Ok(start);
    }
    match document.first() {
        Some(b'{' | b'\\') if options.lenient => Ok(start),
        Some(b'{' | b'\\') => {
            Err(malformed(start, "it does not begin with {\\rtf; the option `lenient` reads it all the same"))
        }
        _ => Err(malformed(start, "it does not begin with {\\rtf")),
    }
}

/// It ended, at `offset`, before its last brace.
fn unclosed(offset: usize) -> ConvertError {
    malformed(offset, "it ends inside a group; the option `lenient` reads what there is")
}

fn malformed(offset: usize, what: &'static str) -> ConvertError {
    ConvertError::Malformed { format: Format::Rtf, offset, what: Cow::Borrowed(what) }
}
