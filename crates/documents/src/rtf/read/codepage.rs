//! Code pages: which one a document or a font is in, and its bytes as Unicode.

use encoding_rs::Encoding;

use super::dos;
use super::symbols::SymbolFont;

/// How bytes above 0x7F, and those that follow them, are to be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum CodePage {
    /// One of the encodings of the web: windows-125x, Shift-JIS, GBK, ...
    Web(&'static Encoding),
    /// One byte a character; ASCII below 0x80.
    Table(&'static [char; 128]),
    /// A font of symbols, whose bytes are places in the font.
    Symbol(SymbolFont),
}

impl CodePage {
    /// What `\ansi` means without `\ansicpg`.
    pub(super) const ANSI: Self = Self::Web(encoding_rs::WINDOWS_1252);
    /// `\mac`
    pub(super) const MAC: Self = Self::Web(encoding_rs::MACINTOSH);
    /// `\pc`
    pub(super) const PC: Self = Self::Table(&dos::CP437);
    /// `\pca`
    pub(super) const PCA: Self = Self::Table(&dos::CP850);

    /// The code page with a number of Windows, as in `\ansicpg` and `\cpg`.
    pub(super) fn from_number(number: i32) -> Option<Self> {
        Some(Self::Web(match number {
            437 => return Some(Self::PC),
            850 => return Some(Self::PCA),
            852 => return Some(Self::Table(&dos::CP852)),
            866 => encoding_rs::IBM866,
            874 => encoding_rs::WINDOWS_874,
            932 => encoding_rs::SHIFT_JIS,
            936 => encoding_rs::GBK,
            949 | 1361 => encoding_rs::EUC_KR,
            950 => encoding_rs::BIG5,
            1250 => encoding_rs::WINDOWS_1250,
            1251 => encoding_rs::WINDOWS_1251,
            1252 => encoding_rs::WINDOWS_1252,
            1253 => encoding_rs::WINDOWS_1253,
            1254 => encoding_rs::WINDOWS_1254,
            1255 => encoding_rs::WINDOWS_1255,
            1256 => encoding_rs::WINDOWS_1256,
            1257 => encoding_rs::WINDOWS_1257,
            1258 => encoding_rs::WINDOWS_1258,
            10000 => encoding_rs::MACINTOSH,
            10007 => encoding_rs::X_MAC_CYRILLIC,
            54936 => encoding_rs::GB18030,
            65001 => encoding_rs::UTF_8,
            _ => return None,
        }))
    }

    /// The code page of a font by its `\fcharset`. `None`: that of the document.
    pub(super) fn from_charset(charset: i32) -> Option<Self> {
        let number = match charset {
            0 => 1252,
            2 => return Some(Self::Symbol(SymbolFont::Unknown)),
            77 => 10000,
            78 | 128 => 932,
            79 | 129 => 949,
            80 | 134 => 936,
            81 | 136 => 950,
            130 => 1361,
            89 => 10007,
            161 => 1253,
            162 => 1254,
            163 => 1258,
            177 => 1255,
            178 => 1256,
            186 => 1257,
            204 => 1251,
            222 => 874,
            238 => 1250,
            254 => 437,
            255 => 850,
            _ => return None,
        };
        Self::from_number(number)
    }

    /// Appends `bytes` as Unicode to `text`. What is no character becomes U+FFFD.
    pub(super) fn decode(self, bytes: &[u8], text: &mut String) {
        match self {
            Self::Web(encoding) => text.push_str(&encoding.decode_without_bom_handling(bytes).0),
            Self::Table(upper) => {
                text.extend(bytes.iter().map(|&b| match upper.get(usize::from(b) ^ 0x80) {
                    Some(&c) if b >= 0x80 => c,
                    _ => char::from(b),
                }))
            }
            Self::Symbol(font) => text.extend(bytes.iter().map(|&b| font.character(b))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(page: Option<CodePage>, bytes: &[u8]) -> String {
        let mut text = String::new();
        page.unwrap().decode(bytes, &mut text);
        text
    }

    #[test]
    fn bytes_mean_what_their_code_page_says() {
        assert_eq!(decoded(CodePage::from_number(1252), b"\xe9\x80"), "é€");
        assert_eq!(decoded(CodePage::from_number(1251), b"\xcf\xf0\xe8"), "При");
        assert_eq!(decoded(CodePage::from_number(437), b"a\x81\xe1"), "aüß");
        assert_eq!(decoded(CodePage::from_number(850), b"\x9b\xd5"), "øı");
        assert_eq!(decoded(Some(CodePage::MAC), b"\x8e"), "é");
        assert_eq!(decoded(CodePage::from_charset(2), b"\xb7a"), "•\u{fffd}");
    }

    #[test]
    fn two_bytes_may_be_one_character() {
        assert_eq!(decoded(CodePage::from_charset(128), b"\x93\xfa\x96\x7ba"), "日本a");
        assert_eq!(decoded(CodePage::from_charset(134), b"\xd6\xd0"), "中");
    }

    #[test]
    fn unknown_numbers_leave_it_to_the_document() {
        assert!(CodePage::from_number(9999).is_none());
        assert!(CodePage::from_charset(1).is_none());
    }
}
