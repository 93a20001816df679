//! The state of the reader.

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

/// The state of the reader for one document. Groups are on an explicit stack, so no input overflows
/// the thread's stack.
pub(super) struct Reader {
    pub(super) max_groups: usize,
    /// Whether the document ends at the end of the input, and not at a brace.
    pub(super) is_lenient: bool,
    pub(super) max_output: usize,
    /// The innermost open group.
    pub(super) group: Group,
    /// The groups around it.
    pub(super) stack: Vec<Group>,
    /// Whether the previous token opened the group.
    pub(super) is_first: bool,
    /// Whether the group was opened with `\*` directly before. The group is skipped if the next
    /// word is unknown.
    pub(super) is_ignorable: bool,
    pub(super) decoder: Decoder,
    pub(super) fonts: Fonts,
    pub(super) styles: Styles,
    pub(super) lists: Lists,
    pub(super) links: Links,
    /// The code of the current field, and its form properties.
    pub(super) instruction: String,
    pub(super) form: Form,
    /// The depth of a group in a field whose code determines what is shown. Its result is ignored.
    pub(super) shown_field: Option<usize>,
    /// The current formula.
    pub(super) math: Linear,
    /// The property of a picture or shape that is being read.
    pub(super) property: String,
    /// The text of the paragraph's marker, and whether there is one.
    pub(super) marker: String,
    pub(super) has_marker: bool,
    /// The label of the paragraph at its end, if no Markdown list shows it.
    pub(super) label: String,
    /// The destination of the group that contains `\upr`.
    pub(super) around_upr: Destination,
    pub(super) body: ParagraphWriter,
    pub(super) notes: ParagraphWriter,
    /// The number of footnotes, and the number of groups around the open one.
    pub(super) note_count: u32,
    pub(super) note_depth: Option<usize>,
    /// The maximum size of the output so far, in bytes.
    pub(super) peak: usize,
    /// The dependencies of a part of a document on other parts.
    pub(super) dependencies: PartDependencies,
    /// What the output lacks, and what was assumed.
    pub(super) report: Report,
    /// Whether text of this paragraph was skipped, and none was shown since.
    pub(super) is_leaving_out: bool,
}

impl Reader {
    /// Creates a state that appends to `out`.
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

    /// The number of open groups.
    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Sets the output to `out`. Returns the previous one, without footnotes.
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

    /// Returns the footnotes.
    pub(super) fn take_notes(&mut self) -> BytesMut {
        self.notes.redirect(BytesMut::new())
    }

    /// Whether no paragraph has begun in the text or in a footnote.
    pub(super) fn is_between_paragraphs(&self) -> bool {
        self.body.is_between_paragraphs() && self.notes.is_between_paragraphs()
    }

    /// The approximate number of retained bytes.
    pub(super) fn held(&self) -> usize {
        let texts = self.body.waiting() + self.notes.waiting() + self.decoder.waiting() + self.notes.kept();
        let tables = self.fonts.held() + self.styles.held() + self.lists.held();
        let fields = self.instruction.len() + self.form.held() + self.math.held() + self.property.len();
        texts + tables + fields + self.links.held() + self.stack.len() * size_of::<Group>()
    }

    /// Whether the group is the document's own, and the next token is part of its text.
    pub(super) fn is_outermost(&self) -> bool {
        self.stack.len() == 1
            && self.group.destination == Destination::Body
            && self.note_depth.is_none()
            && !self.is_ignorable
    }

    /// The current style of text.
    pub(super) fn style(&self) -> Style {
        let link = self.links.open(self.group.link);
        // Links are always underlined.
        let flags = self.group.flags;
        let flags = if link == 0 { flags } else { flags.without(Flags::UNDERLINE) };
        Style { flags, link, note: 0 }
    }

    /// Writes the paragraphs of the document, or of the open footnote.
    pub(super) fn writer(&mut self) -> &mut ParagraphWriter {
        if self.note_depth.is_some() { &mut self.notes } else { &mut self.body }
    }

    /// Returns the writer of paragraphs, and the links that they refer to.
    pub(super) fn writer_and_links(&mut self) -> (&mut ParagraphWriter, &[Link]) {
        let writer = if self.note_depth.is_some() { &mut self.notes } else { &mut self.body };
        (writer, self.links.known())
    }

    /// Ends all links. A link ends with its paragraph, so that a long address is not repeated for
    /// each of many paragraphs.
    pub(super) fn end_links(&mut self) {
        self.links.end();
        // Pending output must not refer to a forgotten link.
        if self.links.are_many() && self.is_between_paragraphs() {
            self.links.forget();
        }
    }

    /// Whether the group is the document's own, or none is open. A destination set there would
    /// apply to the rest of the document.
    pub(super) fn is_root(&self) -> bool {
        self.stack.len() <= 1
    }

    /// Begins a footnote. A footnote within another is part of it.
    pub(super) fn begin_note(&mut self) {
        if self.note_depth.is_some() {
            return;
        }
        self.note_count = self.note_count.saturating_add(1);
        self.body.note_reference(self.note_count);
        self.notes.begin_note(self.note_count);
        self.note_depth = Some(self.stack.len());
        self.group.destination = Destination::Body;
        // The footnote may be in a table or list, but its paragraphs are not.
        self.group.paragraph = ParagraphProperties::default();
    }
}

/// The dependencies of a part of a document on other parts, beyond the state at its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PartDependencies {
    /// Whether fonts, styles, lists or the character set were defined, which applies to all that
    /// follows.
    pub(super) has_defined: bool,
    /// Whether the outermost group was closed. Only in lenient mode may more follow.
    pub(super) has_closed: bool,
    /// Whether the code of a field has begun.
    pub(super) has_instruction: bool,
    /// Whether the result of a field occurred before any code. Its code may be in the previous
    /// part.
    pub(super) lacks_instruction: bool,
}
