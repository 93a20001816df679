//! What a request says, as an answer repeats it: no longer than it must be.

/// The longest `id` of a document that is repeated, in bytes.
pub(crate) const MAX_ID: usize = 256;

/// The longest of any other text that a problem quotes, in bytes.
pub(crate) const MAX_QUOTED: usize = 128;

/// The text, cut to `longest` bytes and an ellipsis.
pub(crate) fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push('…');
        text.shrink_to_fit();
    }
    text
}
