//! The reader: takes tokens one by one and keeps the state that they change.

use std::mem;

use bytes::BytesMut;

use super::destination::character;
use super::flow::Flow;
use super::fonts::Fonts;
use super::form::Form;
use super::head::Head;
use super::linear::Linear;
use super::links::Links;
use super::lists::Lists;
use super::state::{Destination, Group, ParagraphProperties};
use super::styles::Styles;
use super::text::Decoder;
use super::token::{Token, Tokens};
use super::unclosed;
use crate::model::{Flags, Link, Style};
use millpond_convert::{ConversionOptions, ConvertError, Loss, Report};

/// Reads one document. Groups are on a stack of its own, so that no input can exhaust the thread's.
pub(super) struct Reader {
    max_groups: usize,
    /// No brace ends the document, but its end does.
    is_lenient: bool,
    max_output: usize,
    /// The innermost open group.
    pub(super) group: Group,
    /// Those around it.
    stack: Vec<Group>,
    /// The group has been opened just before.
    is_first: bool,
    /// The group was opened with `\*` just before: it is dropped if the word that follows isn't
    /// known.
    is_ignorable: bool,
    pub(super) decoder: Decoder,
    pub(super) fonts: Fonts,
    pub(super) styles: Styles,
    pub(super) lists: Lists,
    pub(super) links: Links,
    /// The code of the field under way, and what it says of a form.
    pub(super) instruction: String,
    pub(super) form: Form,
    /// A field has shown what its code says, in a group of that depth: its result is not to be
    /// shown.
    pub(super) shown_field: Option<usize>,
    /// The formula under way.
    pub(super) math: Linear,
    /// The property of a picture or shape that is being read.
    pub(super) property: String,
    /// The text of the paragraph's marker, and whether there is one.
    pub(super) marker: String,
    pub(super) has_marker: bool,
    /// What stands before the paragraph that ends, if it is in no list of Markdown's.
    pub(super) label: String,
    /// Where the text of the group goes that `\upr` is in.
    pub(super) around_upr: Destination,
    body: Flow,
    notes: Flow,
    /// How many footnotes there are, and how many groups surround the one under way.
    pub(super) note_count: u32,
    note_depth: Option<usize>,
    /// The most bytes that there were at a time.
    pub(super) peak: usize,
    /// What only matters if this is a part.
    pub(super) ties: Ties,
    /// What was left out, and what was assumed.
    pub(super) report: Report,
    /// Text of this paragraph was left out, and none was shown since.
    pub(super) is_leaving_out: bool,
}

impl Reader {
    /// Appends to `out`.
    pub(super) fn new(options: &ConversionOptions, out: BytesMut) -> Self {
        Self {
            max_groups: options.max_groups,
            is_lenient: options.lenient,
            max_output: options.max_output,
            group: Group::new(),
            stack: Vec::new(),
            is_first: false,
            is_ignorable: false,
            decoder: Decoder::default(),
            fonts: Fonts::new(),
            styles: Styles::default(),
            lists: Lists::default(),
            links: Links::default(),
            instruction: String::new(),
            form: Form::default(),
            shown_field: None,
            math: Linear::default(),
            property: String::new(),
            marker: String::new(),
            has_marker: false,
            label: String::new(),
            around_upr: Destination::Body,
            body: Flow::new(out, 0),
            notes: Flow::new(BytesMut::new(), 4),
            note_count: 0,
            note_depth: None,
            peak: 0,
            ties: Ties::default(),
            report: Report::default(),
            is_leaving_out: false,
        }
    }

    /// Reads `input` from the brace at `start` to the one that closes it.
    pub(super) fn read(&mut self, input: &[u8], start: usize) -> Result<(), ConvertError> {
        let is_closed = self.read_until(&mut Tokens::new(input, start), usize::MAX)?;
        if !is_closed {
            self.end_groups(input.len())?;
        }
        self.finish()
    }

    /// The document ended at `offset`, before its last brace. What is assumed of it is assumed
    /// here: that all groups end.
    pub(super) fn end_groups(&mut self, offset: usize) -> Result<(), ConvertError> {
        if !self.is_lenient {
            return Err(unclosed(offset));
        }
        if !self.stack.is_empty() {
            self.report.add(Loss::AssumedEnd);
        }
        self.flush_bytes();
        while !self.stack.is_empty() {
            self.close()?;
        }
        Ok(())
    }

    /// Takes the tokens that begin before `end`. `true` if one of them closes the document.
    pub(super) fn read_until(&mut self, tokens: &mut Tokens<'_>, end: usize) -> Result<bool, ConvertError> {
        while tokens.offset() < end {
            let Some(token) = tokens.next() else { return Ok(false) };
            if self.take(token, tokens.offset())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes a token that ends at `offset`. `true` if it closes the document.
    #[inline(always)]
    pub(super) fn take(&mut self, token: Token<'_>, offset: usize) -> Result<bool, ConvertError> {
        let is_first = mem::take(&mut self.is_first);
        match token {
            Token::Open => self.open(offset)?,
            Token::Close => {
                if self.stack.is_empty() {
                    self.report.add(Loss::AssumedEnd);
                }
                self.close()?;
                let is_closed = self.stack.is_empty();
                self.ties.has_closed |= is_closed;
                return Ok(is_closed && !self.is_lenient);
            }
            Token::Text(text) => {
                if self.is_ignorable && text.trim_ascii().is_empty() {
                    return Ok(false);
                }
                self.is_ignorable = false;
                self.text(text);
            }
            Token::Hex(byte) => self.byte(byte),
            Token::Word(word, _) if self.decoder.skips(|| character(word).is_some_and(is_visible)) => {}
            Token::Word(word, number) => {
                self.flush_bytes();
                self.decoder.end_fallback();
                let begins_group = mem::take(&mut self.is_ignorable) || is_first;
                self.word(word, number, begins_group);
            }
            Token::Unknown => {
                self.flush_bytes();
                if mem::take(&mut self.is_ignorable) {
                    self.group.destination = Destination::Skip;
                } else if is_first {
                    self.unknown_in_math();
                }
            }
            Token::Nothing => self.flush_bytes(),
            // Anywhere else it is out of place, and dropping what follows would lose text.
            Token::Symbol(b'*') => self.is_ignorable = is_first,
            Token::Symbol(symbol @ (b'{' | b'}' | b'\\')) => self.text(&[symbol]),
            Token::Symbol(b'~' | b'_' | b'-') if self.decoder.skips(|| true) => {}
            Token::Symbol(symbol) => {
                self.flush_bytes();
                self.symbol(symbol);
            }
        }
        Ok(false)
    }

    fn open(&mut self, offset: usize) -> Result<(), ConvertError> {
        self.flush_bytes();
        self.decoder.end_fallback();
        self.is_ignorable = false;
        self.is_first = true;
        if self.stack.len() >= self.max_groups {
            return Err(ConvertError::TooDeep { limit: self.max_groups, offset });
        }
        self.stack.push(self.group);
        Ok(())
    }

    fn close(&mut self) -> Result<(), ConvertError> {
        self.flush_bytes();
        self.decoder.end_fallback();
        self.is_ignorable = false;
        if self.note_depth == Some(self.stack.len()) {
            // Its last paragraph ends with it, in a table or not.
            self.group.paragraph.in_table = false;
            self.end_paragraph();
            self.notes.finish();
            self.note_depth = None;
        }
        if let Some(&outer) = self.stack.last() {
            self.leave(outer);
        }
        self.check_size()
    }

    /// Goes back from the group to the one around it.
    fn leave(&mut self, outer: Group) {
        let inner = self.group;
        let is_apart = inner.destination != outer.destination;
        if is_apart && inner.destination == Destination::TextBox && outer.destination == Destination::Shape {
            self.break_line();
        }
        if inner.link != outer.link {
            self.end_link_text();
        }
        if inner.destination.is_math() {
            self.math.end(self.stack.len());
        }
        self.stack.pop();
        self.group = outer;
        match inner.destination {
            Destination::Numbering => self.group.paragraph.numbering = inner.paragraph.numbering,
            Destination::Instruction if is_apart && outer.destination.is_flow() => {
                self.end_instruction(inner.font)
            }
            Destination::Description if is_apart => self.end_description(),
            _ if inner.destination.is_math() && !outer.destination.is_math() => self.end_math(),
            _ => {}
        }
        if self.shown_field.is_some_and(|depth| depth > self.stack.len()) {
            self.shown_field = None;
        }
    }

    /// How many groups are open.
    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    pub(super) fn finish(&mut self) -> Result<(), ConvertError> {
        self.end_paragraph();
        self.body.finish();
        self.check_size()
    }

    /// Appends to `out` from here on; returns what it has appended to until now, footnotes aside.
    pub(super) fn redirect(&mut self, out: BytesMut) -> BytesMut {
        self.body.redirect(out)
    }

    /// The footnotes.
    pub(super) fn take_notes(&mut self) -> BytesMut {
        self.notes.redirect(BytesMut::new())
    }

    /// Whether no paragraph has begun, of the text or of a footnote.
    pub(super) fn is_between_paragraphs(&self) -> bool {
        self.body.is_between_paragraphs() && self.notes.is_between_paragraphs()
    }

    /// How much is remembered, in bytes, about.
    pub(super) fn held(&self) -> usize {
        let texts = self.body.waiting() + self.notes.waiting() + self.decoder.waiting() + self.notes.kept();
        let tables = self.fonts.held() + self.styles.held() + self.lists.held();
        let fields = self.instruction.len() + self.form.held() + self.math.held() + self.property.len();
        texts + tables + fields + self.links.held() + self.stack.len() * size_of::<Group>()
    }

    fn check_size(&mut self) -> Result<(), ConvertError> {
        let limit = self.max_output;
        self.peak = self.peak.max(self.body.written().saturating_add(self.notes.written()));
        if self.peak > limit {
            return Err(ConvertError::OutputTooLarge { limit });
        }
        Ok(())
    }

    /// Whether the group is the document's own, and what comes next is part of its text.
    pub(super) fn is_outermost(&self) -> bool {
        self.stack.len() == 1
            && self.group.destination == Destination::Body
            && self.note_depth.is_none()
            && !self.is_ignorable
    }

    /// Goes on where that head ended.
    pub(super) fn resume(&mut self, head: &Head, note_count: u32) {
        self.stack.push(self.group);
        self.group = head.group;
        self.fonts = head.fonts.clone();
        self.styles = head.styles.clone();
        self.lists = head.lists.clone();
        self.note_count = note_count;
    }

    /// Whether nothing is left open, or remembered, that would make a difference to the paragraph that begins here, if it
    /// begins with `\\pard\\plain`: whether the state is that after [`resume`](Self::resume).
    pub(super) fn is_at_rest(&mut self, head: &Head, note_count: u32) -> bool {
        self.flush_bytes();
        self.decoder.end_fallback();
        let group = self.group.for_paragraph(self.fonts.default_font);
        self.is_outermost()
            && self.decoder.is_at_rest()
            && self.lists.is_at_rest()
            && self.body.is_at_rest()
            && !self.has_marker
            && self.links.is_at_rest()
            && self.note_count == note_count
            && !self.ties.has_defined
            && !self.ties.has_closed
            && (group.flags, group.font, group.fallback)
                == (head.group.flags, head.group.font, head.group.fallback)
    }

    /// The style of text here.
    pub(super) fn style(&self) -> Style {
        let link = self.links.open(self.group.link);
        // Links are underlined of themselves.
        let flags = self.group.flags;
        let flags = if link == 0 { flags } else { flags.without(Flags::UNDERLINE) };
        Style { flags, link, note: 0 }
    }

    /// Where paragraphs go.
    pub(super) fn flow(&mut self) -> &mut Flow {
        if self.note_depth.is_some() { &mut self.notes } else { &mut self.body }
    }

    /// Where paragraphs go, and the links that they refer to.
    pub(super) fn flow_and_links(&mut self) -> (&mut Flow, &[Link]) {
        let flow = if self.note_depth.is_some() { &mut self.notes } else { &mut self.body };
        (flow, self.links.known())
    }

    /// Whether the group is the document's own, or none: a destination there would take all that
    /// follows.
    pub(super) fn is_root(&self) -> bool {
        self.stack.len() <= 1
    }

    /// The group is a footnote. One within another is part of it.
    pub(super) fn begin_note(&mut self) {
        if self.note_depth.is_some() {
            return;
        }
        self.note_count = self.note_count.saturating_add(1);
        self.body.note_reference(self.note_count);
        self.notes.begin_note(self.note_count);
        self.note_depth = Some(self.stack.len());
        self.group.destination = Destination::Body;
        // It may be in a table or a list, but its paragraphs are not.
        self.group.paragraph = ParagraphProperties::default();
    }
}

/// What ties a part of a document to others, beyond the state that is left at its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ties {
    /// Fonts, styles, lists or the character set were defined, which holds for all that follows.
    pub(super) has_defined: bool,
    /// The outermost group was closed: only where braces may be wrong does anything follow.
    pub(super) has_closed: bool,
    /// A field's code was begun.
    pub(super) has_instruction: bool,
    /// A field's result was met before that: its code may be in the part before.
    pub(super) lacks_instruction: bool,
}

/// Tabs and line breaks are not what a character is replaced by, but what sloppy writers put right after it.
fn is_visible(c: char) -> bool {
    !matches!(c, '\t' | '\n')
}
