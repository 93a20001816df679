//! Finds the start of a document, and reports a missing end.

use std::borrow::Cow;

use millpond_convert::{ConversionOptions, ConvertError, Format};

/// The first bytes of a document.
pub(super) const HEAD: &[u8] = b"{\\rtf";

/// Whether the document, which begins at `start`, has its header. A document without it is read in
/// lenient mode only.
pub(super) fn has_head(input: &[u8], start: usize) -> bool {
    input.get(start..).is_some_and(|document| document.starts_with(HEAD))
}

/// Returns the offset of the document.
pub(super) fn start_of(input: &[u8], options: &ConversionOptions) -> Result<usize, ConvertError> {
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

/// The error of a document that ends, at `offset`, before its last brace.
pub(super) fn unclosed(offset: usize) -> ConvertError {
    malformed(offset, "it ends inside a group; the option `lenient` reads what there is")
}

fn malformed(offset: usize, what: &'static str) -> ConvertError {
    ConvertError::Malformed { format: Format::Rtf, offset, what: Cow::Borrowed(what) }
}
