//! The header of a document: the content before its first paragraph, which applies to the whole
//! document.

use bytes::BytesMut;

use super::fonts::Fonts;
use super::lists::Lists;
use super::reader::Reader;
use super::state::Group;
use super::styles::Styles;
use super::token::{Token, Tokens};
use super::word::Word;
use millpond_convert::ConversionOptions;

/// The state that the header defines.
#[derive(Debug)]
pub(super) struct Head {
    /// The state of the outermost group at the start of a paragraph.
    pub(super) group: Group,
    pub(super) fonts: Fonts,
    pub(super) styles: Styles,
    pub(super) lists: Lists,
    /// The end of the header: before the first `\pard` of the outermost group.
    pub(super) end: usize,
}

impl Head {
    /// Reads the header of the document at `start`. `None` if it is longer than `most` bytes or
    /// invalid.
    pub(super) fn read(input: &[u8], start: usize, most: usize, options: &ConversionOptions) -> Option<Self> {
        let mut reader = Reader::new(options, BytesMut::new());
        let mut tokens = Tokens::new(input, start);
        loop {
            let end = tokens.offset();
            let token = tokens.next().filter(|_| end - start <= most)?;
            if matches!(token, Token::Word(Word::Pard, _)) && reader.is_outermost() {
                let (group, default_font) = (reader.group, reader.fonts.default_font);
                return Some(Self {
                    group: group.for_paragraph(default_font),
                    lists: reader.lists.uncounted(),
                    fonts: reader.fonts,
                    styles: reader.styles,
                    end,
                });
            }
            if reader.take(token, tokens.offset()).ok()? || reader.dependencies.has_closed {
                return None;
            }
        }
    }
}
