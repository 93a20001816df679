//! The default converter.

use bytes::BytesMut;

use millpond_convert::{ConversionOptions, ConvertError, Converter, Format, Incremental, Split};

use crate::html;
use crate::markdown::split;
use crate::rtf::{read as rtf, write as rtf_write};

/// Converts RTF to Markdown and HTML, and Markdown to RTF and HTML.
///
/// It has no state: one serves any number of threads. What each way keeps and what it drops is in `docs/converters.md`.
/// Time and memory are proportional to the larger of input and output; no input makes it recurse. Markdown for which the parser
/// would take longer is refused ([`ConvertError::TooComplex`]). It can
/// [split](Converter::split) documents, and convert them [while they are read](Converter::incremental), within limits that
/// `docs/documents.md` has.
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
    /// Converts Markdown piece by piece, and says whether the pieces make the whole; `out` is as it was if not.
    fn convert_in_pieces(&self, input: &[u8], options: &ConversionOptions, out: &mut BytesMut) -> bool {
        if input.len() < PIECES_FROM {
            return false;
        }
        let Some(split) = self.split(input, options, PIECES_FROM / 2) else { return false };
        let (before, mut len, mut parts) = (out.len(), 0, Vec::new());
        for part in 0..split.len() {
            let mut piece = BytesMut::new();
            let done = self.convert_part(input, &split, part, options, &mut piece);
            len += piece.len();
            if done.is_err() || len > options.max_output {
                return false;
            }
            parts.push(piece);
        }
        let is_joined = self.join(&split, parts, options, out).is_ok();
        if !is_joined {
            out.truncate(before);
        }
        is_joined
    }
}

impl Converter for DocumentConverter {
    /// Converts `input` and appends the result to `out`; on an error `out` is as it was.
    ///
    /// # Errors
    ///
    /// [`ConvertError::Unsupported`] for any other pair of formats than those above; [`ConvertError::Malformed`] for RTF
    /// that does not begin with `{\rtf` or ends inside a group; [`ConvertError::NotUtf8`] for Markdown that is not;
    /// [`ConvertError::TooDeep`] and [`ConvertError::OutputTooLarge`] past the limits of `options`;
    /// [`ConvertError::TooComplex`] for Markdown made to be slow. On the way from RTF
    /// to HTML the limit of output is also that of the Markdown in between, and offsets of the second step are those in it.
    fn convert(
        &self,
        input: &[u8],
        options: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<(), ConvertError> {
        let before = out.len();
        let (from, to) = options.resolve(input);
        let done = match (from, to) {
            (Format::Rtf, Format::Markdown) => rtf::to_markdown(input, options, out),
            (Format::Rtf, Format::Html) => {
                let mut markdown = BytesMut::new();
                let options = html::options_from_rtf(options);
                rtf::to_markdown(input, &options, &mut markdown).and_then(|()| {
                    if self.convert_in_pieces(&markdown, &options, out) {
                        return Ok(());
                    }
                    html::from_markdown(&markdown, &options, out)
                })
            }
            (Format::Markdown, Format::Rtf | Format::Html) if self.convert_in_pieces(input, options, out) => {
                Ok(())
            }
            (Format::Markdown, Format::Rtf) => rtf_write::from_markdown(input, options, out),
            (Format::Markdown, Format::Html) => html::from_markdown(input, options, out),
            (from, to) => Err(ConvertError::Unsupported { from, to }),
        };
        if done.is_err() {
            out.truncate(before);
        }
        done
    }

    /// # Errors
    ///
    /// [`ConvertError::Unsupported`] for a pair of formats that [`convert`](Self::convert) does not know.
    fn resolve(&self, input: &[u8], options: &ConversionOptions) -> Result<(Format, Format), ConvertError> {
        match options.resolve(input) {
            (from, to) if from == to || from == Format::Html => Err(ConvertError::Unsupported { from, to }),
            pair => Ok(pair),
        }
    }

    fn split(&self, input: &[u8], options: &ConversionOptions, chunk_size: usize) -> Option<Split> {
        match options.resolve(input) {
            (Format::Markdown, Format::Html) => {
                let plan = split::split(input, split::Reading::new(options), chunk_size)?;
                Some(Split::new(plan.parts().to_vec()).with_shared(html::Plan::new(plan)))
            }
            (Format::Markdown, Format::Rtf) => {
                let plan = split::split(input, split::Reading::new(options), chunk_size)?;
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
    ) -> Result<(), ConvertError> {
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
    ) -> Result<(), ConvertError> {
        if let Some(plan) = split.shared() {
            html::join(plan, parts, options, out)
        } else if let Some(plan) = split.shared() {
            rtf_write::join(plan, &parts, options, out)
        } else if let Some(plan) = split.shared() {
            rtf::join(plan, &parts, options, out)
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
        let is_told = options.from.is_some_and(|format| format != Format::Rtf);
        if !is_told && Format::skip_preamble(head).len() < b"{\\rtf".len() {
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
