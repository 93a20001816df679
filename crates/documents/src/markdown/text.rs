//! The text of a Markdown document, normalized for the parser.

use std::borrow::Cow;

use memchr::memchr_iter;

use super::reading::Reading;
use millpond_convert::ConvertError;

/// The optional byte order mark before the text.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Text without a byte order mark in which every line ends with a line feed.
///
/// A carriage return also ends a line in CommonMark. The parser searches ahead for the line feed
/// only, once for each line. So each single carriage return is replaced by a line feed. The number
/// of bytes is the same, and offsets remain valid.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    text: Cow<'a, str>,
    /// The offset of the text in the document.
    pub(super) offset: usize,
    /// Whether front matter before the text was skipped.
    pub(crate) has_front_matter: bool,
}

impl<'a> Text<'a> {
    /// The text of a whole document.
    ///
    /// # Errors
    ///
    /// [`ConvertError::NotUtf8`].
    pub(crate) fn new(input: &'a [u8], reading: Reading) -> Result<Self, ConvertError> {
        let text = std::str::from_utf8(input)
            .map_err(|error| ConvertError::NotUtf8 { valid_up_to: error.valid_up_to() })?;
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let front_matter = front_matter(body.as_bytes(), reading, true).unwrap_or(0);
        let body = body.get(front_matter..).unwrap_or_default();
        Ok(Self { has_front_matter: front_matter > 0, ..Self::of(body, text.len() - body.len()) })
    }

    /// A stretch of a document that begins at `offset`.
    pub(super) fn of(text: &'a str, offset: usize) -> Self {
        Self { text: with_line_feeds(text), offset, has_front_matter: false }
    }

    pub(super) fn get(&self) -> &str {
        &self.text
    }
}

/// The maximum length of front matter.
const MOST_FRONT_MATTER: usize = 64 << 10;

/// The length of the front matter at the beginning of a document; 0 without front matter. `None` if
/// more text is needed to decide, which happens only if `is_all` is false.
pub(super) fn front_matter(text: &[u8], reading: Reading, is_all: bool) -> Option<usize> {
    if !reading.extensions.front_matter {
        return Some(0);
    }
    let text = text.get(..MOST_FRONT_MATTER).unwrap_or(text);
    let is_cut = !is_all && text.len() < MOST_FRONT_MATTER;
    let mut lines = text.split_inclusive(|&b| b == b'\n');
    let first = lines.next().unwrap_or_default();
    let fence = match first.trim_ascii_end() {
        fence @ (b"---" | b"+++") if first.len() > 3 => fence,
        // Blanks and a line end may follow.
        start if is_cut && first.len() < 64 && (b"---".starts_with(start) || b"+++".starts_with(start)) => {
            return None;
        }
        _ => return Some(0),
    };
    let mut len = first.len();
    for (number, line) in lines.enumerate() {
        let is_whole = line.ends_with(b"\n") || !is_cut;
        let content = line.trim_ascii_end();
        len += line.len();
        if number > 0 && is_whole && (content == fence || (fence == b"---" && content == b"...")) {
            return Some(len);
        }
        if number == 0 && is_whole && !begins_front_matter(content, fence) {
            return Some(0);
        }
    }
    if is_cut { None } else { Some(0) }
}

/// Whether this may be the first line of front matter: a comment, or a key.
fn begins_front_matter(line: &[u8], fence: &[u8]) -> bool {
    let separator = if fence == b"---" { b':' } else { b'=' };
    let is_key = |b: &u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'"' | b'\'' | b' ') || !b.is_ascii()
    };
    let key = line.iter().take_while(|b| is_key(b)).count();
    line.starts_with(b"#")
        || (fence == b"+++" && line.starts_with(b"["))
        || (key > 0 && line.get(key) == Some(&separator))
}

/// Replaces each single carriage return by a line feed.
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
    use millpond_convert::ConversionOptions;

    fn reading() -> Reading {
        Reading::new(&ConversionOptions::default())
    }

    #[test]
    fn front_matter_is_what_looks_like_it() {
        for (text, rest) in [
            ("---\ntitle: a\n---\nb", "b"),
            ("---  \r\n# c\r\ntitle: a\r\n...\r\n\r\nb", "\r\nb"),
            ("---\n\"title\": a\n---", ""),
            ("+++\ntitle = \"a\"\n+++\nb", "b"),
        ] {
            let len = front_matter(text.as_bytes(), reading(), true).unwrap();
            assert_eq!(&text[len..], rest);
        }
        for other in [
            "---\n\ntitle: a\n---\n",
            "---\ntext\n---\n",
            "---\ntitle: a\n",
            "----\na: b\n---\n",
            " ---\na: b\n---\n",
            "---\n---\n",
            "",
        ] {
            assert_eq!(front_matter(other.as_bytes(), reading(), true), Some(0), "{other}");
        }
        assert_eq!(front_matter(b"---\ntitle: a\n--", reading(), false), None);
        assert_eq!(front_matter(b"--", reading(), false), None);
        assert_eq!(front_matter(b"a", reading(), false), Some(0));
    }

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
        let text = Text::new("\u{feff}a".as_bytes(), reading()).unwrap();
        assert_eq!((text.get(), text.offset), ("a", 3));
        assert!(matches!(Text::new(b"a\xff", reading()), Err(ConvertError::NotUtf8 { valid_up_to: 1 })));
    }
}
