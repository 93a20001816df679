//! Escapes text so that Markdown reads it as text.

use bytes::BytesMut;

use crate::byte_table::byte_table;

/// The context of the text, which determines what may be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    Paragraph,
    /// One line only.
    Heading,
    /// One line only, and `|` ends it.
    Cell,
}

/// Characters that may be markup anywhere in a line.
const SPECIAL: [bool; 256] = byte_table(b"\\`*_[]<&~|#$\n\t");

/// Appends `text` to `out`, escaped where necessary. Other text or marks may surround it.
///
/// `at_line_start` is whether the text begins a line. It is set again after a line break at the end
/// of the text. Lines after breaks begin with `prefix`.
pub(super) fn write(
    out: &mut BytesMut,
    text: &str,
    context: Context,
    prefix: &[u8],
    at_line_start: &mut bool,
) {
    let mut rest = text;
    loop {
        if std::mem::take(at_line_start) {
            rest = rest.trim_start_matches([' ', '\t', '\n']);
            if rest.is_empty() {
                *at_line_start = true;
                return;
            }
            rest = line_start(out, rest);
        }
        let Some(end) = rest.find('\n').filter(|_| context == Context::Paragraph) else {
            return line(out, rest, context);
        };
        line(out, rest.get(..end).unwrap_or_default(), context);
        while out.last() == Some(&b' ') {
            out.truncate(out.len() - 1);
        }
        out.extend_from_slice(b"\\\n");
        out.extend_from_slice(prefix);
        *at_line_start = true;
        rest = rest.get(end + 1..).unwrap_or_default();
    }
}

/// Escapes a block marker at the start of a line. Returns the text after it.
fn line_start<'a>(out: &mut BytesMut, text: &'a str) -> &'a str {
    let bytes = text.as_bytes();
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let at = match bytes.first() {
        Some(b'#' | b'>') => 0,
        Some(b'+' | b'-' | b'=' | b':') if !bytes.get(1).is_some_and(u8::is_ascii_alphanumeric) => 0,
        Some(b'0'..=b'9')
            if matches!(bytes.get(digits), Some(b'.' | b')'))
                && !bytes.get(digits + 1).is_some_and(|b| b.is_ascii_alphanumeric()) =>
        {
            digits
        }
        _ => return text,
    };
    let (before, rest) = text.split_at(at);
    let (mark, rest) = rest.split_at(1);
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(b"\\");
    out.extend_from_slice(mark.as_bytes());
    rest
}

/// Writes the rest of a line. In contexts without lines, it writes all of the text, with line ends
/// replaced.
fn line(out: &mut BytesMut, text: &str, context: Context) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) =
        bytes.get(at..).and_then(|rest| rest.iter().position(|&b| SPECIAL[usize::from(b)]))
    {
        at += found;
        let (byte, next) = (bytes.get(at).copied().unwrap_or_default(), bytes.get(at + 1).copied());
        let before = at.checked_sub(1).and_then(|i| bytes.get(i)).copied();
        // The previously written character counts, too.
        let follows_text = |out: &BytesMut| {
            let before = before.or_else(|| out.last().copied().filter(|_| at == 0));
            before.is_some_and(|b| !b.is_ascii_whitespace())
        };
        let written: &[u8] = match byte {
            // A dollar sign after text may end a formula. Without an end, no formula begins.
            b'$' if follows_text(out) => b"\\",
            b'$' => {
                at += 1;
                continue;
            }
            b'\t' => b" ",
            b'\n' if context == Context::Cell => b"<br>",
            b'\n' => b" ",
            _ if needs_escape(byte, before, next, context) => b"\\",
            _ => {
                at += 1;
                continue;
            }
        };
        out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
        out.extend_from_slice(written);
        // White space is replaced. Other characters follow their backslash.
        copied = if byte.is_ascii_whitespace() { at + 1 } else { at };
        at += 1;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
}

/// Whether a special character between those two would be read as markup.
fn needs_escape(byte: u8, before: Option<u8>, next: Option<u8>, context: Context) -> bool {
    match byte {
        b'|' => context == Context::Cell,
        b'#' => context == Context::Heading,
        b'&' => next.is_none_or(|b| b.is_ascii_alphanumeric() || b == b'#'),
        b'<' => next.is_none_or(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!' | b'?')),
        // Between letters it is never a mark.
        b'_' => {
            !matches!((before, next), (Some(a), Some(b)) if a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric())
        }
        _ => true,
    }
}

/// The length of the longest run of `byte`.
pub(super) fn longest_run(text: &str, byte: u8) -> usize {
    let (mut longest, mut run) = (0, 0);
    for b in text.bytes() {
        run = if b == byte { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str, context: Context) -> String {
        let mut out = BytesMut::new();
        write(&mut out, text, context, b"> ", &mut true);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn what_begins_a_block_is_escaped_where_a_line_begins() {
        for (text, expected) in [
            ("# not a heading", "\\# not a heading"),
            ("- no item", "\\- no item"),
            ("12. no item", "12\\. no item"),
            ("1) no item", "1\\) no item"),
            ("> no quote", "\\> no quote"),
            ("---", "\\---"),
            ("=", "\\="),
            (":-:", "\\:-:"),
            ("-5 degrees - 1.5 > 1", "-5 degrees - 1.5 > 1"),
            ("3.14", "3.14"),
        ] {
            assert_eq!(escaped(text, Context::Paragraph), expected);
        }
    }

    #[test]
    fn what_marks_text_is_escaped_anywhere() {
        assert_eq!(
            escaped("a*b_c [d] `e` ~f~ \\", Context::Paragraph),
            "a\\*b_c \\[d\\] \\`e\\` \\~f\\~ \\\\"
        );
        assert_eq!(escaped("_x_ x_y", Context::Paragraph), "\\_x\\_ x_y");
        assert_eq!(escaped("$5 or $6, US$7, $x$", Context::Paragraph), "$5 or $6, US\\$7, $x\\$");
        assert_eq!(
            escaped("AT&T &amp; R & D <b> 1 < 2", Context::Paragraph),
            "AT\\&T \\&amp; R & D \\<b> 1 < 2"
        );
    }

    #[test]
    fn line_breaks_are_what_their_place_allows() {
        assert_eq!(escaped("a \n - b", Context::Paragraph), "a\\\n> \\- b");
        assert_eq!(escaped("a\nb", Context::Heading), "a b");
        assert_eq!(escaped("a\n|", Context::Cell), "a<br>\\|");
    }
}
