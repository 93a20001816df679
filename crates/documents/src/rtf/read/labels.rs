//! Labels of numbered paragraphs: the text that the levels of a list write before them.

use std::fmt::Write;

/// The `\levelnfc` values of the formats that [`push_number`] supports and that `\pn` names.
pub(super) const DECIMAL: i32 = 0;
pub(super) const UPPER_ROMAN: i32 = 1;
pub(super) const LOWER_ROMAN: i32 = 2;
pub(super) const UPPER_LETTER: i32 = 3;
pub(super) const LOWER_LETTER: i32 = 4;
pub(super) const ORDINAL: i32 = 5;
pub(super) const CARDINAL_TEXT: i32 = 6;
pub(super) const ORDINAL_TEXT: i32 = 7;

/// How often a letter is repeated at most: 27 is `aa`. Larger numbers are written in digits.
const MOST_LETTERS: u32 = 8;

/// The largest number that has a Roman numeral.
const LARGEST_ROMAN: u32 = 3999;

/// The kind of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// A bullet.
    Bullet,
    /// One number, optionally followed by a full stop or a parenthesis.
    Number(u32),
    /// Any other label, which Markdown lists do not have.
    Text,
}

impl Label {
    /// Classifies a label. A single letter is a bullet: programs use `o` in a symbol font as one.
    pub(super) fn read(text: &str) -> Self {
        let text = text.trim();
        let digits = text.strip_suffix(['.', ')']).unwrap_or(text);
        if let Ok(number) = digits.parse() {
            if digits.bytes().all(|b| b.is_ascii_digit()) {
                return Self::Number(number);
            }
        }
        let mut chars = text.chars();
        let is_single = chars.next().is_some() && chars.next().is_none();
        if is_single || !text.contains(char::is_alphanumeric) { Self::Bullet } else { Self::Text }
    }
}

/// Appends `number` in a `\levelnfc` format. Returns `false`, and writes digits, if the format is
/// not supported.
pub(super) fn push_number(label: &mut String, format: i32, number: u32) -> bool {
    match format {
        UPPER_ROMAN | LOWER_ROMAN if (1..=LARGEST_ROMAN).contains(&number) => {
            push_roman(label, number, format == UPPER_ROMAN);
        }
        UPPER_LETTER | LOWER_LETTER if (1..=26 * MOST_LETTERS).contains(&number) => {
            let first = if format == UPPER_LETTER { b'A' } else { b'a' };
            let letter = char::from(first + ((number - 1) % 26) as u8);
            label.extend(std::iter::repeat_n(letter, (number - 1) as usize / 26 + 1));
        }
        ORDINAL => push(label, format_args!("{number}{}", ordinal_ending(number))),
        // Full-width digits.
        14 => {
            let start = label.len();
            push(label, format_args!("{number}"));
            let digits = label.split_off(start);
            label.extend(digits.bytes().filter_map(|b| char::from_u32(0xff10 + u32::from(b - b'0'))));
        }
        // Circled numbers.
        18 if (1..=20).contains(&number) => label.extend(char::from_u32(0x2460 + number - 1)),
        22 => push(label, format_args!("{number:02}")),
        57 => push(label, format_args!("- {number} -")),
        _ => {
            push(label, format_args!("{number}"));
            return matches!(format, DECIMAL..=ORDINAL | 18);
        }
    }
    true
}

fn push(label: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string never fails.
    let _ = label.write_fmt(text);
}

fn push_roman(label: &mut String, number: u32, is_upper: bool) {
    const NUMERALS: [(u32, &str, &str); 13] = [
        (1000, "M", "m"),
        (900, "CM", "cm"),
        (500, "D", "d"),
        (400, "CD", "cd"),
        (100, "C", "c"),
        (90, "XC", "xc"),
        (50, "L", "l"),
        (40, "XL", "xl"),
        (10, "X", "x"),
        (9, "IX", "ix"),
        (5, "V", "v"),
        (4, "IV", "iv"),
        (1, "I", "i"),
    ];
    let mut rest = number;
    for (value, upper, lower) in NUMERALS {
        while rest >= value {
            label.push_str(if is_upper { upper } else { lower });
            rest -= value;
        }
    }
}

fn ordinal_ending(number: u32) -> &'static str {
    match (number / 10 % 10, number % 10) {
        (1, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(format: i32, number: u32) -> (String, bool) {
        let mut label = String::new();
        let is_known = push_number(&mut label, format, number);
        (label, is_known)
    }

    #[test]
    fn numbers_are_written_as_their_format_says() {
        for (format, value, expected) in [
            (DECIMAL, 12, "12"),
            (UPPER_ROMAN, 1994, "MCMXCIV"),
            (LOWER_ROMAN, 48, "xlviii"),
            (UPPER_LETTER, 26, "Z"),
            (LOWER_LETTER, 28, "bb"),
            (ORDINAL, 1, "1st"),
            (ORDINAL, 12, "12th"),
            (ORDINAL, 23, "23rd"),
            (14, 10, "１０"),
            (18, 20, "⑳"),
            (22, 7, "07"),
            (57, 3, "- 3 -"),
        ] {
            assert_eq!(number(format, value), (expected.to_owned(), true), "{format} {value}");
        }
    }

    #[test]
    fn numbers_that_a_format_does_not_have_are_in_digits() {
        for format in [UPPER_ROMAN, LOWER_ROMAN, UPPER_LETTER, LOWER_LETTER, 18] {
            for value in [0, 999_999_999] {
                assert_eq!(number(format, value), (value.to_string(), true));
            }
        }
        for format in [CARDINAL_TEXT, ORDINAL_TEXT, 10, 99, -1] {
            assert_eq!(number(format, 3), ("3".to_owned(), false));
        }
    }

    #[test]
    fn labels_are_told_apart() {
        for (text, expected) in [
            ("12)\t", Label::Number(12)),
            ("3", Label::Number(3)),
            ("007.", Label::Number(7)),
            ("(a)", Label::Text),
            ("(1)", Label::Text),
            ("1.2.", Label::Text),
            ("+1.", Label::Text),
            ("99999999999.", Label::Text),
            ("Article 1.", Label::Text),
            ("a.", Label::Text),
            ("\u{2022}\t", Label::Bullet),
            ("-", Label::Bullet),
            ("o", Label::Bullet),
            ("", Label::Bullet),
        ] {
            assert_eq!(Label::read(text), expected, "{text}");
        }
    }
}
