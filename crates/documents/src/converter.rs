//! The default converter.

use std::borrow::Cow;

use bytes::BytesMut;

use millpond_convert::{ConversionOptions, ConvertError, Converter, Format, Incremental, Report, Split};

use crate::html;
use crate::markdown::{self, split};
use crate::rtf::{read as rtf, write as rtf_write};

/// So much of a document, white space before it aside, says what it is in: a brace, a star and a
/// control word.
const LONGEST_FIRST_WORD: usize = 48;

/// Whether what follows `head` may still say that the document is RTF, with its head or without.
fn is_undecided(head: &[u8]) -> bool {
    let rest = Format::skip_preamble(head);
    let may_be_rtf = matches!(rest.first(), Some(b'{' | b'\\')) && !rest.starts_with(b"{\\rtf");
    rest.len() < b"{\\rtf".len() || (may_be_rtf && rest.len() < LONGEST_FIRST_WORD)
}

/// What `input` is, and what is to become of it. What looks like RTF without its head is that if it
/// may be, and an error otherwise: as Markdown its control words would be text.
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
/// It has no state: one serves any number of threads. What each way keeps and what it drops is in millpond's guide [converters].
/// Time and memory are proportional to the larger of input and output; no input makes it recurse. Markdown for which the parser
/// would take longer is refused ([`ConvertError::TooComplex`]). It can
/// [split](Converter::split) documents, and convert them [while they are read](Converter::incremental), within limits that
/// the guide [documents] has.
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
    /// A converter. The same as `default()`.
    #[must_use]
    pub const fn new() -> Self {
        Self { _private: () }
    }
}

/// Markdown that is longer is read in pieces of half this, where it can be cut: the parser holds up to 150 times what it reads.
const PIECES_FROM: usize = 256 << 10;

impl DocumentConverter {
    /// Appends RTF as HTML, by way of Markdown.
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

    /// Appends Markdown as RTF or HTML: piece by piece if it is long, else, or if the pieces do not make the whole, whole.
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

    /// Converts Markdown piece by piece. `None` if the pieces do not make the whole; `out` is as it was then.
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

/// A conversion that holds no more than this counts for the length of its document: as many run at once as there are threads.
const SMALL: usize = 16 << 20;

/// What reading RTF holds at the most, its Markdown included, in bytes by byte.
const RTF_FACTOR: usize = 40;

/// What parsing Markdown holds at the most, its text and HTML included, in bytes by byte, whatever the parser's tree is.
const MARKDOWN_FACTOR: usize = 150;

/// The same without the tree.
const TEXT_FACTOR: usize = 10;

/// How many times as long as its Markdown RTF may be: most of it is definitions of lists. And how much the buffers that hold it
/// may take beside it while they grow.
const RTF_OUTPUT: usize = 150;
const GROWTH: usize = 3;

/// What the conversion of a document of `len` bytes may hold at the most.
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
    /// Converts `input` and appends the result to `out`; on an error `out` is as it was.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Unsupported`] for any other pair of formats than those above;
    /// [`ConvertError::Malformed`] for RTF that does not begin with `{\rtf` or ends inside a group,
    /// unless [`lenient`](ConversionOptions::lenient) lets it, and for what looks like RTF without
    /// its head if no format is named; [`ConvertError::NotUtf8`] for Markdown that is not;
    /// [`ConvertError::TooDeep`] and [`ConvertError::OutputTooLarge`] past the limits of `options`;
    /// [`ConvertError::TooComplex`] for Markdown made to be slow. On the way from RTF to HTML the limit
    /// of output is also that of the Markdown in between, and offsets of the second step are those in
    /// it.
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
    /// know, and [`ConvertError::Malformed`] for what looks like RTF without its head, if no format
    /// is named.
    fn resolve(&self, input: &[u8], options: &ConversionOptions) -> Result<(Format, Format), ConvertError> {
        match formats(input, options)? {
            (from, to) if from == to || from == Format::Html => Err(ConvertError::Unsupported { from, to }),
            pair => Ok(pair),
        }
    }

    /// What the conversion may hold at the most, by the worst of many shapes; the length of the document where that is less than
    /// 16 MiB. The factors are in the guide.
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
            // RTF becomes HTML by way of Markdown, which is only there when it is whole.
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

    /// RTF to Markdown and HTML, and Markdown to HTML. RTF that is written is not: its head says what lists there are in all of it.
    fn incremental(
        &self,
        head: &[u8],
        options: &ConversionOptions,
    ) -> Result<Option<Box<dyn Incremental>>, ConvertError> {
        if options.from.is_none_or(|format| format == Format::Rtf) && is_undecided(head) {
            // It is not even clear what it is, after so much white space.
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
