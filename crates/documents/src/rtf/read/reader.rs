//! The state of the reader, which tokens change.

use bytes::BytesMut;

use super::decoder::Decoder;
use super::fonts::Fonts;
use super::form::Form;
use super::linear::Linear;
use super::links::Links;
use super::lists::Lists;
use super::paragraph_writer::ParagraphWriter;
use super::state::{Destination, Group, ParagraphProperties};
use super::styles::Styles;
use crate::model::{Flags, Link, Style};
use millpond_convert::{ConversionOptions, Report};

/// Reads one document. Groups are on a stack of its own, so that no input can exhaust the thread's.
pub(super) struct Reader {
    pub(super) max_groups: usize,
    /// No brace ends the document, but its end does.
    pub(super) is_lenient: bool,
    pub(super) max_output: usize,
    /// The innermost open group.
    pub(super) group: Group,
    /// Those around it.
    pub(super) stack: Vec<Group>,
    /// The group has been opened just before.
    pub(super) is_first: bool,
    /// The group was opened with `\*` just before: it is dropped if the word that follows isn't
    /// known.
    pub(super) is_ignorable: bool,
    pub(super) decoder: Decoder,
    pub(super) fonts: Fonts,
    pub(super) styles: Styles,
    pub(super) lists: Lists,
    pub(super) links: Links,
    /// The code of the field under way, and what it says of a form.
    pub(super) instruction: String,
    pub(super) form: Form,
    /// A field has shown what its code says, in a group of that depth: its result is not to be
    /// shown.
    pub(super) shown_field: Option<usize>,
    /// The formula under way.
    pub(super) math: Linear,
    /// The property of a picture or shape that is being read.
    pub(super) property: String,
    /// The text of the paragraph's marker, and whether there is one.
    pub(super) marker: String,
    pub(super) has_marker: bool,
    /// What stands before the paragraph that ends, if it is in no list of Markdown's.
    pub(super) label: String,
    /// Where the text of the group goes that `\upr` is in.
    pub(super) around_upr: Destination,
    pub(super) body: ParagraphWriter,
    pub(super) notes: ParagraphWriter,
    /// How many footnotes there are, and how many groups surround the one under way.
    pub(super) note_count: u32,
    pub(super) note_depth: Option<usize>,
    /// The most bytes that there were at a time.
    pub(super) peak: usize,
    /// What only matters if this is a part.
    pub(super) dependencies: PartDependencies,
    /// What was left out, and what was assumed.
    pub(super) report: Report,
    /// Text of this paragraph was left out, and none was shown since.
    pub(super) is_leaving_out: bool,
}

impl Reader {
    /// Appends to `out`.
    pub(super) fn new(options: &ConversionOptions, out: BytesMut) -> Self {
        Self {
            max_groups: options.max_groups,
            is_lenient: options.lenient,
            max_output: options.max_output,
            group: Group::new(),
            stack: Vec::new(),
            is_first: false,
            is_ignorable: false,
            decoder: Decoder::default(),
            fonts: Fonts::new(),
            styles: Styles::default(),
            lists: Lists::default(),
            links: Links::default(),
            instruction: String::new(),
            form: Form::default(),
            shown_field: None,
            math: Linear::default(),
            property: String::new(),
            marker: String::new(),
            has_marker: false,
            label: String::new(),
            around_upr: Destination::Body,
            body: ParagraphWriter::new(out, 0),
            notes: ParagraphWriter::new(BytesMut::new(), 4),
            note_count: 0,
            note_depth: None,
            peak: 0,
            dependencies: PartDependencies::default(),
            report: Report::default(),
            is_leaving_out: false,
        }
    }

    /// How many groups are open.
    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Appends to `out` from here on; returns what it has appended to until now, footnotes aside.
    pub(super) fn redirect(&mut self, out: BytesMut) -> BytesMut {
        self.body.redirect(out)
    }

    /// Appends the footnotes, which are the end of the document.
    pub(super) fn append_notes(&mut self, out: &mut BytesMut) {
        let notes = self.take_notes();
        if !notes.is_empty() {
            out.extend_from_slice(b"\n");
            out.extend_from_slice(&notes);
        }
    }

    /// The footnotes.
    pub(super) fn take_notes(&mut self) -> BytesMut {
        self.notes.redirect(BytesMut::new())
    }

    /// Whether no paragraph has begun, of the text or of a footnote.
    pub(super) fn is_between_paragraphs(&self) -> bool {
        self.body.is_between_paragraphs() && self.notes.is_between_paragraphs()
    }

    /// How much is remembered, in bytes, about.
    pub(super) fn held(&self) -> usize {
        let texts = self.body.waiting() + self.notes.waiting() + self.decoder.waiting() + self.notes.kept();
        let tables = self.fonts.held() + self.styles.held() + self.lists.held();
        let fields = self.instruction.len() + self.form.held() + self.math.held() + self.property.len();
        texts + tables + fields + self.links.held() + self.stack.len() * size_of::<Group>()
    }

    /// Whether the group is the document's own, and what comes next is part of its text.
    pub(super) fn is_outermost(&self) -> bool {
        self.stack.len() == 1
            && self.group.destination == Destination::Body
            && self.note_depth.is_none()
            && !self.is_ignorable
    }

    /// The style of text here.
    pub(super) fn style(&self) -> Style {
        let link = self.links.open(self.group.link);
        // Links are underlined of themselves.
        let flags = self.group.flags;
        let flags = if link == 0 { flags } else { flags.without(Flags::UNDERLINE) };
        Style { flags, link, note: 0 }
    }

    /// Writes the paragraphs of the document, or of the open footnote.
    pub(super) fn writer(&mut self) -> &mut ParagraphWriter {
        if self.note_depth.is_some() { &mut self.notes } else { &mut self.body }
    }

    /// The writer of paragraphs, and the links that they refer to.
    pub(super) fn writer_and_links(&mut self) -> (&mut ParagraphWriter, &[Link]) {
        let writer = if self.note_depth.is_some() { &mut self.notes } else { &mut self.body };
        (writer, self.links.known())
    }

    /// A link is over with its paragraph, so that a long address can't be repeated for each of
    /// many.
    pub(super) fn end_links(&mut self) {
        self.links.end();
        // Nothing that is still to be written may refer to one that is forgotten.
        if self.links.are_many() && self.is_between_paragraphs() {
            self.links.forget();
        }
    }

    /// Whether the group is the document's own, or none: a destination there would take all that
    /// follows.
    pub(super) fn is_root(&self) -> bool {
        self.stack.len() <= 1
    }

    /// The group is a footnote. One within another is part of it.
    pub(super) fn begin_note(&mut self) {
        if self.note_depth.is_some() {
            return;
        }
        self.note_count = self.note_count.saturating_add(1);
        self.body.note_reference(self.note_count);
        self.notes.begin_note(self.note_count);
        self.note_depth = Some(self.stack.len());
        self.group.destination = Destination::Body;
        // It may be in a table or a list, but its paragraphs are not.
        self.group.paragraph = ParagraphProperties::default();
    }
}

/// What dependencies a part of a document to others, beyond the state that is left at its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PartDependencies {
    /// Fonts, styles, lists or the character set were defined, which holds for all that follows.
    pub(super) has_defined: bool,
    /// The outermost group was closed: only where braces may be wrong does anything follow.
    pub(super) has_closed: bool,
    /// A field's code was begun.
    pub(super) has_instruction: bool,
    /// A field's result was met before that: its code may be in the part before.
    pub(super) lacks_instruction: bool,
}
