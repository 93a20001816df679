//! Johab, code page 1361: Korean syllables composed of letters of five bits each.
//!
//! From KS X 1001, annex 3. Symbols and Chinese characters are those of EUC-KR, in a different
//! order.

/// The initial letters of syllables, in isolated form.
const INITIALS: [char; 19] = [
    'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ',
    'ㅍ', 'ㅎ',
];

/// The final letters of syllables, in isolated form.
const FINALS: [char; 27] = [
    'ㄱ', 'ㄲ', 'ㄳ', 'ㄴ', 'ㄵ', 'ㄶ', 'ㄷ', 'ㄹ', 'ㄺ', 'ㄻ', 'ㄼ', 'ㄽ', 'ㄾ', 'ㄿ', 'ㅀ', 'ㅁ', 'ㅂ',
    'ㅄ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ',
];

/// Appends `bytes` as Unicode to `text`. Invalid bytes become U+FFFD.
pub(super) fn decode(bytes: &[u8], text: &mut String) {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [] => return,
            [single @ ..0x80, rest @ ..] => {
                text.push(char::from(*single));
                rest
            }
            [lead, trail, rest @ ..] => {
                text.push(pair(*lead, *trail).unwrap_or('\u{fffd}'));
                rest
            }
            [_] => {
                text.push('\u{fffd}');
                return;
            }
        };
    }
}

fn pair(lead: u8, trail: u8) -> Option<char> {
    match lead {
        0x84..=0xd3 => syllable(u16::from_be_bytes([lead, trail])),
        0xd9..=0xde | 0xe0..=0xf9 => other(lead, trail),
        _ => None,
    }
}

fn syllable(bits: u16) -> Option<char> {
    let [initial, medial, last] = [bits >> 10 & 31, bits >> 5 & 31, bits & 31].map(usize::from);
    // 1 and 2 stand for missing letters.
    let initial = (initial != 1).then(|| initial.checked_sub(2).filter(|&at| at < 19));
    let medial = (medial != 2).then_some(match medial {
        3..=7 => Some(medial - 3),
        10..=15 => Some(medial - 5),
        18..=23 => Some(medial - 7),
        26..=29 => Some(medial - 9),
        _ => None,
    });
    let last = (last != 1).then_some(match last {
        2..=17 => Some(last - 2),
        19..=29 => Some(last - 3),
        _ => None,
    });
    match (initial, medial, last) {
        (Some(initial), Some(medial), last) => {
            let last = last.map_or(Some(0), |last| last.map(|at| at + 1))?;
            char::from_u32(0xac00 + ((initial? * 21 + medial?) * 28 + last) as u32)
        }
        (Some(initial), None, None) => INITIALS.get(initial?).copied(),
        (None, Some(medial), None) => char::from_u32(0x314f + medial? as u32),
        (None, None, Some(last)) => FINALS.get(last?).copied(),
        _ => None,
    }
}

/// A symbol or a Chinese character: each row here contains two rows of 94 of EUC-KR.
fn other(lead: u8, trail: u8) -> Option<char> {
    let first = if lead < 0xe0 { 2 * (u16::from(lead) - 0xd9) } else { 2 * u16::from(lead) - 0x197 };
    let at = match trail {
        0x31..=0x7e => u16::from(trail) - 0x31,
        0x91..=0xfe => u16::from(trail) - 0x43,
        _ => return None,
    };
    let row = u8::try_from(first + at / 94 + 0xa1).ok()?;
    let cell = u8::try_from(at % 94 + 0xa1).ok()?;
    let bytes = [row, cell];
    let (text, has_errors) = encoding_rs::EUC_KR.decode_without_bom_handling(&bytes);
    text.chars().next().filter(|_| !has_errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> String {
        let mut text = String::new();
        decode(bytes, &mut text);
        text
    }

    #[test]
    fn syllables_are_put_together_of_letters() {
        assert_eq!(decoded(b"\xd0\x65\x8b\x69 a"), "한글 a");
        assert_eq!(decoded(b"\x88\x41\x84\x61\x84\x42"), "ㄱㅏㄱ");
    }

    #[test]
    fn symbols_and_chinese_characters_are_those_of_euc_kr() {
        assert_eq!(decoded(b"\xd9\x31\xe0\x31"), "\u{3000}伽");
    }

    #[test]
    fn what_is_no_character_is_replaced() {
        assert_eq!(decoded(b"\x80\x41\xd0"), "\u{fffd}\u{fffd}");
        assert_eq!(decoded(b"\xff\xff\xd9\x30a"), "\u{fffd}\u{fffd}a");
    }
}
