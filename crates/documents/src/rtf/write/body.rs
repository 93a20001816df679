//! The body: events of Markdown as paragraphs of RTF.

use std::collections::HashMap;
use std::ops::Range;

use bytes::BytesMut;
use pulldown_cmark::{BlockQuoteKind, CowStr, Event, HeadingLevel, Tag, TagEnd};

use super::Parts;
use super::lists::{LEVELS, Lists};
use super::parts::OpenEnd;
use super::style::{Mark, Marks};
use super::table::Table;
use millpond_convert::{Loss, Report};

/// What the text of a paragraph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Text,
    Heading(HeadingLevel),
    Code,
}

/// The id of a heading.
#[derive(Debug)]
pub(super) struct Bookmark {
    pub(super) id: String,
    /// Whether it is to be made unique yet.
    pub(super) is_open: bool,
}

/// A list that is open.
#[derive(Debug)]
pub(super) struct List {
    /// Its `\ls`.
    pub(super) number: usize,
    /// The number of its next item.
    pub(super) next: Option<u64>,
    /// An item has begun, and none of its text is written.
    pub(super) is_fresh: bool,
}

/// Takes events and writes the body.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) body: BytesMut,
    pub(super) notes: BytesMut,
    /// Whether text goes to the notes, and since where.
    pub(super) note: Option<(CowStr<'static>, usize)>,
    pub(super) references: Vec<(usize, String)>,
    pub(super) definitions: HashMap<String, Range<usize>>,
    pub(super) lists: Lists,
    /// What in the body, notes aside, depends on what is before it in the document, in order.
    pub(super) open_ends: Vec<OpenEnd>,
    /// The id of the heading that is about to begin.
    pub(super) bookmark: Option<Bookmark>,
    /// How many definitions of terms are open.
    pub(super) definition_depth: usize,
    pub(super) open_lists: Vec<List>,
    pub(super) quotes: usize,
    pub(super) block: Block,
    /// A paragraph has begun and not ended.
    pub(super) is_open: bool,
    /// The block before was code; the next must be kept apart from it.
    pub(super) after_code: bool,
    /// A line of code has ended, and it is not known yet whether another follows.
    pub(super) owes_break: bool,
    pub(super) marks: Marks,
    /// The marks where each open link began.
    pub(super) links: Vec<Marks>,
    /// How many images are open: their text is shown in their place.
    pub(super) images: usize,
    pub(super) table: Option<Table>,
    /// The block of HTML under way.
    pub(super) html: Option<String>,
    /// What of the document is left out.
    pub(super) report: Report,
}

impl Body {
    /// Writes to `body`, which is empty.
    pub(super) fn new(body: BytesMut) -> Self {
        Self {
            body,
            notes: BytesMut::new(),
            note: None,
            references: Vec::new(),
            definitions: HashMap::new(),
            lists: Lists::default(),
            open_ends: Vec::new(),
            bookmark: None,
            definition_depth: 0,
            open_lists: Vec::new(),
            quotes: 0,
            block: Block::Text,
            is_open: false,
            after_code: false,
            owes_break: false,
            marks: Marks::default(),
            links: Vec::new(),
            images: 0,
            table: None,
            html: None,
            report: Report::default(),
        }
    }

    /// How many bytes there are so far.
    pub(super) fn len(&self) -> usize {
        self.body.len() + self.notes.len() + self.lists.bytes()
    }

    pub(super) fn finish(mut self) -> Parts {
        self.end_paragraph();
        let Self { body, notes, references, definitions, lists, open_ends, report, .. } = self;
        Parts { body, notes, references, definitions, lists, open_ends, report }
    }

    pub(super) fn out(&mut self) -> &mut BytesMut {
        if self.note.is_some() { &mut self.notes } else { &mut self.body }
    }

    pub(super) fn put(&mut self, rtf: &[u8]) {
        self.out().extend_from_slice(rtf);
    }

    /// Takes an event; `is_id_open` says whether the id of a heading is to be made unique yet.
    pub(super) fn event(&mut self, event: Event<'_>, is_id_open: bool) {
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

    /// The name of an alert, as a paragraph before it.
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
        // The last paragraph ends with the note.
        if let Some(rest) = self.notes.strip_suffix(b"\\par\n").map(<[u8]>::len) {
            self.notes.truncate(rest);
        }
        if let Some((label, start)) = self.note.take() {
            let end = self.notes.len().max(start);
            self.definitions.entry(label.into_string()).or_insert(start..end);
        }
    }
}
