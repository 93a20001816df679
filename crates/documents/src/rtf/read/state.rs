//! What a group may change and its end puts back.

use crate::model::{Align, Flags};

/// Where text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// The document, or the footnote under way.
    Body,
    /// Nowhere.
    Skip,
    /// Nowhere, but for the Unicode alternative within.
    Upr,
    /// Nowhere, but for the text of the box within.
    Shape,
    /// The paragraph that a box of text is anchored in.
    TextBox,
    FontTable,
    StyleSheet,
    ListTable,
    ListOverrideTable,
    /// The code of a field.
    Instruction,
    /// The number or bullet of a list item, as text.
    Marker,
    /// What stands before the items of a level of a list.
    LevelText,
    /// What was chosen in a form: nowhere, but for the items of a list.
    FormField,
    FormItem,
    /// A picture: nowhere, but for its description.
    Picture,
    /// The name of a property of a picture or shape, and the value that describes it.
    PropertyName,
    Description,
    /// A formula, the text of one, what else is said of it, and a mark that is told apart from the
    /// text.
    Math,
    MathRun,
    MathProperty,
    MathMark,
    /// The old way to say how a paragraph is numbered.
    Numbering,
}

impl Destination {
    /// Whether the text is shown, as part of the document or as the label of a paragraph.
    pub(super) fn is_shown(self) -> bool {
        matches!(self, Self::Body | Self::TextBox | Self::Marker | Self::LevelText | Self::MathRun)
    }

    /// Whether this is part of a formula.
    pub(super) fn is_math(self) -> bool {
        matches!(self, Self::Math | Self::MathRun | Self::MathProperty | Self::MathMark)
    }

    /// Whether the text is the document's or a footnote's.
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
    /// How many bytes after a `\u` stand for the same character.
    pub(super) fallback: u32,
    /// As in a run's style.
    pub(super) link: u32,
    pub(super) paragraph: ParagraphProperties,
}

/// What a group that is open costs, in bytes, at most; the vector that they are in may have room
/// for as many again.
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

    /// `\plain`: no property of characters goes on, hidden and deleted text included.
    pub(super) fn plain(&mut self, default_font: i32) {
        self.flags = Flags::default();
        self.font = default_font;
    }

    /// The group as a paragraph finds it that begins with `\\pard\\plain`. No link goes on into it.
    pub(super) fn for_paragraph(mut self, default_font: i32) -> Self {
        self.plain(default_font);
        Self { link: 0, paragraph: ParagraphProperties::default(), ..self }
    }
}

/// The properties of a paragraph that this reader looks at; `\pard` puts them back to their defaults.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ParagraphProperties {
    pub(super) style: i32,
    /// 1 to 9 as in `\outlinelevel`, but counted from 1; 0 is body text. `None`: as the style says.
    pub(super) outline: Option<u8>,
    pub(super) list: i32,
    pub(super) list_level: u8,
    pub(super) numbering: Numbering,
    pub(super) indent: i32,
    pub(super) in_table: bool,
    pub(super) align: Align,
    /// A line below it.
    pub(super) border: bool,
}

/// How a paragraph is numbered by `\pn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Numbering {
    #[default]
    None,
    Bullet,
    /// With the number that the list starts at, in a format of `\levelnfc`.
    Number(u32, i32),
}
