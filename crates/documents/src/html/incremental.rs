//! HTML of documents that are converted while they are read.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use super::document::{from_markdown, make_room, options_from_rtf, write};
use super::ids;
use super::parts::{Plan, from_part};
use crate::markdown::Reading;
use crate::markdown::split::{self, Windows, Written};
use crate::rtf::read as rtf;
use millpond_convert::{ConversionOptions, ConvertError, Incremental, Parts, Report};

/// Incremental conversion from Markdown.
pub(crate) struct FromMarkdown {
    windows: Windows,
    options: ConversionOptions,
    /// The size of the parts that are converted in parallel.
    chunk_size: usize,
    /// The number of bytes written so far.
    written: usize,
    report: Report,
}

impl FromMarkdown {
    pub(crate) fn new(options: &ConversionOptions) -> Self {
        let chunk_size = options.chunk_size.unwrap_or(usize::MAX);
        Self {
            windows: Windows::new(Reading::new(options)),
            options: options.clone(),
            chunk_size,
            written: 0,
            report: Report::default(),
        }
    }

    /// The options, with the limit of the output reduced by the bytes already written.
    fn options_left(&self) -> ConversionOptions {
        ConversionOptions {
            max_output: self.options.max_output.saturating_sub(self.written),
            ..self.options.clone()
        }
    }

    fn too_large(&self) -> ConvertError {
        ConvertError::OutputTooLarge { limit: self.options.max_output }
    }

    /// Converts the parts. Returns whether their output equals that of the whole; if not, `out` is
    /// unchanged.
    fn try_parts(
        &mut self,
        input: &Bytes,
        plan: split::Plan,
        parts: &dyn Parts,
        out: &mut BytesMut,
    ) -> Result<bool, ConvertError> {
        let before = out.len();
        let lengths: Vec<usize> = plan.parts().iter().map(Range::len).collect();
        let end = plan.parts().last().map_or(0, |part| part.end);
        let plan = Arc::new(Plan::new(plan));
        let convert = {
            let (input, plan, options) = (input.clone(), Arc::clone(&plan), self.options.clone());
            move |part, out: &mut BytesMut| from_part(&input, part, &plan, &options, out)
        };
        let converted = parts.convert(&lengths, Arc::new(convert), out);
        let Some(report) = converted.ok().filter(|_| self.windows.accepts(&plan.source, end)) else {
            out.truncate(before);
            return Ok(false);
        };
        self.report.merge(&report);
        self.report.merge(&plan.source.report());
        if !ids::make_unique(out, before, &plan.ids, self.windows.slugs()) {
            return Err(ConvertError::inseparable());
        }
        self.written = self.written.saturating_add(out.len() - before);
        if self.written > self.options.max_output { Err(self.too_large()) } else { Ok(true) }
    }

    /// Converts the rest of the document.
    fn convert_rest(
        &mut self,
        input: &[u8],
        stretch: Range<usize>,
        out: &mut BytesMut,
    ) -> Result<(), ConvertError> {
        let (end, left) = (stretch.end, self.options_left());
        make_room(stretch.len(), &left, out);
        let (text, written) = (self.windows.text(input, stretch), Written::new());
        let done = self.windows.rest(&text, &written).and_then(|source| write(source, &left, out));
        match done {
            Ok((report, _)) => {
                self.report.merge(&report);
                self.windows.finish(end, &written)
            }
            Err(ConvertError::OutputTooLarge { .. }) => Err(self.too_large()),
            // Here the output reached its limit.
            Err(ConvertError::Converter(_)) => self.windows.finish(end, &Written::new()),
            Err(error) => Err(error),
        }
    }
}

impl Incremental for FromMarkdown {
    fn convert(
        &mut self,
        input: &Bytes,
        is_last: bool,
        parts: &dyn Parts,
        out: &mut BytesMut,
    ) -> Result<usize, ConvertError> {
        let Some(stretch) = self.windows.stretch(input, is_last)? else { return Ok(0) };
        let end = stretch.end;
        if let Some(plan) = self.windows.in_parts(input, stretch.clone(), self.chunk_size, is_last) {
            if self.try_parts(input, plan, parts, out)? {
                return Ok(end);
            }
        }
        if !is_last {
            let done = match self.windows.in_one(input, stretch) {
                Some(plan) => self.try_parts(input, plan, parts, out)?,
                None => false,
            };
            return Ok(if done { end } else { 0 });
        }
        if self.windows.is_at_start() {
            // The stretch could not be read piece by piece.
            self.report = from_markdown(input, &self.options, out)?;
        } else {
            self.convert_rest(input, stretch, out)?;
        }
        Ok(input.len())
    }

    fn held(&self) -> usize {
        self.windows.held()
    }

    fn report(&self) -> Report {
        self.report.clone()
    }
}

/// Incremental conversion from RTF. The intermediate Markdown is read through a window of its own.
pub(crate) struct FromRtf {
    to_markdown: rtf::ToMarkdown,
    to_html: FromMarkdown,
    markdown: BytesMut,
    /// How much Markdown must be available before it is converted.
    target: usize,
    chunk_size: usize,
    /// The number of bytes of the document consumed so far.
    offset: usize,
}

impl FromRtf {
    /// Creates a conversion of the document that begins with `head`.
    pub(crate) fn new(head: &[u8], options: &ConversionOptions) -> Result<Self, ConvertError> {
        let chunk_size = options.chunk_size.unwrap_or(head.len());
        Ok(Self {
            to_markdown: rtf::ToMarkdown::new(head, options)?,
            to_html: FromMarkdown::new(&options_from_rtf(options)),
            markdown: BytesMut::new(),
            target: chunk_size,
            chunk_size,
            offset: 0,
        })
    }
}

impl Incremental for FromRtf {
    fn convert(
        &mut self,
        input: &Bytes,
        is_last: bool,
        parts: &dyn Parts,
        out: &mut BytesMut,
    ) -> Result<usize, ConvertError> {
        let read = self.to_markdown.read(input, is_last, &mut self.markdown)?;
        if is_last || self.markdown.len() >= self.target {
            let mut window = std::mem::take(&mut self.markdown).freeze();
            let done = self.to_html.convert(&window, is_last, parts, out).map_err(|error| match error {
                ConvertError::NeedsWhole { what, .. } => {
                    ConvertError::NeedsWhole { offset: self.offset as u64, what }
                }
                error => error,
            })?;
            window.advance(done);
            // The window was too short, so it is doubled: no byte is read very often.
            self.target = self.chunk_size.max(2 * window.len());
            self.markdown = window.into();
        }
        self.offset += read;
        Ok(read)
    }

    fn held(&self) -> usize {
        self.to_markdown.remembers() + self.markdown.len() + self.to_html.held()
    }

    fn report(&self) -> Report {
        let mut report = self.to_markdown.losses();
        report.merge(&self.to_html.report());
        report
    }
}
