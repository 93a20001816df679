//! Paragraphs: their properties, their ends, and their kinds.

use std::mem;

use super::labels::Label;
use super::reader::Reader;
use super::state::{Destination, Numbering, ParagraphProperties};
use super::styles::{Role, outline_level};
use super::text::LONGEST_MARKER;
use super::word::Word;
use crate::model::{Align, Flags, Item, Kind, Place};

impl Reader {
    /// Executes a control word for paragraphs or tables.
    pub(super) fn paragraph_word(&mut self, word: Word, number: Option<i32>) {
        let paragraph = &mut self.group.paragraph;
        match word {
            Word::Pard => *paragraph = ParagraphProperties::default(),
            Word::S => paragraph.style = number.unwrap_or(0),
            Word::Outlinelevel => paragraph.outline = Some(outline_level(number.unwrap_or(0))),
            Word::Ls => paragraph.list = number.unwrap_or(0),
            Word::Ilvl => paragraph.list_level = u8::try_from(number.unwrap_or(0)).unwrap_or(0),
            Word::Li | Word::Lin => paragraph.indent = number.unwrap_or(0),
            Word::Intbl => paragraph.in_table = number != Some(0),
            Word::Itap => paragraph.in_table = number.unwrap_or(1) > 0,
            Word::Brdrb => paragraph.border = true,
            Word::Ql | Word::Qc | Word::Qr => paragraph.align = alignment(word).unwrap_or_default(),
            _ if self.group.destination == Destination::Body => self.break_word(word),
            _ if self.group.destination == Destination::TextBox => self.break_in_box(word),
            _ => {}
        }
    }

    /// Executes a control word in a shape.
    pub(super) fn shape_word(&mut self, word: Word) {
        if matches!(word, Word::Shptxt | Word::Dptxbxtext) {
            self.group.destination = Destination::TextBox;
            self.break_line();
        } else {
            self.property_word(word);
        }
    }

    /// Ends a paragraph of a text box. The box is within a paragraph or cell, which continues after
    /// it, so its paragraphs become lines.
    fn break_in_box(&mut self, word: Word) {
        match word {
            Word::Par | Word::Sect | Word::Page | Word::Column | Word::Row | Word::Nestrow => {
                self.forget_marker();
                self.break_line();
            }
            Word::Cell | Word::Nestcell => self.push('\t'),
            _ => {}
        }
    }

    /// Begins a new line.
    pub(super) fn break_line(&mut self) {
        let text = &self.writer().content().text;
        if !text.is_empty() && !text.ends_with('\n') {
            self.push('\n');
        }
    }

    /// Executes a control word that ends a paragraph, cell or row.
    fn break_word(&mut self, word: Word) {
        match word {
            Word::Par | Word::Sect | Word::Page | Word::Column => self.end_paragraph(),
            Word::Cell => self.end_cell(),
            Word::Row => {
                let (writer, links) = self.writer_and_links();
                writer.end_row(links);
                self.end_links();
            }
            // A table within a cell becomes text of the cell.
            Word::Nestcell => self.push('\t'),
            Word::Nestrow => self.push('\n'),
            _ => {}
        }
    }

    fn end_cell(&mut self) {
        let align = self.group.paragraph.align;
        self.mark_item();
        self.forget_marker();
        let (writer, links) = self.writer_and_links();
        writer.end_cell(align, links);
        self.end_links();
    }

    /// Ends the paragraph with the current properties of the group.
    pub(super) fn end_paragraph(&mut self) {
        self.is_leaving_out = false;
        let properties = self.group.paragraph;
        if properties.in_table {
            // A paragraph within a cell, which continues.
            self.mark_item();
            self.forget_marker();
            return self.push('\n');
        }
        let is_blank = self.writer().content().is_blank();
        let place = self.place(&properties, is_blank);
        if !self.label.is_empty() {
            self.label.push(' ');
            let label = mem::take(&mut self.label);
            self.writer().content().begin_with(&label);
            self.label = label;
        }
        self.forget_marker();
        let (writer, links) = self.writer_and_links();
        match place {
            Some(place) => writer.end_paragraph(place, links),
            None => writer.blank_paragraph(),
        }
        self.end_links();
    }

    /// Inserts the mark of an item as text: Markdown cells contain no lists.
    fn mark_item(&mut self) {
        let properties = self.group.paragraph;
        if !self.may_be_item(&properties) || self.writer().content().is_line_blank() {
            return;
        }
        let mark = match self.item_or_body(&properties) {
            Kind::Item(Item { number: Some(number), .. }) => format!("{number}. "),
            Kind::Item(_) => "\u{2022} ".to_owned(),
            Kind::Labelled(_) => format!("{} ", self.label),
            _ => return,
        };
        self.writer().content().mark_line(&mark);
    }

    fn forget_marker(&mut self) {
        self.has_marker = false;
        self.marker.clear();
    }

    /// The kind and position of the paragraph; `None` if nothing of it is visible.
    fn place(&mut self, properties: &ParagraphProperties, is_blank: bool) -> Option<Place> {
        self.label.clear();
        let role = self.styles.role(properties.style);
        let (heading, quote) = match (role, properties.outline) {
            (Role::Quote(depth), None | Some(0)) => (None, depth),
            (_, Some(0)) => (None, 0),
            (_, Some(level)) => (Some(level.min(6)), 0),
            (Role::Heading(level), None) => (Some(level), 0),
            _ => (None, 0),
        };
        let kind = match heading {
            _ if role == Role::Code => Kind::Code,
            _ if is_blank && properties.border => Kind::Rule,
            _ if is_blank => return None,
            Some(level) => {
                if self.may_be_item(properties) {
                    self.number_heading(properties);
                }
                Kind::Heading(level)
            }
            None => self.item_or_body(properties),
        };
        if matches!(kind, Kind::Heading(_)) {
            // Headings are always bold.
            self.writer().content().drop_uniform(Flags::BOLD);
        }
        if !matches!(kind, Kind::Heading(_) | Kind::Labelled(_)) {
            self.label.clear();
        }
        Some(Place { kind, quote, indent: properties.indent })
    }

    fn may_be_item(&self, properties: &ParagraphProperties) -> bool {
        self.has_marker || properties.list > 0 || properties.numbering != Numbering::None
    }

    /// Keeps the number of a heading as text, because a heading is in no list.
    fn number_heading(&mut self, properties: &ParagraphProperties) {
        if properties.list == 0 {
            // A list does not continue between headings, so the number is known from the marker
            // only.
            if Label::read(&self.marker) != Label::Bullet && self.marker.len() < LONGEST_MARKER {
                self.label.push_str(self.marker.trim());
            }
            return;
        }
        match self.item_or_body(properties) {
            Kind::Item(Item { number: Some(number), .. }) if self.label.is_empty() => {
                self.label = format!("{number}.");
            }
            Kind::Item(Item { number: Some(_), .. }) | Kind::Labelled(_) => {}
            _ => self.label.clear(),
        }
    }

    /// The kind of a paragraph that is not a heading. Sets its label.
    fn item_or_body(&mut self, properties: &ParagraphProperties) -> Kind {
        self.label.clear();
        let is_whole = self.marker.len() < LONGEST_MARKER;
        let marker = self.has_marker.then_some(if is_whole { self.marker.as_str() } else { "" });
        let item = if properties.list > 0 {
            self.lists.item(properties.list, properties.list_level, marker, &mut self.label)
        } else {
            let (indent, numbering) = (properties.indent, properties.numbering);
            self.lists.old_labelled(indent, numbering, marker, &mut self.label)
        };
        if item.is_none() && properties.indent == 0 {
            self.lists.interrupt();
        }
        match item {
            Some((item, Label::Text)) => Kind::Labelled(item),
            Some((item, _)) => Kind::Item(item),
            None => Kind::Body,
        }
    }
}

/// The alignment that a control word sets.
fn alignment(word: Word) -> Option<Align> {
    match word {
        Word::Ql => Some(Align::None),
        Word::Qc => Some(Align::Center),
        Word::Qr => Some(Align::Right),
        _ => None,
    }
}
