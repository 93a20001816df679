//! The state of the writer: the body so far, and what is open in it.

use std::collections::HashMap;
use std::ops::Range;

use bytes::BytesMut;
use pulldown_cmark::{CowStr, HeadingLevel};

use super::document::OpenEnd;
use super::lists::Lists;
use super::style::Marks;
use super::table::Table;
use millpond_convert::Report;

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

/// The body and the footnotes so far, and what is open in them.
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

    pub(super) fn out(&mut self) -> &mut BytesMut {
        if self.note.is_some() { &mut self.notes } else { &mut self.body }
    }

    pub(super) fn put(&mut self, rtf: &[u8]) {
        self.out().extend_from_slice(rtf);
    }
}
