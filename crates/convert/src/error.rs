//! Why a document could not be converted.

use std::borrow::Cow;
use std::error::Error;

use super::Format;

/// Why a document could not be converted.
///
/// ```
/// use bytes::BytesMut;
/// use millpond::convert::{ConversionOptions, ConvertError, Converter, DocumentConverter};
///
/// let (options, mut out) = (ConversionOptions::default(), BytesMut::new());
/// let error = DocumentConverter::new().convert(br"{\rtf1 Cut o", &options, &mut out).unwrap_err();
/// assert!(matches!(error, ConvertError::Malformed { offset: 12, .. }));
/// let text = "it ends inside a group; the option `lenient` reads what there is";
/// assert_eq!(error.to_string(), format!("malformed RTF at byte 12: {text}"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The converter does not support this pair of formats.
    #[error("no way from {from} to {to}")]
    Unsupported {
        /// The format of the document.
        from: Format,
        /// The format requested.
        to: Format,
    },
    /// The document is in a text format, but is not UTF-8.
    #[error("not UTF-8 after {valid_up_to} bytes")]
    NotUtf8 {
        /// How many bytes at the start of the input are valid UTF-8.
        valid_up_to: usize,
    },
    /// The document is malformed, or was truncated.
    #[error("malformed {format} at byte {offset}: {what}")]
    Malformed {
        /// The format that the document claims.
        format: Format,
        /// The offset in the input, in bytes.
        offset: usize,
        /// What is wrong.
        what: Cow<'static, str>,
    },
    /// The document nests deeper than [`max_depth`](super::ConversionOptions::max_depth), or if it
    /// is RTF, than [`max_groups`](super::ConversionOptions::max_groups).
    #[error("nested deeper than {limit} levels at byte {offset}")]
    TooDeep {
        /// The allowed depth.
        limit: usize,
        /// The offset in the input, in bytes.
        offset: usize,
    },
    /// Parsing the document would take many times as long as its length accounts for. The converter
    /// decides what it counts, and the limit.
    #[error("too complex at byte {offset}: it would take more than {limit} steps")]
    TooComplex {
        /// How many steps are allowed.
        limit: usize,
        /// The offset in the input, in bytes.
        offset: usize,
    },
    /// The output exceeds [`max_output`](super::ConversionOptions::max_output).
    #[error("the converted document is larger than {limit} bytes")]
    OutputTooLarge {
        /// The allowed size, in bytes.
        limit: usize,
    },
    /// The document can't be converted while it is read. It can be converted whole. Only
    /// [`Incremental`](super::Incremental) conversions fail with this.
    #[error("can't be converted while it is read, because of what is after byte {offset}: {what}")]
    NeedsWhole {
        /// The offset in the document, in bytes. All that precedes it has been converted.
        offset: u64,
        /// What prevents it.
        what: Cow<'static, str>,
    },
    /// An error of another converter.
    #[error(transparent)]
    Converter(Box<dyn Error + Send + Sync>),
}

impl ConvertError {
    /// Wraps the error of another converter. Its message becomes the message of this error.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Converter(error.into())
    }

    /// The error of a part that can't be converted separately. The document is then converted
    /// whole.
    #[must_use]
    pub fn inseparable() -> Self {
        Self::other("this part of the document depends on others")
    }
}
