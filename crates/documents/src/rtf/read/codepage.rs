//! Code pages: the encoding of a document or a font, and its conversion to Unicode.

use encoding_rs::Encoding;

use super::symbols::SymbolFont;
use super::{dos, johab, mac};

/// The encoding of bytes above 0x7F and of the bytes that follow them.
#[derive(Debug, Clone, Copy)]
pub(super) enum CodePage {
    /// An encoding of the web: windows-125x, Shift-JIS, GBK, ...
    Web(&'static Encoding),
    /// A single-byte encoding; ASCII below 0x80.
    Table(&'static [char; 128]),
    /// Johab, an encoding of Korean.
    Johab,
    /// An unsupported encoding; ASCII below 0x80.
    Unknown,
    /// A symbol font: bytes are glyph positions.
    Symbol(SymbolFont),
}

impl CodePage {
    /// The code page of `\ansi` without `\ansicpg`.
    pub(super) const ANSI: Self = Self::Web(encoding_rs::WINDOWS_1252);
    /// `\mac`
    pub(super) const MAC: Self = Self::Web(encoding_rs::MACINTOSH);
    /// `\pc`
    pub(super) const PC: Self = Self::Table(&dos::CP437);
    /// `\pca`
    pub(super) const PCA: Self = Self::Table(&dos::CP850);

    /// The code page with a Windows number, as in `\ansicpg` and `\cpg`. 16-bit programs write it
    /// with a sign.
    pub(super) fn from_number(number: i32) -> Option<Self> {
        let number = if (-0x8000..0).contains(&number) { number + 0x1_0000 } else { number };
        Self::of_dos(number).or_else(|| Self::of_mac(number)).or_else(|| Self::of_windows(number))
    }

    fn of_dos(number: i32) -> Option<Self> {
        Some(Self::Table(match number {
            // Windows's number for the OEM code page of the system.
            1 | 437 => &dos::CP437,
            720 => &dos::CP720,
            737 => &dos::CP737,
            775 => &dos::CP775,
            850 => &dos::CP850,
            852 => &dos::CP852,
            855 => &dos::CP855,
            857 => &dos::CP857,
            858 => &dos::CP858,
            860 => &dos::CP860,
            861 => &dos::CP861,
            862 => &dos::CP862,
            863 => &dos::CP863,
            864 => &dos::CP864,
            865 => &dos::CP865,
            869 => &dos::CP869,
            _ => return None,
        }))
    }

    fn of_mac(number: i32) -> Option<Self> {
        Some(match number {
            2 | 10000 => Self::MAC,
            10001 => Self::Web(encoding_rs::SHIFT_JIS),
            10002 => Self::Web(encoding_rs::BIG5),
            10003 => Self::Web(encoding_rs::EUC_KR),
            10004 => Self::Table(&mac::ARABIC),
            10006 => Self::Table(&mac::GREEK),
            10007 | 10017 => Self::Web(encoding_rs::X_MAC_CYRILLIC),
            10008 => Self::Web(encoding_rs::GBK),
            10010 => Self::Table(&mac::ROMANIAN),
            // Thai letters have the same positions.
            10021 => Self::Web(encoding_rs::WINDOWS_874),
            10029 => Self::Table(&mac::CENTRAL),
            10079 => Self::Table(&mac::ICELANDIC),
            10081 => Self::Table(&mac::TURKISH),
            10082 => Self::Table(&mac::CROATIAN),
            _ => return None,
        })
    }

    fn of_windows(number: i32) -> Option<Self> {
        Some(Self::Web(match number {
            0 | 819 | 1252 | 20127 | 28591 => encoding_rs::WINDOWS_1252,
            708 | 28596 => encoding_rs::ISO_8859_6,
            866 => encoding_rs::IBM866,
            874 | 28601 => encoding_rs::WINDOWS_874,
            932 => encoding_rs::SHIFT_JIS,
            936 | 20936 | 51936 => encoding_rs::GBK,
            949 | 20949 | 51949 => encoding_rs::EUC_KR,
            950 => encoding_rs::BIG5,
            1250 => encoding_rs::WINDOWS_1250,
            1251 => encoding_rs::WINDOWS_1251,
            1253 => encoding_rs::WINDOWS_1253,
            1254 | 28599 => encoding_rs::WINDOWS_1254,
            1255 => encoding_rs::WINDOWS_1255,
            1256 => encoding_rs::WINDOWS_1256,
            1257 => encoding_rs::WINDOWS_1257,
            1258 => encoding_rs::WINDOWS_1258,
            1361 => return Some(Self::Johab),
            20866 => encoding_rs::KOI8_R,
            21866 => encoding_rs::KOI8_U,
            20932 | 51932 => encoding_rs::EUC_JP,
            28592 => encoding_rs::ISO_8859_2,
            28593 => encoding_rs::ISO_8859_3,
            28594 => encoding_rs::ISO_8859_4,
            28595 => encoding_rs::ISO_8859_5,
            28597 => encoding_rs::ISO_8859_7,
            28598 => encoding_rs::ISO_8859_8,
            28600 => encoding_rs::ISO_8859_10,
            28603 => encoding_rs::ISO_8859_13,
            28604 => encoding_rs::ISO_8859_14,
            28605 => encoding_rs::ISO_8859_15,
            28606 => encoding_rs::ISO_8859_16,
            54936 => encoding_rs::GB18030,
            65001 => encoding_rs::UTF_8,
            // Arabic and Hebrew of other vendors, and Indian scripts: their letters have different
            // positions.
            709..=711 | 10005 | 57002..=57011 => return Some(Self::Unknown),
            _ => return None,
        }))
    }

    /// The code page of a font from its `\fcharset`. `None`: the document's code page.
    pub(super) fn from_charset(charset: i32) -> Option<Self> {
        let charset = if (-0x80..0).contains(&charset) { charset + 0x100 } else { charset };
        let number = match charset {
            0 => 1252,
            2 => return Some(Self::Symbol(SymbolFont::Unknown)),
            77 => 10000,
            78 => 10001,
            79 => 10003,
            80 => 10008,
            81 => 10002,
            82 | 130 => 1361,
            83 => 10005,
            84 => 10004,
            85 => 10006,
            86 => 10081,
            87 => 10021,
            88 => 10029,
            89 => 10007,
            128 => 932,
            129 => 949,
            134 => 936,
            136 => 950,
            161 => 1253,
            162 => 1254,
            163 => 1258,
            177 | 181 => 1255,
            178..=180 => 1256,
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

    /// The code page of a font from the suffix of its name, which Windows uses for other scripts.
    pub(super) fn from_font_name(name: &str) -> Option<Self> {
        let script = name.trim().rsplit(' ').next()?;
        let number = match script.to_ascii_lowercase().as_str() {
            "ce" => 1250,
            "cyr" => 1251,
            "greek" => 1253,
            "tur" => 1254,
            "(hebrew)" => 1255,
            "(arabic)" => 1256,
            "baltic" => 1257,
            "(vietnamese)" => 1258,
            _ => return None,
        };
        Self::from_number(number).filter(|_| name.trim().contains(' '))
    }

    pub(super) fn is_utf8(self) -> bool {
        matches!(self, Self::Web(encoding) if encoding == encoding_rs::UTF_8)
    }

    /// Appends `bytes` as Unicode to `text`. Invalid bytes become U+FFFD.
    pub(super) fn decode(self, bytes: &[u8], text: &mut String) {
        match self {
            Self::Web(encoding) => text.push_str(&encoding.decode_without_bom_handling(bytes).0),
            Self::Table(upper) => {
                text.extend(bytes.iter().map(|&b| match upper.get(usize::from(b) ^ 0x80) {
                    Some(&c) if b >= 0x80 => c,
                    _ => char::from(b),
                }))
            }
            Self::Johab => johab::decode(bytes, text),
            Self::Unknown => {
                text.extend(bytes.iter().map(|&b| if b < 0x80 { char::from(b) } else { '\u{fffd}' }));
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
    fn every_code_page_of_the_specification_is_read() {
        for (number, bytes, expected) in [
            (437, &b"\x81"[..], "ü"),
            (708, b"\xc7", "ا"),
            (720, b"\x9f", "ا"),
            (819, b"\xe9", "é"),
            (850, b"\x9b", "ø"),
            (852, b"\xa5", "ą"),
            (860, b"\x84", "ã"),
            (862, b"\x80", "א"),
            (863, b"\x82", "é"),
            (864, b"\xc7", "\u{fe8d}"),
            (865, b"\x9b", "ø"),
            (866, b"\x80", "А"),
            (874, b"\xa1", "ก"),
            (932, b"\x93\xfa", "日"),
            (936, b"\xd6\xd0", "中"),
            (949, b"\xc7\xd1", "한"),
            (950, b"\xa4\xa4", "中"),
            (1250, b"\xb9", "ą"),
            (1251, b"\xe1", "б"),
            (1253, b"\xe1", "α"),
            (1254, b"\xf0", "ğ"),
            (1255, b"\xe0", "א"),
            (1256, b"\xc7", "ا"),
            (1257, b"\xe0", "ą"),
            (1258, b"\xf5", "ơ"),
            (1361, b"\xd0\x65", "한"),
            (10000, b"\x8e", "é"),
            (10001, b"\x93\xfa", "日"),
            (10004, b"\xc7", "ا"),
            (10006, b"\xe1", "α"),
            (10007, b"\x80", "А"),
            (10029, b"\x88", "ą"),
            (10081, b"\xdb", "ğ"),
            (20866, b"\xc1", "а"),
            (21866, b"\xa4", "є"),
            (28592, b"\xb1", "ą"),
            (28605, b"\xa4", "€"),
            (51932, b"\xc6\xfc", "日"),
            (54936, b"\xd6\xd0", "中"),
            (65001, b"\xc3\xa9", "é"),
            (57002, b"a\xb3", "a\u{fffd}"),
        ] {
            assert_eq!(decoded(CodePage::from_number(number), bytes), expected, "{number}");
            if number > 0x7fff {
                assert_eq!(decoded(CodePage::from_number(number - 0x1_0000), bytes), expected, "{number}");
            }
        }
    }

    #[test]
    fn every_character_set_of_fonts_has_a_code_page() {
        for charset in [
            0, 2, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 128, 129, 130, 134, 136, 161, 162, 163,
            177, 178, 179, 180, 181, 186, 204, 222, 238, 254, 255,
        ] {
            assert!(CodePage::from_charset(charset).is_some(), "{charset}");
        }
        assert_eq!(decoded(CodePage::from_charset(204 - 256), b"\xe1"), "б");
        assert_eq!(decoded(CodePage::from_font_name("Arial CYR"), b"\xe1"), "б");
        assert!(CodePage::from_font_name("Greek").is_none());
    }

    #[test]
    fn unknown_numbers_leave_it_to_the_document() {
        assert!(CodePage::from_number(9999).is_none());
        assert!(CodePage::from_charset(1).is_none());
        assert!(CodePage::from_number(i32::MIN).is_none());
        assert!(CodePage::from_charset(i32::MIN).is_none());
    }
}
