//! Writes text as ASCII RTF.

use bytes::BytesMut;

/// Bytes that are not escaped: printable ASCII without braces and backslashes.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut b = b' ';
    while b < 0x7f {
        plain[b as usize] = !matches!(b, b'{' | b'}' | b'\\');
        b += 1;
    }
    plain
};

/// Appends `text`. Characters other than ASCII become `\u` with the fallback `?` for readers
/// without Unicode. Tabs and line ends become their control words. Other control characters are
/// removed.
pub(super) fn write(out: &mut BytesMut, text: &str) {
    let mut rest = text;
    loop {
        let plain = rest.bytes().position(|b| !PLAIN[usize::from(b)]).unwrap_or(rest.len());
        let (before, special) = rest.split_at(plain);
        out.extend_from_slice(before.as_bytes());
        let mut chars = special.chars();
        let Some(c) = chars.next() else { return };
        character(out, c);
        rest = chars.as_str();
    }
}

fn character(out: &mut BytesMut, c: char) {
    match c {
        '{' | '}' | '\\' => out.extend_from_slice(&[b'\\', c as u8]),
        '\t' => out.extend_from_slice(b"\\tab "),
        '\n' => out.extend_from_slice(b"\\line "),
        '\u{a0}' => out.extend_from_slice(b"\\~"),
        '\u{ad}' => out.extend_from_slice(b"\\-"),
        '\u{2011}' => out.extend_from_slice(b"\\_"),
        c if c.is_control() => {}
        c => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // The number is a signed one of 16 bits.
                unicode(out, *unit as i16);
            }
        }
    }
}

/// Writes `\uN?` without the formatting machinery: in some languages this is every character.
fn unicode(out: &mut BytesMut, value: i16) {
    let mut digits = [0; 5];
    let mut left = value.unsigned_abs();
    let mut count = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
        count += 1;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(if value < 0 { b"\\u-" } else { b"\\u" });
    out.extend_from_slice(digits.get(digits.len() - count..).unwrap_or_default());
    out.extend_from_slice(b"?");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rtf(text: &str) -> String {
        let mut out = BytesMut::new();
        write(&mut out, text);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn what_means_something_in_rtf_is_escaped() {
        assert_eq!(rtf("a {b} \\c\td"), "a \\{b\\} \\\\c\\tab d");
    }

    #[test]
    fn characters_beyond_ascii_are_signed_units_of_utf_16() {
        assert_eq!(rtf("é"), "\\u233?");
        assert_eq!(rtf("\u{ffee}"), "\\u-18?");
        assert_eq!(rtf("😀"), "\\u-10179?\\u-8704?");
        assert_eq!(rtf("\u{8000}"), "\\u-32768?");
        assert_eq!(rtf("a\u{a0}b\u{ad}"), "a\\~b\\-");
    }

    #[test]
    fn control_characters_are_left_out() {
        assert_eq!(rtf("a\u{1}\u{7f}\u{85}b\nc"), "ab\\line c");
    }
}
