//! Writes blocks: the prefix of each line, and the separation of paragraphs.

use bytes::BytesMut;

use super::emphasis::Scratch;
use super::escape::{self, Context};
use super::inline;
use super::items::{Items, Marker};
use super::table::Table;
use crate::model::{Align, Content, Item, Kind, Link, Place};

/// Writes paragraphs to one output.
pub(crate) struct Blocks {
    out: BytesMut,
    /// The initial length of `out`.
    start: usize,
    /// The number of bytes written to previous outputs.
    taken: usize,
    /// The indent of every line, in spaces; used for footnotes.
    indent: usize,
    quote: u8,
    items: Items,
    /// The prefix of each line at present.
    prefix: Vec<u8>,
    /// The kind of block that was written last.
    last: Last,
    /// Lines of code that have not been written yet, and their place.
    code: String,
    code_place: Option<Place>,
    table: Table,
    scratch: Scratch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing: the next block begins without separation.
    Nothing,
    /// The label of a footnote, on the line on which its text begins.
    Label,
    Item,
    Block,
}

impl Blocks {
    /// Appends to `out`; every line is indented by `indent` spaces.
    pub(crate) fn new(out: BytesMut, indent: usize) -> Self {
        Self {
            start: out.len(),
            out,
            taken: 0,
            indent,
            quote: 0,
            items: Items::default(),
            prefix: vec![b' '; indent],
            last: Last::Nothing,
            code: String::new(),
            code_place: None,
            table: Table::default(),
            scratch: Scratch::default(),
        }
    }

    /// Writes a paragraph of any kind. `content` is normalized.
    pub(crate) fn paragraph(&mut self, place: Place, content: &mut Content, links: &[Link]) {
        if place.kind == Kind::Code {
            return self.code_line(place, &content.text);
        }
        self.end_code();
        match place.kind {
            Kind::Item(item) => self.item(item, place, content, links),
            Kind::Heading(level) => {
                self.begin_block(place);
                self.out.extend_from_slice(b"######".get(..usize::from(level)).unwrap_or(b"######"));
                self.out.extend_from_slice(b" ");
                self.inline(content, links, Context::Heading);
                self.end_line(Last::Block);
            }
            Kind::Rule => {
                self.begin_block(place);
                self.out.extend_from_slice(b"---");
                self.end_line(Last::Block);
            }
            Kind::Labelled(item) => {
                self.enter_quote(place.quote);
                self.items.close_to_item(item);
                self.begin_line(false);
                self.inline(content, links, Context::Paragraph);
                self.end_line(Last::Block);
            }
            Kind::Body | Kind::Code => {
                self.begin_block(place);
                self.inline(content, links, Context::Paragraph);
                self.end_line(Last::Block);
            }
        }
    }

    /// Ends the current block: the next paragraph belongs to another one.
    pub(crate) fn separate(&mut self) {
        self.end_code();
    }

    /// Adds a cell to the open row.
    pub(crate) fn cell(&mut self, content: &mut Content, align: Align, links: &[Link]) {
        self.table.cell(content, align, links, &mut self.scratch);
    }

    /// Ends a row.
    pub(crate) fn row(&mut self) {
        self.table.row();
    }

    /// Ends a table and writes it: only now is its width known.
    pub(crate) fn end_table(&mut self) {
        self.end_code();
        if !self.table.is_blank() {
            self.begin_block(Place { kind: Kind::Body, quote: 0, indent: 0 });
            self.table.write(&mut self.out, &self.prefix);
            self.last = Last::Block;
        }
        self.table.clear();
    }

    /// Begins a footnote with its label.
    pub(crate) fn begin_note(&mut self, number: u32) {
        if self.last != Last::Nothing {
            self.out.extend_from_slice(b"\n");
        }
        self.out.extend_from_slice(format!("[^{number}]: ").as_bytes());
        self.last = Last::Label;
    }

    /// Ends the document, or a footnote.
    pub(crate) fn finish(&mut self) {
        self.end_code();
        self.items.close_all();
        self.quote = 0;
        self.set_prefix();
        if self.last == Last::Label {
            // Without text, the reference to the footnote would be plain text.
            self.out.extend_from_slice(b"&nbsp;\n");
            self.last = Last::Block;
        }
    }

    /// The number of bytes written or pending.
    pub(crate) fn written(&self) -> usize {
        self.taken + self.kept() + self.waiting()
    }

    /// The number of bytes written to the current output.
    pub(crate) fn kept(&self) -> usize {
        self.out.len() - self.start
    }

    /// The number of pending bytes.
    pub(crate) fn waiting(&self) -> usize {
        self.code.len() + self.table.len()
    }

    /// Sets the output to `out` and returns the previous one. A block is never split between
    /// outputs.
    pub(crate) fn redirect(&mut self, out: BytesMut) -> BytesMut {
        self.taken += self.kept();
        self.start = out.len();
        std::mem::replace(&mut self.out, out)
    }

    /// Whether no list, quote or code is open: the following text is written as at the start of a
    /// document, except for a blank line.
    pub(crate) fn is_reset(&self) -> bool {
        self.quote == 0 && self.items.is_empty() && self.code_place.is_none()
    }

    fn item(&mut self, item: Item, place: Place, content: &mut Content, links: &[Link]) {
        let mut joins = self.enter_quote(place.quote);
        let marker = self.items.enter(item, place.indent);
        // Only a list that begins with 1 may follow a paragraph without a blank line.
        joins &=
            self.last == Last::Item && !marker.is_apart && (!marker.is_first || marker.number <= Some(1));
        joins &= !(marker.is_first && marker.number == Some(0));
        self.begin_line(joins);
        self.write_marker(marker);
        self.set_prefix();
        let skipped = task(&content.text);
        if skipped > 0 {
            let is_done = !content.text.starts_with('☐');
            self.out.extend_from_slice(if is_done { b"[x] " } else { b"[ ] " });
        }
        inline::write(
            &mut self.out,
            content,
            skipped,
            links,
            Context::Paragraph,
            &self.prefix,
            &mut self.scratch,
        );
        self.end_line(Last::Item);
    }

    fn write_marker(&mut self, marker: Marker) {
        match marker.number {
            Some(number) => self.out.extend_from_slice(format!("{number}{} ", marker.symbol).as_bytes()),
            None => self.out.extend_from_slice(&[marker.symbol as u8, b' ']),
        }
    }

    fn inline(&mut self, content: &Content, links: &[Link], context: Context) {
        inline::write(&mut self.out, content, 0, links, context, &self.prefix, &mut self.scratch);
    }

    fn code_line(&mut self, place: Place, text: &str) {
        if self.code_place.is_some_and(|code| code != place) {
            self.end_code();
        }
        if self.code_place.is_some() {
            self.code.push('\n');
        }
        self.code.push_str(text);
        self.code_place = Some(place);
    }

    /// Writes the pending lines of code in a fence that is longer than any in the code.
    fn end_code(&mut self) {
        let Some(place) = self.code_place.take() else { return };
        let code = std::mem::take(&mut self.code);
        if code.trim().is_empty() {
            return;
        }
        self.begin_block(place);
        let fence = vec![b'`'; escape::longest_run(&code, b'`').saturating_add(1).max(3)];
        self.out.extend_from_slice(&fence);
        for line in code.split('\n') {
            self.out.extend_from_slice(b"\n");
            if !line.is_empty() {
                self.out.extend_from_slice(&self.prefix);
                self.out.extend_from_slice(line.as_bytes());
            } else if self.quote > 0 {
                self.out.extend_from_slice(self.prefix.trim_ascii_end());
            }
        }
        self.out.extend_from_slice(b"\n");
        self.out.extend_from_slice(&self.prefix);
        self.out.extend_from_slice(&fence);
        self.end_line(Last::Block);
    }

    /// Begins a block that is not an item. It may be within the item with the same indent.
    fn begin_block(&mut self, place: Place) {
        self.enter_quote(place.quote);
        self.items.close_to(place.indent);
        self.begin_line(false);
    }

    /// Changes the depth of quotes. Returns `false` if it differs from that of the previous block.
    fn enter_quote(&mut self, quote: u8) -> bool {
        if self.quote == quote {
            return true;
        }
        self.items.close_all();
        if self.last != Last::Nothing && self.last != Last::Label {
            self.quote = self.quote.min(quote);
            self.blank_line();
            self.last = Last::Nothing;
        }
        self.quote = quote;
        false
    }

    /// Writes the prefix of a line, after a blank line unless the block `joins` the previous one.
    fn begin_line(&mut self, joins: bool) {
        let is_label = self.last == Last::Label;
        if !joins && matches!(self.last, Last::Item | Last::Block) {
            self.blank_line();
        }
        self.set_prefix();
        let from = if is_label { self.indent } else { 0 };
        let own = self.items.own_width();
        let until = self.prefix.len().saturating_sub(own);
        self.out.extend_from_slice(self.prefix.get(from..until).unwrap_or_default());
    }

    /// Writes a line with only the markers of continued quotes.
    fn blank_line(&mut self) {
        if self.quote > 0 {
            self.set_prefix();
            self.out.extend_from_slice(self.prefix.trim_ascii_end());
        }
        self.out.extend_from_slice(b"\n");
    }

    fn end_line(&mut self, last: Last) {
        self.out.extend_from_slice(b"\n");
        self.last = last;
        self.items.written();
    }

    fn set_prefix(&mut self) {
        self.prefix.clear();
        self.prefix.resize(self.indent, b' ');
        for _ in 0..self.quote {
            self.prefix.extend_from_slice(b"> ");
        }
        self.prefix.resize(self.prefix.len() + self.items.width(), b' ');
    }
}

/// The length of a ballot box with the following space, which marks a task; 0 if there is none.
fn task(text: &str) -> usize {
    let trimmed = text.trim_start();
    let Some(rest) = trimmed.strip_prefix(['☐', '☑', '☒']) else { return 0 };
    let label = rest.trim_start();
    if label.is_empty() || label.len() == rest.len() { 0 } else { text.len() - label.len() }
}
