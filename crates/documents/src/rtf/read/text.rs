//! Text: bytes in code pages, Unicode escapes and their fallbacks.

use super::codepage::CodePage;
use super::reader::Reader;
use super::state::Destination;
use super::symbols::list_mark;
use crate::model::Flags;
use millpond_convert::Loss;

/// The maximum length of a list marker that is examined, in bytes.
pub(super) const LONGEST_MARKER: usize = 64;

/// The maximum length of a field's code, in bytes. A longer one is not a hyperlink.
const LONGEST_CODE: usize = 16 * 1024;

/// The maximum length of a description, in bytes.
const LONGEST_DESCRIPTION: usize = 4 * 1024;

impl Reader {
    /// Adds literal text.
    pub(super) fn text(&mut self, bytes: &[u8]) {
        let skipped = bytes.len().min(self.decoder.skip as usize);
        self.decoder.skip -= skipped as u32;
        let bytes = bytes.get(skipped..).unwrap_or_default();
        if bytes.is_empty() {
            return;
        }
        if !self.takes_text() {
            return self.note_left_out();
        }
        let is_plain = self.decoder.pending.is_empty() && bytes.iter().all(|b| matches!(b, b' '..=b'~'));
        match std::str::from_utf8(bytes) {
            Ok(text) if is_plain && !self.is_symbol() => self.push_str(text),
            _ => self.decoder.pending.extend_from_slice(bytes),
        }
    }

    /// `\'hh`
    pub(super) fn byte(&mut self, byte: u8) {
        if self.decoder.skip > 0 {
            self.decoder.skip -= 1;
        } else if self.takes_text() {
            self.decoder.pending.push(byte);
        }
    }

    /// Decodes the pending bytes. This must precede any change of the font.
    #[inline]
    pub(super) fn flush_bytes(&mut self) {
        if !self.decoder.pending.is_empty() {
            self.decode_bytes();
        }
    }

    /// Whether the text is in a symbol font. Names and codes never are.
    fn is_symbol(&self) -> bool {
        self.group.destination.is_shown() && self.fonts.symbols(self.group.font).is_some()
    }

    fn page(&self) -> CodePage {
        match self.fonts.page(self.group.font) {
            CodePage::Symbol(_) if !self.group.destination.is_shown() => self.fonts.document(),
            page => page,
        }
    }

    fn decode_bytes(&mut self) {
        let mut text = String::new();
        self.page().decode(&self.decoder.pending, &mut text);
        self.decoder.pending.clear();
        for c in text.chars() {
            self.push(c);
        }
    }

    /// `\u`. Negative numbers stand for values above 32767. A surrogate pair is one character.
    pub(super) fn unicode(&mut self, value: i32) {
        self.decoder.skip = self.group.fallback;
        if !self.takes_text() {
            return;
        }
        let unit = match u32::try_from(value) {
            Ok(scalar @ 0x1_0000..) => return self.push(char::from_u32(scalar).unwrap_or('\u{fffd}')),
            _ => value as u16,
        };
        match (self.decoder.high.take(), unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                let pair = char::decode_utf16([high, unit]).next();
                self.push(pair.and_then(Result::ok).unwrap_or('\u{fffd}'));
            }
            (high, _) => {
                self.decoder.high = high;
                match unit {
                    0xd800..=0xdbff => {
                        self.end_surrogate();
                        self.decoder.high = Some(unit);
                    }
                    // Word maps glyph positions of symbol fonts to U+F000; other programs do not.
                    0x20..=0xff | 0xf020..=0xf0ff => self.push(self.symbol_at(unit)),
                    _ => self.push(char::from_u32(unit.into()).unwrap_or('\u{fffd}')),
                }
            }
        }
    }

    /// The character of a code unit that may be a glyph position of a symbol font.
    fn symbol_at(&self, unit: u16) -> char {
        let shown = match self.fonts.symbols(self.group.font) {
            Some(font) if self.group.destination.is_shown() => Some(font.character(unit as u8)),
            _ if unit > 0xff => list_mark(unit as u8),
            _ => None,
        };
        shown.or(char::from_u32(unit.into())).unwrap_or('\u{fffd}')
    }

    /// Replaces the half of a surrogate pair without the other half.
    fn end_surrogate(&mut self) {
        if self.decoder.high.take().is_some() {
            self.push('\u{fffd}');
        }
    }

    /// Whether the destination takes text.
    pub(super) fn takes_text(&self) -> bool {
        match self.group.destination {
            Destination::Body | Destination::TextBox => !self.is_hidden(),
            Destination::StyleSheet | Destination::Instruction | Destination::Marker => true,
            Destination::LevelText | Destination::FontTable | Destination::FormItem => true,
            Destination::PropertyName | Destination::Description => true,
            Destination::Math | Destination::MathRun | Destination::MathMark => true,
            _ => false,
        }
    }

    /// Adds a character to the destination. Control characters are removed.
    pub(super) fn push(&mut self, c: char) {
        if self.group.destination == Destination::LevelText {
            return self.lists.level_char(c);
        }
        let c = match c {
            '\u{2028}' | '\u{2029}' => '\n',
            '\t' | '\n' => c,
            '\u{feff}' => return,
            _ if c.is_control() => return,
            _ => c,
        };
        if self.takes_text() {
            if c == '\u{fffd}' && self.group.destination.is_shown() {
                self.report.add(Loss::Character);
            }
            self.push_str(c.encode_utf8(&mut [0; 4]));
        }
    }

    /// Adds text to the paragraph that stands for content other than text.
    pub(super) fn show(&mut self, text: &str) {
        let may_show = match self.group.destination {
            // Pictures and shapes are within a paragraph.
            Destination::Picture | Destination::Shape => true,
            destination => destination.is_paragraph_text(),
        };
        if may_show && !self.is_hidden() && !text.is_empty() {
            self.end_surrogate();
            self.push_to_paragraph(text);
        }
    }

    /// Counts a range of hidden or deleted text: once for each paragraph, and again after visible
    /// text.
    fn note_left_out(&mut self) {
        if !self.group.destination.is_paragraph_text() || self.is_leaving_out {
            return;
        }
        self.is_leaving_out = true;
        let is_deleted = self.group.flags.has(Flags::DELETED);
        self.report.add(if is_deleted { Loss::DeletedText } else { Loss::HiddenText });
    }

    fn is_hidden(&self) -> bool {
        self.group.flags.has(Flags::HIDDEN) || self.group.flags.has(Flags::DELETED)
    }

    fn push_to_paragraph(&mut self, text: &str) {
        self.is_leaving_out = false;
        let style = self.style();
        self.writer().text(style).push_str(text);
    }

    /// Adds text to the name of a property or to a description.
    fn property_text(&mut self, text: &str) {
        if self.property.len() + text.len() <= LONGEST_DESCRIPTION {
            self.property.push_str(text);
        }
    }

    fn push_str(&mut self, text: &str) {
        if self.decoder.high.is_some() {
            self.end_surrogate();
        }
        match self.group.destination {
            Destination::Body | Destination::TextBox => self.push_to_paragraph(text),
            Destination::StyleSheet => self.styles.name(text),
            Destination::Instruction if self.instruction.len() + text.len() <= LONGEST_CODE => {
                self.instruction.push_str(text);
            }
            Destination::Marker => {
                for c in text.chars() {
                    if self.marker.len() >= LONGEST_MARKER {
                        break;
                    }
                    self.marker.push(c);
                }
            }
            Destination::FormItem => self.form.item(text),
            Destination::PropertyName | Destination::Description => self.property_text(text),
            Destination::Math | Destination::MathRun => self.math.push(text),
            Destination::MathMark => text.chars().for_each(|c| self.math.mark(c)),
            Destination::FontTable => self.fonts.name(text),
            Destination::LevelText => text.chars().for_each(|c| self.lists.level_char(c)),
            _ => {}
        }
    }
}
