//! Writes the events of a Markdown document as paragraphs of RTF.

use bytes::BytesMut;
use pulldown_cmark::{BlockQuoteKind, Event, Tag, TagEnd};

use super::body::{Block, Body, Bookmark, List};
use super::document::Document;
use super::lists::LEVELS;
use super::style::{Mark, Marks};
use super::table::Table;
use crate::markdown::split::Source;
use millpond_convert::{ConvertError, Loss};

/// Writes the events of `source` to `room`, which is empty.
///
/// # Errors
///
/// [`ConvertError::OutputTooLarge`] for more than `limit` bytes, and those of the source.
pub(super) fn write(mut source: Source<'_>, room: BytesMut, limit: usize) -> Result<Document, ConvertError> {
    let mut body = Body::new(room);
    while let Some(event) = source.next() {
        body.event(event, source.is_id_open());
        if body.len() > limit {
            return Err(ConvertError::OutputTooLarge { limit });
        }
    }
    source.finish()?;
    source.count_dropped(&mut body.report);
    Ok(body.finish())
}

impl Body {
    /// Writes an event. `is_id_open` is whether the join must make the id of a heading unique.
    fn event(&mut self, event: Event<'_>, is_id_open: bool) {
        match event {
            Event::Start(Tag::Heading { level, id, .. }) => {
                self.begin_block(Block::Heading(level));
                self.bookmark = id.map(|id| Bookmark { id: id.into_string(), is_open: is_id_open });
            }
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) if self.html.is_some() => {
                self.html.get_or_insert_default().push_str(&text);
            }
            Event::Text(text) => self.text(&text),
            Event::Code(code) => self.code(&code),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.text("\n"),
            Event::Rule => {
                self.end_paragraph();
                self.after_code = false;
                self.put(b"\\pard\\plain\\s0\\brdrb\\brdrs\\brdrw10\\brsp20\\f0\\fs22\\par\n");
            }
            Event::InlineHtml(html) => {
                if !self.inline_html(&html) {
                    self.report.add(Loss::RawHtml);
                }
            }
            Event::FootnoteReference(label) => self.reference(&label),
            Event::TaskListMarker(is_done) => self.text(if is_done { "\u{2611} " } else { "\u{2610} " }),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text),
            Event::Html(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::CodeBlock(_) => {
                self.begin_block(Block::Code);
                self.begin_paragraph();
            }
            Tag::Paragraph => self.begin_block(Block::Text),
            Tag::HtmlBlock => {
                self.end_paragraph();
                self.report.add(Loss::RawHtml);
                self.html = Some(String::new());
            }
            Tag::BlockQuote(kind) => {
                self.end_paragraph();
                self.quotes += 1;
                if let Some(kind) = kind {
                    self.alert(kind);
                }
            }
            Tag::DefinitionListTitle => {
                self.begin_block(Block::Text);
                self.begin_mark(Mark::Bold);
            }
            Tag::DefinitionListDefinition => {
                self.end_paragraph();
                self.definition_depth += 1;
            }
            Tag::List(start) => {
                self.end_paragraph();
                let level = self.open_lists.len().min(LEVELS - 1);
                let number = self.lists.open(start, level);
                self.open_lists.push(List { number, next: start, is_fresh: false });
            }
            Tag::Item => {
                self.end_paragraph();
                if let Some(list) = self.open_lists.last_mut() {
                    list.is_fresh = true;
                }
            }
            Tag::FootnoteDefinition(label) => {
                self.end_paragraph();
                self.note = Some((label.into_static(), self.notes.len()));
            }
            Tag::Table(aligns) => {
                self.end_paragraph();
                self.after_code = false;
                self.table = Some(Table::new(aligns));
            }
            Tag::TableHead => self.row(true),
            Tag::TableRow => self.row(false),
            Tag::TableCell => self.cell(),
            Tag::Emphasis => self.begin_mark(Mark::Italic),
            Tag::Strong => self.begin_mark(Mark::Bold),
            Tag::Strikethrough => self.begin_mark(Mark::Strike),
            Tag::Superscript => self.begin_mark(Mark::Superscript),
            Tag::Subscript => self.begin_mark(Mark::Subscript),
            Tag::Link { link_type, dest_url, title, .. } => self.begin_link(link_type, &dest_url, &title),
            Tag::Image { .. } => self.images += 1,
            _ => self.end_paragraph(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::BlockQuote(_) => {
                self.end_paragraph();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::List(_) => {
                self.end_paragraph();
                self.open_lists.pop();
            }
            TagEnd::Item => {
                if self.open_lists.last().is_some_and(|list| list.is_fresh) {
                    self.begin_block(Block::Text);
                    self.begin_paragraph();
                }
                self.end_paragraph();
            }
            TagEnd::DefinitionListDefinition => {
                self.end_paragraph();
                self.definition_depth = self.definition_depth.saturating_sub(1);
            }
            TagEnd::HtmlBlock => self.html_block(),
            TagEnd::FootnoteDefinition => self.end_note(),
            TagEnd::Table => self.table = None,
            TagEnd::TableHead | TagEnd::TableRow => Table::end_row(self.out()),
            TagEnd::TableCell => {
                self.marks = Marks::default();
                self.links.clear();
                Table::end_cell(self.out());
            }
            TagEnd::Emphasis => self.end_mark(Mark::Italic),
            TagEnd::Strong => self.end_mark(Mark::Bold),
            TagEnd::Strikethrough => self.end_mark(Mark::Strike),
            TagEnd::Superscript => self.end_mark(Mark::Superscript),
            TagEnd::Subscript => self.end_mark(Mark::Subscript),
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.images = self.images.saturating_sub(1),
            _ => self.end_paragraph(),
        }
    }

    /// Writes the name of an alert as a paragraph before it.
    fn alert(&mut self, kind: BlockQuoteKind) {
        self.begin_mark(Mark::Bold);
        self.text(match kind {
            BlockQuoteKind::Note => "Note",
            BlockQuoteKind::Tip => "Tip",
            BlockQuoteKind::Important => "Important",
            BlockQuoteKind::Warning => "Warning",
            BlockQuoteKind::Caution => "Caution",
        });
        self.end_paragraph();
    }

    fn end_note(&mut self) {
        self.end_paragraph();
        // The end of the note ends its last paragraph.
        if let Some(rest) = self.notes.strip_suffix(b"\\par\n").map(<[u8]>::len) {
            self.notes.truncate(rest);
        }
        if let Some((label, start)) = self.note.take() {
            let end = self.notes.len().max(start);
            self.definitions.entry(label.into_string()).or_insert(start..end);
        }
    }

    fn finish(mut self) -> Document {
        self.end_paragraph();
        let Self { body, notes, references, definitions, lists, open_ends, report, .. } = self;
        Document { body, notes, references, definitions, lists, open_ends, report }
    }
}
