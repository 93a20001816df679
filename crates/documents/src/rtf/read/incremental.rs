//! Converts RTF while it is read.
//!
//! A token at the end of the window may continue after it, so it waits for more input. Raw bytes,
//! and text that is not kept, need not wait.

use std::mem;

use bytes::{Bytes, BytesMut};

use super::extent::{has_head, start_of};
use super::reader::Reader;
use super::token::{Token, Tokens};
use millpond_convert::{ConversionOptions, ConvertError, Incremental, Loss, Parts, Report};

/// Incremental conversion to Markdown. It retains the current paragraph, table or block of code,
/// and all footnotes, which are written last.
pub(crate) struct ToMarkdown {
    reader: Reader,
    /// The offset of the window in the document.
    offset: usize,
    /// The number of following bytes that are not tokens.
    skip: usize,
    /// Whether the document's group has been closed.
    is_over: bool,
}

impl ToMarkdown {
    /// Creates a conversion of the document that begins with `head`.
    pub(crate) fn new(head: &[u8], options: &ConversionOptions) -> Result<Self, ConvertError> {
        let mut reader = Reader::new(options, BytesMut::new());
        let skip = start_of(head, options)?;
        if !has_head(head, skip) {
            reader.report.add(Loss::AssumedHead);
        }
        Ok(Self { reader, offset: 0, skip, is_over: false })
    }

    /// Implements [`Incremental::convert`] for a slice.
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

    /// Executes all complete tokens. Returns where they end.
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
                // Line ends are not tokens, and a single backslash is not a complete one.
                let is_begun = begin < input.len() && input.ends_with(b"\\");
                return Ok(input.len() - usize::from(is_begun));
            };
            let end = tokens.offset();
            // The next byte may be needed to see the end of a token: `\u-` may be `\u-1`.
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
        // The rest is not part of the document.
        Ok(input.len())
    }

    /// Implements [`Incremental::held`].
    pub(crate) fn remembers(&self) -> usize {
        self.reader.held()
    }

    /// Implements [`Incremental::report`].
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
