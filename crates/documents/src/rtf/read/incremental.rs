//! RTF that is converted while it is read.
//!
//! The reader takes tokens one by one anyway. A token at the end of the window may go on after it, so it waits until more is there;
//! raw bytes, and text that goes nowhere, need not.

use std::mem;

use bytes::{Bytes, BytesMut};

use super::extent::{has_head, start_of};
use super::reader::Reader;
use super::token::{Token, Tokens};
use millpond_convert::{ConversionOptions, ConvertError, Incremental, Loss, Parts, Report};

/// The way to Markdown. What is kept until it can be written is a paragraph, a table, a block of code; and all footnotes, which come
/// last.
pub(crate) struct ToMarkdown {
    reader: Reader,
    /// Where the window is in the document.
    offset: usize,
    /// So many bytes that come next are not tokens.
    skip: usize,
    /// The group that is the document has been closed.
    is_over: bool,
}

impl ToMarkdown {
    /// Begins with the document that begins with `head`.
    pub(crate) fn new(head: &[u8], options: &ConversionOptions) -> Result<Self, ConvertError> {
        let mut reader = Reader::new(options, BytesMut::new());
        let skip = start_of(head, options)?;
        if !has_head(head, skip) {
            reader.report.add(Loss::AssumedHead);
        }
        Ok(Self { reader, offset: 0, skip, is_over: false })
    }

    /// As [`Incremental::convert`], of bytes that need not be shared.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        is_last: bool,
        out: &mut BytesMut,
    ) -> Result<usize, ConvertError> {
        let was_over = self.is_over;
        self.reader.redirect(mem::take(out));
        let done = self.take(input, is_last);
        *out = self.reader.redirect(BytesMut::new());
        let done = done?;
        if self.is_over && !was_over {
            self.reader.append_notes(out);
        }
        self.offset += done;
        Ok(done)
    }

    /// Takes the tokens that are whole; says how far they go.
    fn take(&mut self, input: &[u8], is_last: bool) -> Result<usize, ConvertError> {
        let skipped = self.skip.min(input.len());
        self.skip -= skipped;
        let mut tokens = Tokens::new(input, skipped);
        while !self.is_over {
            let begin = tokens.offset();
            let Some(token) = tokens.next() else {
                if is_last {
                    self.reader.end_groups(self.offset + input.len())?;
                    self.reader.finish()?;
                    self.is_over = true;
                    break;
                }
                // Line ends are no tokens, and a backslash alone is none yet.
                let is_begun = begin < input.len() && input.ends_with(b"\\");
                return Ok(input.len() - usize::from(is_begun));
            };
            let end = tokens.offset();
            // A token is over where it can't go on, for which the next byte may be needed: `\u-` may be `\u-1`.
            if end + 1 >= input.len() && !is_last {
                match token {
                    Token::Text(_) if !self.reader.takes_text() => {}
                    _ if tokens.beyond() > 0 => {}
                    _ => return Ok(begin),
                }
            }
            self.skip = tokens.beyond();
            if self.reader.take(token, self.offset + end)? {
                self.reader.finish()?;
                self.is_over = true;
            }
        }
        // What follows is not part of the document.
        Ok(input.len())
    }

    /// As [`Incremental::held`].
    pub(crate) fn remembers(&self) -> usize {
        self.reader.held()
    }

    /// As [`Incremental::report`].
    pub(crate) fn losses(&self) -> Report {
        self.reader.report.clone()
    }
}

impl Incremental for ToMarkdown {
    fn convert(
        &mut self,
        input: &Bytes,
        is_last: bool,
        _: &dyn Parts,
        out: &mut BytesMut,
    ) -> Result<usize, ConvertError> {
        self.read(input, is_last, out)
    }

    fn held(&self) -> usize {
        self.remembers()
    }

    fn report(&self) -> Report {
        self.losses()
    }
}
