//! The tokens of RTF, as slices of the input.
//!
//! From the "Rich Text Format (RTF) Specification, Version 1.9.1", section "RTF Syntax". A control
//! word is a backslash, up to 32 letters and an optional signed number; one following space is part
//! of it. A control symbol is a backslash and one other character. Line ends in text have no
//! meaning.

use super::word::Word;

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `{`
    Open,
    /// `}`
    Close,
    /// A known control word, with its number if it has one.
    Word(Word, Option<i32>),
    /// An unknown control word.
    Unknown,
    /// Raw bytes, or an invalid escape: neither text nor a control word.
    Nothing,
    /// `\` and a character other than a letter, except those below.
    Symbol(u8),
    /// `\'hh`: one byte in the code page of the font.
    Hex(u8),
    /// Text without braces, backslashes and line ends. It may contain bytes other than ASCII.
    Text(&'a [u8]),
}

/// Splits the input into tokens. It never fails: invalid input is skipped.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    input: &'a [u8],
    at: usize,
    /// The number of raw bytes that belong to the last token beyond the end of the input.
    beyond: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(input: &'a [u8], at: usize) -> Self {
        Self { input, at, beyond: 0 }
    }

    /// The end of the tokens returned so far, in bytes.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// The number of raw bytes beyond the end of the input that belong to the last token.
    pub(super) fn beyond(&self) -> usize {
        self.beyond
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// Reads bytes while `wanted`, at most `most`.
    fn take_while(&mut self, most: usize, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let len = rest.iter().take(most).position(|&b| !wanted(b)).unwrap_or(rest.len().min(most));
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    /// Reads the token after a backslash.
    fn control(&mut self) -> Option<Token<'a>> {
        match self.peek()? {
            b'\'' => {
                self.at += 1;
                let digits = self.input.get(self.at..self.at + 2).unwrap_or_default();
                if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    // Text follows.
                    return Some(Token::Nothing);
                }
                self.at += 2;
                Some(Token::Hex(digits.iter().fold(0, |n, &b| n << 4 | hex(b))))
            }
            b'a'..=b'z' | b'A'..=b'Z' => Some(self.word()),
            symbol => {
                self.at += 1;
                Some(Token::Symbol(symbol))
            }
        }
    }

    fn word(&mut self) -> Token<'a> {
        let name = self.take_while(32, |b| b.is_ascii_alphabetic());
        let number = self.number();
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        match Word::from_name(name) {
            Some(Word::Bin) => {
                // Raw bytes follow. They are never RTF.
                let len = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
                let left = self.input.len() - self.at;
                // At the end of the input the number, or the space after it, may be incomplete.
                self.beyond = if left > 0 { len.saturating_sub(left) } else { 0 };
                self.at += len.min(left);
                Token::Nothing
            }
            Some(word) => Token::Word(word, number),
            None => Token::Unknown,
        }
    }

    /// Reads the number of a control word. Values out of range saturate.
    fn number(&mut self) -> Option<i32> {
        let negative = self.peek() == Some(b'-');
        let digit_at = self.at + usize::from(negative);
        if !self.input.get(digit_at).is_some_and(u8::is_ascii_digit) {
            return None;
        }
        self.at = digit_at;
        let mut value = 0i32;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.saturating_mul(10).saturating_add(i32::from(digit - b'0'));
            self.at += 1;
        }
        Some(if negative { -value } else { value })
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    #[inline]
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    return Some(Token::Open);
                }
                b'}' => {
                    self.at += 1;
                    return Some(Token::Close);
                }
                b'\\' => {
                    self.at += 1;
                    return self.control();
                }
                b'\r' | b'\n' | 0 => self.at += 1,
                _ => {
                    let text = self.take_while(usize::MAX, |b| !ENDS_TEXT[usize::from(b)]);
                    return Some(Token::Text(text));
                }
            }
        }
    }
}

/// The bytes at which a run of text ends.
const ENDS_TEXT: [bool; 256] = {
    let mut ends = [false; 256];
    ends[b'{' as usize] = true;
    ends[b'}' as usize] = true;
    ends[b'\\' as usize] = true;
    ends[b'\r' as usize] = true;
    ends[b'\n' as usize] = true;
    ends[0] = true;
    ends
};

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20).wrapping_sub(b'a' - 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: &[u8]) -> Vec<Token<'_>> {
        Tokens::new(input, 0).collect()
    }

    #[test]
    fn a_space_after_a_control_word_is_part_of_it() {
        let expected = [Token::Word(Word::B, None), Token::Text(b" x"), Token::Word(Word::B, Some(0))];
        assert_eq!(tokens(b"\\b  x\\b0 "), expected);
    }

    #[test]
    fn numbers_may_be_negative_and_saturate() {
        assert_eq!(tokens(b"\\u-10179?")[0], Token::Word(Word::U, Some(-10179)));
        assert_eq!(tokens(b"\\li99999999999999")[0], Token::Word(Word::Li, Some(i32::MAX)));
        assert_eq!(tokens(b"\\b-x"), [Token::Word(Word::B, None), Token::Text(b"-x")]);
    }

    #[test]
    fn binary_data_is_skipped_even_past_the_end() {
        assert_eq!(tokens(b"\\bin3 }{\\x"), [Token::Nothing, Token::Text(b"x")]);
        assert_eq!(tokens(b"\\bin2147483647 }{\\x"), [Token::Nothing]);
        assert_eq!(tokens(b"\\bin-5 x"), [Token::Nothing, Token::Text(b"x")]);
    }

    #[test]
    fn hex_escapes_need_two_digits() {
        assert_eq!(tokens(b"\\'E9\\'e9"), [Token::Hex(0xe9), Token::Hex(0xe9)]);
        assert_eq!(tokens(b"\\'zz"), [Token::Nothing, Token::Text(b"zz")]);
        assert_eq!(tokens(b"\\'4"), [Token::Nothing, Token::Text(b"4")]);
    }

    #[test]
    fn line_ends_separate_text_and_mean_nothing() {
        assert_eq!(tokens(b"a\r\nb\\\n"), [Token::Text(b"a"), Token::Text(b"b"), Token::Symbol(b'\n')]);
    }

    #[test]
    fn a_lone_backslash_at_the_end_is_no_token() {
        assert_eq!(tokens(b"a\\"), [Token::Text(b"a")]);
    }
}
