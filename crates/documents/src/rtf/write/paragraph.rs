//! Writes paragraphs, with properties that depend on their context, and rows and cells of tables.

use bytes::BytesMut;

use super::body::{Block, Body, Bookmark};
use super::document::OpenEnd;
use super::lists::LEVELS;
use super::style::{Mark, Marks};
use super::table::Table;
use super::text;

impl Body {
    pub(super) fn begin_block(&mut self, block: Block) {
        self.end_paragraph();
        self.block = block;
    }

    /// Opens a paragraph if none is open, with the properties of its context.
    pub(super) fn begin_paragraph(&mut self) {
        if self.is_open || self.table.is_some() {
            return;
        }
        self.is_open = true;
        let quotes = self.quotes;
        let level = self.open_lists.len().min(LEVELS);
        let indent = 720 * (level + self.definition_depth.min(LEVELS)) + 360 * quotes.min(20);
        let item = self.open_lists.last_mut().filter(|list| list.is_fresh).map(|list| {
            list.is_fresh = false;
            let number = list.next;
            list.next = number.map(|n| n.saturating_add(1));
            (list.number, number)
        });
        if self.block == Block::Code {
            self.keep_apart();
        }
        self.after_code = self.block == Block::Code;
        let (style, formatting) = match self.block {
            Block::Heading(level) => (level as usize, HEADINGS.get(level as usize - 1).copied()),
            Block::Code => (7, Some("\\sa160\\f1\\fs20 ")),
            Block::Text if quotes > 0 => (10 + quotes.min(6), None),
            Block::Text if item.is_some() => (8, Some("\\sa60\\f0\\fs22 ")),
            Block::Text => (0, None),
        };
        let formatting = formatting.unwrap_or("\\sa160\\f0\\fs22 ");
        let first = if item.is_some() { "\\fi-360" } else { "" };
        self.put(format!("\\pard\\plain\\s{style}{first}\\li{indent}").as_bytes());
        if let Some((list, number)) = item {
            self.put(b"\\ls");
            if self.note.is_none() {
                self.open_ends.push(OpenEnd::List { at: self.body.len(), number: list });
            }
            self.put(format!("{list}\\ilvl{}{formatting}", level.saturating_sub(1)).as_bytes());
            match number {
                Some(number) => self.put(format!("{{\\listtext {number}.\\tab}}").as_bytes()),
                None => self.put(b"{\\listtext\\u8226?\\tab}"),
            }
        } else {
            self.put(formatting.as_bytes());
        }
        if let Some(bookmark) = self.bookmark.take() {
            self.put_bookmark(&bookmark);
        }
    }

    /// Writes a bookmark, the target of links within the document.
    fn put_bookmark(&mut self, bookmark: &Bookmark) {
        let mut ends = [0; 2];
        for (end, word) in ends.iter_mut().zip([&b"{\\*\\bkmkstart "[..], b"{\\*\\bkmkend "]) {
            self.put(word);
            text::write(self.out(), &bookmark.id);
            *end = self.body.len();
            self.put(b"}");
        }
        if self.note.is_none() {
            let (id, is_open) = (bookmark.id.clone(), bookmark.is_open);
            self.open_ends.push(OpenEnd::Bookmark { ends, id, is_open });
        }
    }

    /// Ends the paragraph, if one is open, and all elements in it.
    pub(super) fn end_paragraph(&mut self) {
        if std::mem::take(&mut self.is_open) {
            for _ in 0..self.links.len() {
                self.put(b"}}");
            }
            self.put(b"\\par\n");
        }
        self.links.clear();
        self.marks = Marks::default();
        self.block = Block::Text;
        self.bookmark = None;
        self.owes_break = false;
    }

    /// Writes an empty paragraph after code. Without it, two blocks of code would be one.
    fn keep_apart(&mut self) {
        if std::mem::take(&mut self.after_code) {
            self.put(b"\\pard\\plain\\par\n");
        }
    }

    pub(super) fn row(&mut self, is_head: bool) {
        self.end_paragraph();
        let (out, table) = self.out_and_table();
        if let Some(table) = table {
            table.begin_row(out, is_head);
        }
    }

    pub(super) fn cell(&mut self) {
        let (out, table) = self.out_and_table();
        if let Some(table) = table {
            table.begin_cell(out);
            if table.is_head {
                // The whole row is bold already.
                self.marks.begin(&mut BytesMut::new(), Mark::Bold);
            }
        }
    }

    fn out_and_table(&mut self) -> (&mut BytesMut, &mut Option<Table>) {
        let out = if self.note.is_some() { &mut self.notes } else { &mut self.body };
        (out, &mut self.table)
    }
}

/// The formatting of headings, as in the style sheet.
const HEADINGS: [&str; 6] = [
    "\\sb360\\sa120\\keepn\\outlinelevel0\\f0\\fs36 ",
    "\\sb280\\sa100\\keepn\\outlinelevel1\\f0\\fs30 ",
    "\\sb240\\sa80\\keepn\\outlinelevel2\\f0\\fs26 ",
    "\\sb200\\sa60\\keepn\\outlinelevel3\\f0\\fs24 ",
    "\\sb200\\sa60\\keepn\\outlinelevel4\\f0\\fs22 ",
    "\\sb200\\sa60\\keepn\\outlinelevel5\\f0\\fs22 ",
];
