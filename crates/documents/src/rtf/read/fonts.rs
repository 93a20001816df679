//! The font table, reduced to code pages.

use std::collections::HashMap;

use super::codepage::CodePage;
use super::symbols::SymbolFont;
use super::word::Word;

/// The maximum length of a font name that is examined, in bytes. Names with a meaning here are
/// shorter.
const LONGEST_NAME: usize = 64;

/// A number that no font has. Its text is in the code page of the document.
pub(super) const NO_FONT: i32 = -1;

/// The code pages of the document and of its fonts.
#[derive(Debug, Clone)]
pub(super) struct Fonts {
    document: CodePage,
    fonts: HashMap<i32, CodePage>,
    /// The font that is being defined, and its name so far.
    current: i32,
    name: String,
    /// Whether `\fcharset` or `\cpg` has set its code page.
    has_charset: bool,
    has_page: bool,
    /// A bit for each of the fonts 0 to 63 that is a symbol font, and whether any other font is
    /// one.
    symbols: u64,
    has_more_symbols: bool,
    /// `\deff`
    pub(super) default_font: i32,
}

impl Fonts {
    pub(super) fn new() -> Self {
        Self {
            document: CodePage::ANSI,
            fonts: HashMap::new(),
            current: NO_FONT,
            name: String::new(),
            has_charset: false,
            has_page: false,
            symbols: 0,
            has_more_symbols: false,
            default_font: NO_FONT,
        }
    }

    /// Executes a control word that sets the document's character set.
    pub(super) fn document_word(&mut self, word: Word, number: Option<i32>) {
        match word {
            Word::Ansi => self.document = CodePage::ANSI,
            Word::Mac => self.document = CodePage::MAC,
            Word::Pc => self.document = CodePage::PC,
            Word::Pca => self.document = CodePage::PCA,
            Word::Ansicpg => {
                if let Some(page) = number.and_then(CodePage::from_number) {
                    self.document = page;
                }
            }
            _ => {}
        }
    }

    /// Begins a font table. Definitions before the first font number are ignored.
    pub(super) fn begin_table(&mut self) {
        self.current = -1;
        self.name.clear();
    }

    /// Executes a control word in `\fonttbl`.
    pub(super) fn table_word(&mut self, word: Word, number: Option<i32>) {
        match (word, number) {
            (Word::F, Some(font)) => {
                self.current = font;
                self.name.clear();
                (self.has_charset, self.has_page) = (false, false);
            }
            // If both are present, the code page is more precise.
            (Word::Fcharset, Some(charset)) if !self.has_page || charset == 2 => {
                // Programs that write UTF-8 declare it once, not for each font.
                self.has_charset = true;
                match CodePage::from_charset(charset) {
                    Some(_) if charset == 0 && self.document.is_utf8() => {}
                    Some(page) => self.set_page(page),
                    None => self.has_charset = false,
                }
            }
            (Word::Cpg, Some(number)) => {
                if let Some(page) = CodePage::from_number(number) {
                    self.has_page = true;
                    self.set_page(page);
                }
            }
            _ => {}
        }
    }

    /// Adds text to a font's name. A semicolon ends the definition. Symbol fonts are recognized by
    /// name, whatever the other properties are.
    pub(super) fn name(&mut self, text: &str) {
        for (i, part) in text.split(';').enumerate() {
            if i > 0 {
                self.define();
            }
            if self.name.len() + part.len() <= LONGEST_NAME {
                self.name.push_str(part);
            }
        }
    }

    fn define(&mut self) {
        let is_told = self.has_charset || self.has_page;
        if let Some(font) = SymbolFont::from_name(&self.name) {
            self.set_page(CodePage::Symbol(font));
        } else if let Some(page) = CodePage::from_font_name(&self.name).filter(|_| !is_told) {
            self.set_page(page);
        }
        self.name.clear();
    }

    fn set_page(&mut self, page: CodePage) {
        self.fonts.insert(self.current, page);
        let is_symbol = matches!(page, CodePage::Symbol(_));
        match u32::try_from(self.current) {
            Ok(font @ 0..64) => {
                self.symbols &= !(1 << font);
                self.symbols |= u64::from(is_symbol) << font;
            }
            _ => self.has_more_symbols |= is_symbol,
        }
    }

    /// Returns the symbol font with that number, if it is one.
    #[inline]
    pub(super) fn symbols(&self, font: i32) -> Option<SymbolFont> {
        let may_be = match font {
            0..64 => self.symbols >> font & 1 == 1,
            _ => self.has_more_symbols,
        };
        match may_be.then(|| self.fonts.get(&font)).flatten()? {
            CodePage::Symbol(font) => Some(*font),
            _ => None,
        }
    }

    /// Returns the code page of text without a font.
    pub(super) fn document(&self) -> CodePage {
        self.document
    }

    /// The approximate number of retained bytes.
    pub(super) fn held(&self) -> usize {
        self.fonts.len() * size_of::<(i32, CodePage)>()
    }

    /// Returns the code page of text in that font.
    pub(super) fn page(&self, font: i32) -> CodePage {
        self.fonts.get(&font).copied().unwrap_or(self.document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_font_without_a_charset_is_in_the_code_page_of_the_document() {
        let mut fonts = Fonts::new();
        fonts.document_word(Word::Ansicpg, Some(1251));
        fonts.table_word(Word::F, Some(3));
        fonts.table_word(Word::Fcharset, Some(161));
        for (font, expected) in [(3, "α"), (4, "б")] {
            let mut text = String::new();
            fonts.page(font).decode(b"\xe1", &mut text);
            assert_eq!(text, expected);
        }
    }
}
