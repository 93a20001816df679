//! The font table, of which only the code pages matter.

use std::collections::HashMap;

use super::codepage::CodePage;
use super::word::Word;

/// The code pages of the document and of its fonts.
#[derive(Debug, Clone)]
pub(super) struct Fonts {
    document: CodePage,
    fonts: HashMap<i32, CodePage>,
    /// The font being defined.
    current: i32,
    /// `\deff`
    pub(super) default_font: i32,
}

impl Fonts {
    pub(super) fn new() -> Self {
        Self { document: CodePage::ANSI, fonts: HashMap::new(), current: -1, default_font: -1 }
    }

    /// A control word that says which character set the document is in.
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

    /// A control word in `\fonttbl`.
    pub(super) fn table_word(&mut self, word: Word, number: Option<i32>) {
        let page = match (word, number) {
            (Word::F, Some(font)) => {
                self.current = font;
                return;
            }
            (Word::Fcharset, Some(charset)) => CodePage::from_charset(charset),
            // Where both are there, the code page is the more exact.
            (Word::Cpg, Some(number)) => CodePage::from_number(number),
            _ => return,
        };
        if let Some(page) = page {
            self.fonts.insert(self.current, page);
        }
    }

    /// How much is remembered, in bytes, about.
    pub(super) fn held(&self) -> usize {
        self.fonts.len() * size_of::<(i32, CodePage)>()
    }

    /// How text in that font is to be read.
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
