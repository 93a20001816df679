//! Writes paragraphs of the document, or of its footnotes.

use bytes::BytesMut;

use crate::markdown::write::Blocks;
use crate::model::{Align, Content, Flags, Link, Place, Run, Style};

/// The current paragraph, and the blocks that it is written to.
pub(super) struct ParagraphWriter {
    content: Content,
    /// The style of the text after the last run.
    style: Style,
    blocks: Blocks,
    is_row_open: bool,
    is_table_open: bool,
}

impl ParagraphWriter {
    /// Appends to `out`. Every line is indented by `indent` spaces.
    pub(super) fn new(out: BytesMut, indent: usize) -> Self {
        Self {
            content: Content::default(),
            style: Style::default(),
            blocks: Blocks::new(out, indent),
            is_row_open: false,
            is_table_open: false,
        }
    }

    /// Returns the buffer to which text in `style` is appended.
    pub(super) fn text(&mut self, style: Style) -> &mut String {
        if self.style != style {
            self.content.close_run(self.style);
            self.style = style;
        }
        &mut self.content.text
    }

    /// Writes a reference to a footnote.
    pub(super) fn note_reference(&mut self, number: u32) {
        self.content.close_run(self.style);
        self.content.close_run(Style { note: number, ..Style::default() });
    }

    /// Returns the text so far, with all runs closed.
    pub(super) fn content(&mut self) -> &mut Content {
        self.content.close_run(self.style);
        &mut self.content
    }

    /// Writes the paragraph and begins the next.
    pub(super) fn end_paragraph(&mut self, place: Place, links: &[Link]) {
        self.end_table();
        self.content.close_run(self.style);
        self.blocks.paragraph(place, &mut self.content, links);
        self.content.clear();
    }

    /// Ends a paragraph without visible content.
    pub(super) fn blank_paragraph(&mut self) {
        self.end_table();
        self.content.clear();
        self.blocks.separate();
    }

    pub(super) fn end_cell(&mut self, align: Align, links: &[Link]) {
        self.content.close_run(self.style);
        self.blocks.cell(&mut self.content, align, links);
        self.content.clear();
        self.is_row_open = true;
        self.is_table_open = true;
    }

    pub(super) fn end_row(&mut self, links: &[Link]) {
        if !self.content().is_blank() {
            self.end_cell(Align::None, links);
        }
        self.content.clear();
        if self.is_row_open {
            self.blocks.row();
            self.is_row_open = false;
        }
    }

    /// Ends the table, if one is open. The text so far is not part of it.
    fn end_table(&mut self) {
        if self.is_row_open {
            self.blocks.row();
            self.is_row_open = false;
        }
        if self.is_table_open {
            self.blocks.end_table();
            self.is_table_open = false;
        }
    }

    /// Begins a footnote.
    pub(super) fn begin_note(&mut self, number: u32) {
        self.content.clear();
        self.style = Style { flags: Flags::default(), link: 0, note: 0 };
        self.blocks.begin_note(number);
    }

    /// Ends the document, or one of its footnotes.
    pub(super) fn finish(&mut self) {
        self.end_table();
        self.blocks.finish();
    }

    /// The number of bytes written or pending.
    pub(super) fn written(&self) -> usize {
        self.blocks.written()
    }

    /// The number of bytes read and not written yet.
    pub(super) fn waiting(&self) -> usize {
        self.content.text.len() + self.content.runs.len() * size_of::<Run>() + self.blocks.waiting()
    }

    /// Sets the output to `out` and returns the previous one.
    pub(super) fn redirect(&mut self, out: BytesMut) -> BytesMut {
        self.blocks.redirect(out)
    }

    /// The number of bytes written to the current output.
    pub(super) fn kept(&self) -> usize {
        self.blocks.kept()
    }

    /// Whether no paragraph has begun.
    pub(super) fn is_between_paragraphs(&self) -> bool {
        self.content.text.is_empty() && self.content.runs.is_empty()
    }

    /// Whether the following text is written as at the start of a document, after a blank line if
    /// there is previous output.
    pub(super) fn is_reset(&self) -> bool {
        self.is_between_paragraphs() && !self.is_row_open && !self.is_table_open && self.blocks.is_reset()
    }
}
