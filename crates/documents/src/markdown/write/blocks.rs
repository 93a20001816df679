//! Blocks: what stands before each line, and what between two paragraphs.

use bytes::BytesMut;

use super::emphasis::Scratch;
use super::escape::{self, Context};
use super::inline;
use super::items::{Items, Marker};
use super::table::Table;
use crate::model::{Align, Content, Item, Kind, Link, Place};

/// Writes one flow of paragraphs.
pub(crate) struct Blocks {
    out: BytesMut,
    /// How long `out` was at first.
    start: usize,
    /// How many bytes were written to what it wrote to before.
    taken: usize,
    /// Spaces before every line, in a footnote.
    indent: usize,
    quote: u8,
    items: Items,
    /// What stands before each line now.
    prefix: Vec<u8>,
    /// What was written last.
    last: Last,
    /// Lines of code that have not been written yet, and where they stand.
    code: String,
    code_place: Option<Place>,
    table: Table,
    scratch: Scratch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing; the next block begins at once.
    Nothing,
    /// The label of a footnote, on the line where its text begins.
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

    /// A paragraph of any kind. `content` is put in order for writing.
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

    /// What was one block until here is another from here on.
    pub(crate) fn separate(&mut self) {
        self.end_code();
    }

    /// The next cell of the row under way.
    pub(crate) fn cell(&mut self, content: &mut Content, align: Align, links: &[Link]) {
        self.table.cell(content, align, links, &mut self.scratch);
    }

    /// The end of a row.
    pub(crate) fn row(&mut self) {
        self.table.row();
    }

    /// The end of a table, which is written now: only now is its width known.
    pub(crate) fn end_table(&mut self) {
        self.end_code();
        if !self.table.is_blank() {
            self.begin_block(Place { kind: Kind::Body, quote: 0, indent: 0 });
            self.table.write(&mut self.out, &self.prefix);
            self.last = Last::Block;
        }
        self.table.clear();
    }

    /// Begins a footnote's text with its label.
    pub(crate) fn begin_note(&mut self, number: u32) {
        if self.last != Last::Nothing {
            self.out.extend_from_slice(b"\n");
        }
        self.out.extend_from_slice(format!("[^{number}]: ").as_bytes());
        self.last = Last::Label;
    }

    /// The end of the flow, or of a footnote.
    pub(crate) fn finish(&mut self) {
        self.end_code();
        self.items.close_all();
        self.quote = 0;
        self.set_prefix();
        if self.last == Last::Label {
            // Without any text, the reference to it would be text.
            self.out.extend_from_slice(b"&nbsp;\n");
            self.last = Last::Block;
        }
    }

    /// How many bytes have been written, or wait to be.
    pub(crate) fn written(&self) -> usize {
        self.taken + self.kept() + self.waiting()
    }

    /// How many bytes have been written to what it appends to now.
    pub(crate) fn kept(&self) -> usize {
        self.out.len() - self.start
    }

    /// How many bytes wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.code.len() + self.table.len()
    }

    /// Appends to `out` from here on; returns what it has appended to until now. No block is ever written by halves.
    pub(crate) fn redirect(&mut self, out: BytesMut) -> BytesMut {
        self.taken += self.kept();
        self.start = out.len();
        std::mem::replace(&mut self.out, out)
    }

    /// Whether no list, quote or code is open: what follows is written as if it were the first, but for a blank line.
    pub(crate) fn is_reset(&self) -> bool {
        self.quote == 0 && self.items.is_empty() && self.code_place.is_none()
    }

    fn item(&mut self, item: Item, place: Place, content: &mut Content, links: &[Link]) {
        let mut joins = self.enter_quote(place.quote);
        let marker = self.items.enter(item, place.indent);
        // Only a list that begins with 1 may follow a paragraph's text without a blank line.
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

    /// Writes the lines of code that wait, in a fence longer than any within.
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

    /// Begins a block that is no item, perhaps within the item that it has the indent of.
    fn begin_block(&mut self, place: Place) {
        self.enter_quote(place.quote);
        self.items.close_to(place.indent);
        self.begin_line(false);
    }

    /// Goes to another depth of quotes. `false` if the block before was at another.
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

    /// What stands before a line, after a blank line unless the block `joins` the one before.
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

    /// A line with nothing but the marks of the quotes that go on.
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

/// The length of a ballot box and the space after it, which make the item a task; 0 if there is none.
fn task(text: &str) -> usize {
    let trimmed = text.trim_start();
    let Some(rest) = trimmed.strip_prefix(['☐', '☑', '☒']) else { return 0 };
    let label = rest.trim_start();
    if label.is_empty() || label.len() == rest.len() { 0 } else { text.len() - label.len() }
}
