//! The state that a group saves and restores.

use crate::model::{Align, Flags};

/// The destination of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// The document, or the open footnote.
    Body,
    /// Text is skipped.
    Skip,
    /// Text is skipped, except the Unicode alternative.
    Upr,
    /// Text is skipped, except that of the text box.
    Shape,
    /// The paragraph to which a text box is anchored.
    TextBox,
    FontTable,
    StyleSheet,
    ListTable,
    ListOverrideTable,
    /// The code of a field.
    Instruction,
    /// The number or bullet of a list item.
    Marker,
    /// The text before the items of a list level.
    LevelText,
    /// A form field: text is skipped, except the items of a list.
    FormField,
    FormItem,
    /// A picture: text is skipped, except its description.
    Picture,
    /// The name of a property of a picture or shape, and the value that is the description.
    PropertyName,
    Description,
    /// A formula, its text, its properties, and a mark that is separate from the text.
    Math,
    MathRun,
    MathProperty,
    MathMark,
    /// `\pn`: the obsolete numbering of paragraphs.
    Numbering,
}

impl Destination {
    /// Whether the text is visible, as part of the document or as the label of a paragraph.
    pub(super) fn is_shown(self) -> bool {
        matches!(self, Self::Body | Self::TextBox | Self::Marker | Self::LevelText | Self::MathRun)
    }

    /// Whether this is part of a formula.
    pub(super) fn is_math(self) -> bool {
        matches!(self, Self::Math | Self::MathRun | Self::MathProperty | Self::MathMark)
    }

    /// Whether the text belongs to a paragraph of the document or of a footnote.
    pub(super) fn is_paragraph_text(self) -> bool {
        matches!(self, Self::Body | Self::TextBox)
    }
}

/// The state that `{` saves and `}` restores.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) destination: Destination,
    pub(super) flags: Flags,
    pub(super) font: i32,
    /// The number of fallback bytes after a `\u`.
    pub(super) fallback: u32,
    /// The link, as in a run's style.
    pub(super) link: u32,
    pub(super) paragraph: ParagraphProperties,
}

/// The maximum size of an open group, in bytes. The vector of groups may have twice that capacity.
const MOST_GROUP: usize = 64;
const _: () = assert!(size_of::<Group>() <= MOST_GROUP);

impl Group {
    pub(super) fn new() -> Self {
        Self {
            destination: Destination::Body,
            flags: Flags::default(),
            font: -1,
            fallback: 1,
            link: 0,
            paragraph: ParagraphProperties::default(),
        }
    }

    /// `\plain`: resets all character properties, including hidden and deleted text.
    pub(super) fn plain(&mut self, default_font: i32) {
        self.flags = Flags::default();
        self.font = default_font;
    }

    /// The group at the start of a paragraph that begins with `\\pard\\plain`. No link continues
    /// into it.
    pub(super) fn for_paragraph(mut self, default_font: i32) -> Self {
        self.plain(default_font);
        Self { link: 0, paragraph: ParagraphProperties::default(), ..self }
    }
}

/// The properties of a paragraph that this reader uses. `\pard` resets them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ParagraphProperties {
    pub(super) style: i32,
    /// 1 to 9 as in `\outlinelevel`, but counted from 1; 0 is body text. `None`: the style
    /// determines it.
    pub(super) outline: Option<u8>,
    pub(super) list: i32,
    pub(super) list_level: u8,
    pub(super) numbering: Numbering,
    pub(super) indent: i32,
    pub(super) in_table: bool,
    pub(super) align: Align,
    /// Whether it has a bottom border.
    pub(super) border: bool,
}

/// How a paragraph is numbered by `\pn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Numbering {
    #[default]
    None,
    Bullet,
    /// The start number of the list, and a `\levelnfc` format.
    Number(u32, i32),
}
