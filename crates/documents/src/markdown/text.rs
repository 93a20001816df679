//! The text of a Markdown document, as the parser wants it.

use std::borrow::Cow;

use memchr::memchr_iter;

use millpond_convert::ConvertError;

/// What may stand before the text.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Text without a byte order mark in which every line ends with a line feed.
///
/// A carriage return ends a line in CommonMark, too. The parser looks for the line feed only where it searches ahead, and does so
/// for each line, so each that is alone becomes one; a byte stays a byte, and offsets hold.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    text: Cow<'a, str>,
    /// Where it begins in the document.
    pub(super) offset: usize,
}

impl<'a> Text<'a> {
    /// The text of a whole document.
    ///
    /// # Errors
    ///
    /// [`ConvertError::NotUtf8`].
    pub(crate) fn new(input: &'a [u8]) -> Result<Self, ConvertError> {
        let text = std::str::from_utf8(input)
            .map_err(|error| ConvertError::NotUtf8 { valid_up_to: error.valid_up_to() })?;
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(Self::of(body, text.len() - body.len()))
    }

    /// A stretch of a document, which begins there.
    pub(super) fn of(text: &'a str, offset: usize) -> Self {
        Self { text: with_line_feeds(text), offset }
    }

    pub(super) fn get(&self) -> &str {
        &self.text
    }
}

/// The text with a line feed for each carriage return that is alone.
fn with_line_feeds(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let is_alone = |&at: &usize| bytes.get(at + 1) != Some(&b'\n');
    let Some(first) = memchr_iter(b'\r', bytes).find(is_alone) else { return Cow::Borrowed(text) };
    let mut owned = String::with_capacity(text.len());
    let mut written = 0;
    for at in
        std::iter::once(first).chain(memchr_iter(b'\r', bytes).filter(|&at| at > first).filter(is_alone))
    {
        owned.push_str(text.get(written..at).unwrap_or_default());
        owned.push('\n');
        written = at + 1;
    }
    owned.push_str(text.get(written..).unwrap_or_default());
    Cow::Owned(owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriage_returns_that_are_alone_become_line_feeds() {
        for (text, expected) in [
            ("a\nb\r\nc", "a\nb\r\nc"),
            ("a\rb\r\r\nc\r", "a\nb\n\r\nc\n"),
            ("", ""),
            ("\r", "\n"),
            ("é\rü", "é\nü"),
        ] {
            assert_eq!(with_line_feeds(text), expected, "{text:?}");
        }
        assert!(matches!(with_line_feeds("a\r\nb"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        let text = Text::new("\u{feff}a".as_bytes()).unwrap();
        assert_eq!((text.get(), text.offset), ("a", 3));
        assert!(matches!(Text::new(b"a\xff"), Err(ConvertError::NotUtf8 { valid_up_to: 1 })));
    }
}
