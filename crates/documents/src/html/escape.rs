//! Escapes HTML's special characters as references, and bytes of addresses in percent encoding.

use bytes::BytesMut;

use crate::byte_table::byte_table;

/// The length of the blocks in which text is scanned.
const BLOCK: usize = 16;

/// Appends text between tags.
#[inline]
pub(super) fn text(out: &mut BytesMut, text: &str) {
    let bytes = text.as_bytes();
    let is_plain = match bytes.last_chunk::<BLOCK>() {
        // The last block may overlap the previous one.
        Some(last) => !has_special(last) && !bytes.chunks_exact(BLOCK).any(has_special),
        None => !bytes.iter().any(|&b| IN_TEXT[usize::from(b)]),
    };
    if is_plain { out.extend_from_slice(bytes) } else { escaped(out, bytes, &IN_TEXT) }
}

/// Appends the value of an attribute, which is between double quotes.
pub(super) fn attribute(out: &mut BytesMut, value: &str) {
    escaped(out, value.as_bytes(), &IN_ATTRIBUTE);
}

/// Appends an address, as the value of an attribute.
pub(super) fn address(out: &mut BytesMut, address: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut rest = address.as_bytes();
    while let Some(at) = rest.iter().position(|&b| !IN_ADDRESS[usize::from(b)]) {
        let (plain, others) = rest.split_at(at);
        out.extend_from_slice(plain);
        match others.first().copied().unwrap_or_default() {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'\'' => out.extend_from_slice(b"&#x27;"),
            b => {
                let digits = [b'%', DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]];
                out.extend_from_slice(&digits);
            }
        }
        rest = others.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// Whether a block has a character to escape. The loop has no branch, so the compiler vectorizes
/// it.
#[inline]
fn has_special(block: &[u8]) -> bool {
    block.iter().fold(false, |found, &b| found | (b == b'<') | (b == b'>') | (b == b'&'))
}

fn escaped(out: &mut BytesMut, mut rest: &[u8], specials: &[bool; 256]) {
    while let Some(at) = rest.iter().position(|&b| specials[usize::from(b)]) {
        let (plain, others) = rest.split_at(at);
        out.extend_from_slice(plain);
        out.extend_from_slice(match others.first().copied().unwrap_or_default() {
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            b'\'' => b"&#39;",
            _ => b"&amp;",
        });
        rest = others.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

const IN_TEXT: [bool; 256] = byte_table(b"<>&");
const IN_ATTRIBUTE: [bool; 256] = byte_table(b"<>&\"'");

/// Bytes that are not encoded in an address.
const IN_ADDRESS: [bool; 256] =
    byte_table(b"!#$%()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ^_abcdefghijklmnopqrstuvwxyz~");

#[cfg(test)]
mod tests {
    use super::*;

    fn of(write: impl Fn(&mut BytesMut, &str), text: &str) -> String {
        let mut out = BytesMut::new();
        write(&mut out, text);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn special_characters_are_references() {
        let plain = "a \"plain\" line of text, 'longer' than a block: é";
        assert_eq!(of(text, plain), plain);
        for at in 0..40 {
            let (before, after) = ("x".repeat(at), "y".repeat(40 - at));
            assert_eq!(of(text, &format!("{before}<{after}")), format!("{before}&lt;{after}"));
            assert_eq!(of(text, &format!("{before}>&{after}")), format!("{before}&gt;&amp;{after}"));
        }
        assert_eq!(of(attribute, "a\"b'c<>&"), "a&quot;b&#39;c&lt;&gt;&amp;");
    }

    #[test]
    fn every_byte_of_an_address_is_what_pulldown_cmark_makes_of_it() {
        let all: String = (' '..='\u{ff}').filter(|c| !"<>\\".contains(*c)).collect();
        let all = all.replace('&', "&amp;");
        let markdown = format!("[a](<{all}>)");
        let mut expected = String::new();
        pulldown_cmark::html::push_html(&mut expected, pulldown_cmark::Parser::new(&markdown));
        let unescaped = all.replace("&amp;", "&");
        assert_eq!(format!("<p><a href=\"{}\">a</a></p>\n", of(address, &unescaped)), expected);
    }
}
