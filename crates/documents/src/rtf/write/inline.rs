//! Writes inline content: text, its formatting, links, references to footnotes.

use pulldown_cmark::LinkType;

use super::body::{Block, Body};
use super::html_block::{self, Piece};
use super::style::Mark;
use super::{html_tag, text};

impl Body {
    /// Writes text. Opens a paragraph if none is open.
    pub(super) fn text(&mut self, text: &str) {
        self.begin_paragraph();
        if self.block != Block::Code {
            return text::write(self.out(), text);
        }
        // The end of the paragraph ends the last line of a block of code. Other lines end with a
        // line break.
        if std::mem::take(&mut self.owes_break) {
            self.put(b"\\line ");
        }
        self.owes_break = text.ends_with('\n');
        text::write(self.out(), text.strip_suffix('\n').unwrap_or(text));
    }

    /// Writes inline code.
    pub(super) fn code(&mut self, code: &str) {
        self.begin_paragraph();
        self.put(b"{\\cs21\\f1\\fs20 ");
        text::write(self.out(), code);
        self.put(b"}");
    }

    pub(super) fn begin_mark(&mut self, mark: Mark) {
        self.begin_paragraph();
        let out = if self.note.is_some() { &mut self.notes } else { &mut self.body };
        self.marks.begin(out, mark);
    }

    pub(super) fn end_mark(&mut self, mark: Mark) {
        let out = if self.note.is_some() { &mut self.notes } else { &mut self.body };
        self.marks.end(out, mark);
    }

    /// Writes the counterpart of a tag. Returns whether there is one.
    pub(super) fn inline_html(&mut self, html: &str) -> bool {
        let Some(tag) = html_tag::read(html) else { return false };
        match tag {
            html_tag::Tag::LineBreak => self.text("\n"),
            html_tag::Tag::Begin(mark) => self.begin_mark(mark),
            html_tag::Tag::End(mark) => self.end_mark(mark),
        }
        true
    }

    /// Ends a block of HTML and writes its text.
    pub(super) fn html_block(&mut self) {
        let Some(html) = self.html.take() else { return };
        html_block::read(&html, |piece| match piece {
            Piece::Text(text) if self.is_open => self.text(&text),
            Piece::Text(text) if text.trim().is_empty() => {}
            Piece::Text(text) => self.text(text.trim_start()),
            Piece::Tag(tag) => {
                self.inline_html(tag);
            }
            Piece::Break => self.end_paragraph(),
        });
        self.end_paragraph();
    }

    pub(super) fn begin_link(&mut self, kind: LinkType, url: &str, title: &str) {
        self.begin_paragraph();
        self.links.push(self.marks);
        self.put(b"{\\field{\\*\\fldinst{HYPERLINK ");
        // A target within the document is a bookmark.
        let place = url.strip_prefix('#').filter(|place| !place.is_empty());
        self.put(if place.is_some() { b"\\\\l \"" } else { b"\"" });
        if kind == LinkType::Email {
            self.put(b"mailto:");
        }
        self.quoted(place.unwrap_or(url));
        if !title.is_empty() {
            self.put(b"\" \\\\o \"");
            self.quoted(title);
        }
        self.put(b"\"}}{\\fldrslt\\cs20\\ul\\cf1 ");
    }

    /// Writes text in the quotes of a field's code, in which backslashes and quotes are escaped.
    fn quoted(&mut self, text: &str) {
        for c in text.chars() {
            if matches!(c, '\\' | '"') {
                self.put(b"\\\\");
            }
            text::write(self.out(), c.encode_utf8(&mut [0; 4]));
        }
    }

    pub(super) fn end_link(&mut self) {
        if let Some(before) = self.links.pop() {
            self.put(b"}}");
            let (now, out) = (self.marks, self.out());
            now.restore(out, before);
        }
    }

    /// Writes a reference to a footnote. The footnote is inserted at the first reference. A
    /// reference within a footnote is only its label.
    pub(super) fn reference(&mut self, label: &str) {
        self.begin_paragraph();
        if self.note.is_some() {
            self.put(b"{\\super ");
            text::write(self.out(), label);
            self.put(b"}");
        } else {
            self.references.push((self.body.len(), label.to_owned()));
        }
    }
}
