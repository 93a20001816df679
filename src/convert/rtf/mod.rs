//! RTF to Markdown: tokens, the state that groups save and restore, and what paragraphs come of it.

mod codepage;
mod destination;
mod dos;
mod field;
mod flow;
mod fonts;
mod lists;
mod paragraph;
mod reader;
mod state;
mod styles;
mod text;
mod token;
mod word;

use std::borrow::Cow;

use bytes::BytesMut;

use self::reader::Reader;
use super::format::skip_preamble;
use super::{ConversionOptions, ConvertError, Format};

/// Appends the document `input` as Markdown to `out`.
pub(super) fn to_markdown(
    input: &[u8],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    let document = skip_preamble(input);
    let start = input.len() - document.len();
    if !document.starts_with(b"{\\rtf") {
        return Err(malformed(start, "it does not begin with {\\rtf"));
    }
    // What is left of RTF is a fraction of it; a third is enough for most.
    out.reserve((input.len() / 3).min(options.max_output));
    let mut notes = BytesMut::new();
    Reader::new(options, out, &mut notes).read(input, start)?;
    if !notes.is_empty() {
        out.extend_from_slice(b"\n");
        out.extend_from_slice(&notes);
    }
    Ok(())
}

fn malformed(offset: usize, what: &'static str) -> ConvertError {
    ConvertError::Malformed { format: Format::Rtf, offset, what: Cow::Borrowed(what) }
}
