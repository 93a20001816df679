//! Executes tokens: opens and closes groups, and passes text and control words on.

use std::mem;

use super::extent::unclosed;
use super::reader::Reader;
use super::state::{Destination, Group};
use super::token::{Token, Tokens};
use millpond_convert::{ConvertError, Loss};

impl Reader {
    /// Reads `input` from the brace at `start` to its matching brace.
    pub(super) fn read(&mut self, input: &[u8], start: usize) -> Result<(), ConvertError> {
        let is_closed = self.read_until(&mut Tokens::new(input, start), usize::MAX)?;
        if !is_closed {
            self.end_groups(input.len())?;
        }
        self.finish()
    }

    /// Handles the end of the input, at `offset`, before the last closing brace. In lenient mode it
    /// closes all groups.
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

    /// Executes the tokens that begin before `end`. Returns `true` if one of them closes the
    /// document.
    pub(super) fn read_until(&mut self, tokens: &mut Tokens<'_>, end: usize) -> Result<bool, ConvertError> {
        while tokens.offset() < end {
            let Some(token) = tokens.next() else { return Ok(false) };
            if self.take(token, tokens.offset())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Executes a token that ends at `offset`. Returns `true` if it closes the document.
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
                self.dependencies.has_closed |= is_closed;
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
            Token::Word(word, _) if self.decoder.skips(|| word.character().is_some_and(is_visible)) => {}
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
            // In any other position `\*` is ignored. Dropping what follows would lose text.
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
            // The end of the footnote ends its last paragraph, even in a table.
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

    /// Restores the state of the outer group.
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
            Destination::Instruction if is_apart && outer.destination.is_paragraph_text() => {
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

    pub(super) fn finish(&mut self) -> Result<(), ConvertError> {
        self.end_paragraph();
        self.body.finish();
        self.check_size()
    }

    fn check_size(&mut self) -> Result<(), ConvertError> {
        let limit = self.max_output;
        self.peak = self.peak.max(self.body.written().saturating_add(self.notes.written()));
        if self.peak > limit {
            return Err(ConvertError::OutputTooLarge { limit });
        }
        Ok(())
    }
}

/// Whether the character counts as a fallback. Tabs and line breaks do not: some programs write
/// them directly after the escape.
fn is_visible(c: char) -> bool {
    !matches!(c, '\t' | '\n')
}
