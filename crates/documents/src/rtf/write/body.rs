//! The state of the writer: the output so far, and the open elements.

use std::collections::HashMap;
use std::ops::Range;

use bytes::BytesMut;
use pulldown_cmark::{CowStr, HeadingLevel};

use super::document::OpenEnd;
use super::lists::Lists;
use super::style::Marks;
use super::table::Table;
use millpond_convert::Report;

/// The kind of a paragraph's text.
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
    /// Whether the join must make it unique.
    pub(super) is_open: bool,
}

/// An open list.
#[derive(Debug)]
pub(super) struct List {
    /// Its `\ls`.
    pub(super) number: usize,
    /// The number of its next item.
    pub(super) next: Option<u64>,
    /// Whether an item has begun and no text of it has been written.
    pub(super) is_fresh: bool,
}

/// The body and the footnotes so far, and the elements open in them.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) body: BytesMut,
    pub(super) notes: BytesMut,
    /// The label of the open footnote and its start in `notes`, if output goes to `notes`.
    pub(super) note: Option<(CowStr<'static>, usize)>,
    pub(super) references: Vec<(usize, String)>,
    pub(super) definitions: HashMap<String, Range<usize>>,
    pub(super) lists: Lists,
    /// The positions in the body, without notes, that depend on preceding parts, in order.
    pub(super) open_ends: Vec<OpenEnd>,
    /// The id of the next heading.
    pub(super) bookmark: Option<Bookmark>,
    /// The number of open definitions of terms.
    pub(super) definition_depth: usize,
    pub(super) open_lists: Vec<List>,
    pub(super) quotes: usize,
    pub(super) block: Block,
    /// Whether a paragraph is open.
    pub(super) is_open: bool,
    /// Whether the previous block was code, from which the next must be separated.
    pub(super) after_code: bool,
    /// Whether a line of code has ended and it is not known yet whether another follows.
    pub(super) owes_break: bool,
    pub(super) marks: Marks,
    /// The marks at the start of each open link.
    pub(super) links: Vec<Marks>,
    /// The number of open images. Their text is written in their place.
    pub(super) images: usize,
    pub(super) table: Option<Table>,
    /// The open block of HTML.
    pub(super) html: Option<String>,
    /// What the output lacks.
    pub(super) report: Report,
}

impl Body {
    /// Creates a state that writes to `body`, which is empty.
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

    /// The number of bytes so far.
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
