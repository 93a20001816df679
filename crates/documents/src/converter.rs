//! The default converter.

use std::borrow::Cow;

use bytes::BytesMut;

use millpond_convert::{ConversionOptions, ConvertError, Converter, Format, Incremental, Report, Split};

use crate::html;
use crate::markdown::{self, split};
use crate::rtf::{read as rtf, write as rtf_write};

/// How many bytes, without leading white space, suffice to detect the format: a brace, an asterisk
/// and a control word.
const LONGEST_FIRST_WORD: usize = 48;

/// Whether more input after `head` could show that the document is RTF, with or without its header.
fn is_undecided(head: &[u8]) -> bool {
    let rest = Format::skip_preamble(head);
    let may_be_rtf = matches!(rest.first(), Some(b'{' | b'\\')) && !rest.starts_with(b"{\\rtf");
    rest.len() < b"{\\rtf".len() || (may_be_rtf && rest.len() < LONGEST_FIRST_WORD)
}

/// Returns the formats of a conversion of `input`. Input that is probably RTF without its header is
/// RTF if the options allow it, and an error otherwise: read as Markdown, its control words would
/// be text.
fn formats(input: &[u8], options: &ConversionOptions) -> Result<(Format, Format), ConvertError> {
    if options.from.is_some() || !Format::is_rtf_without_head(input) {
        return Ok(options.resolve(input));
    }
    if options.lenient {
        return Ok(ConversionOptions { from: Some(Format::Rtf), ..options.clone() }.resolve(input));
    }
    Err(ConvertError::Malformed {
        format: Format::Rtf,
        offset: input.len() - Format::skip_preamble(input).len(),
        what: Cow::Borrowed(
            "it looks like RTF without its head, {\\rtf1: the option `lenient` reads it all the same; if it is Markdown, name that",
        ),
    })
}

/// Converts RTF to Markdown and HTML, and Markdown to RTF and HTML.
///
/// It has no state: one converter serves any number of threads. Millpond's guide [converters]
/// states what each conversion keeps and what it drops. Time and memory are proportional to the
/// larger of input and output. No input causes recursion. Markdown that would take the parser
/// longer is rejected ([`ConvertError::TooComplex`]). The converter can [split](Converter::split)
/// documents, and convert them [while they are read](Converter::incremental), within limits that
/// the guide [documents] states.
///
/// [converters]: https://docs.rs/millpond/latest/millpond/guide/converters/index.html
/// [documents]: https://docs.rs/millpond/latest/millpond/guide/documents/index.html
///
/// ```
/// use bytes::BytesMut;
/// use millpond::convert::{ConversionOptions, Converter, DocumentConverter, Format};
///
/// let to_html = ConversionOptions { to: Some(Format::Html), ..Default::default() };
/// let mut html = BytesMut::new();
/// DocumentConverter::new().convert(b"All *done*", &to_html, &mut html)?;
/// assert_eq!(html, "<p>All <em>done</em></p>\n");
/// # Ok::<(), millpond::convert::ConvertError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct DocumentConverter {
    _private: (),
}

impl DocumentConverter {
    /// Creates a converter, as `default()` does.
    #[must_use]
    pub const fn new() -> Self {
        Self { _private: () }
    }
}

/// Longer Markdown is read in pieces of half this size, where it can be cut. The parser's memory is
/// up to 150 times its input.
const PIECES_FROM: usize = 256 << 10;

impl DocumentConverter {
    /// Appends RTF as HTML. The intermediate format is Markdown.
    fn rtf_to_html(
        &self,
        input: &[u8],
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        let mut markdown = BytesMut::new();
        let mut report = rtf::to_markdown(input, options, &mut markdown)?;
        let options = html::options_from_rtf(options);
        report.merge(&self.markdown_to(&markdown, Format::Html, &options, out)?);
        Ok(report)
    }

    /// Appends Markdown as RTF or HTML. Long input is converted piece by piece. Short input, and
    /// input whose pieces do not produce the output of the whole, is converted whole.
    fn markdown_to(
        &self,
        input: &[u8],
        to: Format,
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        if input.len() >= PIECES_FROM {
            let options = ConversionOptions { from: Some(Format::Markdown), to: Some(to), ..options.clone() };
            if let Some(report) = self.in_pieces(input, &options, out) {
                return Ok(report);
            }
        }
        match to {
            Format::Rtf => rtf_write::from_markdown(input, options, out),
            _ => html::from_markdown(input, options, out),
        }
    }

    /// Converts Markdown piece by piece. `None` if the pieces do not produce the output of the
    /// whole; `out` is then unchanged.
    fn in_pieces(&self, input: &[u8], options: &ConversionOptions, out: &mut BytesMut) -> Option<Report> {
        let split = self.split(input, options, PIECES_FROM / 2)?;
        let (before, mut len, mut parts) = (out.len(), 0, Vec::new());
        let mut report = Report::default();
        for part in 0..split.len() {
            let mut piece = BytesMut::new();
            report.merge(&self.convert_part(input, &split, part, options, &mut piece).ok()?);
            len += piece.len();
            if len > options.max_output {
                return None;
            }
            parts.push(piece);
        }
        match self.join(&split, parts, options, out) {
            Ok(of_join) => {
                report.merge(&of_join);
                Some(report)
            }
            Err(_) => {
                out.truncate(before);
                None
            }
        }
    }
}

/// A conversion with at most this memory is charged the length of its document, so that as many
/// conversions run in parallel as there are threads.
const SMALL: usize = 16 << 20;

/// The maximum memory of the RTF reader with its Markdown output, per byte of input.
const RTF_FACTOR: usize = 40;

/// The maximum memory of the Markdown parser with its text and its HTML output, per byte of input,
/// without the limit on the parser's tree.
const MARKDOWN_FACTOR: usize = 150;

/// The maximum memory of the Markdown parser without its tree, per byte of input.
const TEXT_FACTOR: usize = 10;

/// The maximum ratio of RTF output to Markdown input, reached by definitions of lists; and the
/// additional memory of the output buffers while they grow.
const RTF_OUTPUT: usize = 150;
const GROWTH: usize = 3;

/// The maximum memory of the conversion of a document of `len` bytes.
fn most_held(len: usize, (from, to): (Format, Format), max_output: usize) -> usize {
    let parsed = len
        .saturating_mul(MARKDOWN_FACTOR)
        .min(len.saturating_mul(TEXT_FACTOR).saturating_add(markdown::MAX_TREE));
    match (from, to) {
        (Format::Rtf, Format::Html) => len.saturating_mul(RTF_FACTOR).saturating_add(parsed),
        (Format::Rtf, _) => len.saturating_mul(RTF_FACTOR),
        (_, Format::Rtf) => {
            let output = len.saturating_mul(RTF_OUTPUT).min(max_output);
            parsed.saturating_add(output.saturating_mul(GROWTH))
        }
        _ => parsed,
    }
}

impl Converter for DocumentConverter {
    /// Converts `input` and appends the result to `out`. On an error `out` is unchanged.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Unsupported`] for any other pair of formats than those above;
    /// [`ConvertError::Malformed`] for RTF that does not begin with `{\rtf` or ends inside a group,
    /// unless [`lenient`](ConversionOptions::lenient) allows it, and for input that is probably RTF
    /// without its header if no format is named; [`ConvertError::NotUtf8`] for Markdown that is not
    /// UTF-8; [`ConvertError::TooDeep`] and [`ConvertError::OutputTooLarge`] beyond the limits of
    /// `options`; [`ConvertError::TooComplex`] for Markdown that takes the parser too long. In a
    /// conversion from RTF to HTML the limit of the output also applies to the intermediate
    /// Markdown, and offsets in errors of the second step refer to it.
    fn convert(
        &self,
        input: &[u8],
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        let before = out.len();
        let (from, to) = formats(input, options)?;
        let done = match (from, to) {
            (Format::Rtf, Format::Markdown) => rtf::to_markdown(input, options, out),
            (Format::Rtf, Format::Html) => self.rtf_to_html(input, options, out),
            (Format::Markdown, Format::Rtf | Format::Html) => self.markdown_to(input, to, options, out),
            (from, to) => Err(ConvertError::Unsupported { from, to }),
        };
        if done.is_err() {
            out.truncate(before);
        }
        done
    }

    /// # Errors
    ///
    /// [`ConvertError::Unsupported`] for a pair of formats that [`convert`](Self::convert) does not
    /// support, and [`ConvertError::Malformed`] for input that is probably RTF without its header,
    /// if no format is named.
    fn resolve(&self, input: &[u8], options: &ConversionOptions) -> Result<(Format, Format), ConvertError> {
        match formats(input, options)? {
            (from, to) if from == to || from == Format::Html => Err(ConvertError::Unsupported { from, to }),
            pair => Ok(pair),
        }
    }

    /// The maximum memory of the conversion, measured with worst-case documents; the length of the
    /// document if the maximum is less than 16 MiB. The guide states the factors.
    fn memory(&self, input: &[u8], options: &ConversionOptions) -> usize {
        let Ok(formats) = formats(input, options) else { return input.len() };
        let most = most_held(input.len(), formats, options.max_output);
        if most <= SMALL { input.len() } else { most }
    }

    fn split(&self, input: &[u8], options: &ConversionOptions, chunk_size: usize) -> Option<Split> {
        match formats(input, options).ok()? {
            (Format::Markdown, Format::Html) => {
                let plan = split::split(input, markdown::Reading::new(options), chunk_size)?;
                Some(Split::new(plan.parts().to_vec()).with_shared(html::Plan::new(plan)))
            }
            (Format::Markdown, Format::Rtf) => {
                let plan = split::split(input, markdown::Reading::new(options), chunk_size)?;
                Some(Split::new(plan.parts().to_vec()).with_shared(rtf_write::Plan::new(plan)))
            }
            (Format::Rtf, Format::Markdown) => {
                let (parts, plan) = rtf::split(input, options, chunk_size)?;
                Some(Split::new(parts).with_shared(plan))
            }
            // The HTML of RTF is made from its Markdown, which must be complete first.
            _ => None,
        }
    }

    fn convert_part(
        &self,
        input: &[u8],
        split: &Split,
        part: usize,
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        if let Some(plan) = split.shared() {
            html::from_part(input, part, plan, options, out)
        } else if let Some(plan) = split.shared() {
            rtf_write::from_part(input, part, plan, options, out)
        } else if let Some(plan) = split.shared() {
            rtf::from_part(input, split, part, plan, options, out)
        } else {
            Err(ConvertError::inseparable())
        }
    }

    fn join(
        &self,
        split: &Split,
        parts: Vec<BytesMut>,
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        if let Some(plan) = split.shared() {
            html::join(plan, parts, options, out)
        } else if let Some(plan) = split.shared() {
            rtf_write::join(plan, &parts, options, out)
        } else if let Some(plan) = split.shared() {
            rtf::join(plan, &parts, options, out).map(|()| Report::default())
        } else {
            Err(ConvertError::inseparable())
        }
    }

    /// Supports RTF to Markdown and HTML, and Markdown to HTML. Output in RTF is not supported: its
    /// header contains all lists of the document.
    fn incremental(
        &self,
        head: &[u8],
        options: &ConversionOptions,
    ) -> Result<Option<Box<dyn Incremental>>, ConvertError> {
        if options.from.is_none_or(|format| format == Format::Rtf) && is_undecided(head) {
            // After that much white space the format is still unknown.
            return Ok(None);
        }
        Ok(match self.resolve(head, options)? {
            (Format::Rtf, Format::Markdown) => Some(Box::new(rtf::ToMarkdown::new(head, options)?)),
            (Format::Rtf, Format::Html) => Some(Box::new(html::FromRtf::new(head, options)?)),
            (Format::Markdown, Format::Html) => Some(Box::new(html::FromMarkdown::new(options))),
            _ => None,
        })
    }
}
