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
    /// The converter knows no way from one format to the other.
    #[error("no way from {from} to {to}")]
    Unsupported {
        /// What the document is written in.
        from: Format,
        /// What was asked for.
        to: Format,
    },
    /// A text format that is not UTF-8.
    #[error("not UTF-8 after {valid_up_to} bytes")]
    NotUtf8 {
        /// How many bytes of the input are UTF-8.
        valid_up_to: usize,
    },
    /// Not a document of its format, or one that was cut off.
    #[error("malformed {format} at byte {offset}: {what}")]
    Malformed {
        /// What the document claims to be.
        format: Format,
        /// Where in the input, in bytes.
        offset: usize,
        /// What is wrong.
        what: Cow<'static, str>,
    },
    /// The document nests deeper than [`max_depth`](super::ConversionOptions::max_depth), or if it
    /// is RTF, than [`max_groups`](super::ConversionOptions::max_groups).
    #[error("nested deeper than {limit} levels at byte {offset}")]
    TooDeep {
        /// The depth that is allowed.
        limit: usize,
        /// Where in the input, in bytes.
        offset: usize,
    },
    /// Reading the document would take many times as long as its length accounts for. What is counted, and how, is the
    /// converter's; so is the limit.
    #[error("too complex at byte {offset}: it would take more than {limit} steps")]
    TooComplex {
        /// How many steps are allowed.
        limit: usize,
        /// Where in the input, in bytes.
        offset: usize,
    },
    /// The document becomes larger than [`max_output`](super::ConversionOptions::max_output).
    #[error("the converted document is larger than {limit} bytes")]
    OutputTooLarge {
        /// The size that is allowed, in bytes.
        limit: usize,
    },
    /// The document can't be converted while it is read, as it turned out on the way; whole it could be. Only
    /// [`Incremental`](super::Incremental) conversions fail with this.
    #[error("can't be converted while it is read, because of what is after byte {offset}: {what}")]
    NeedsWhole {
        /// Where in the document, in bytes: what comes before has been converted.
        offset: u64,
        /// What is in the way.
        what: Cow<'static, str>,
    },
    /// A failure of a converter of your own.
    #[error(transparent)]
    Converter(Box<dyn Error + Send + Sync>),
}

impl ConvertError {
    /// Wraps the error of a converter of your own. Its message becomes that of the whole.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Converter(error.into())
    }

    /// The error of a part that cannot be converted without the others: the document is then converted whole.
    #[must_use]
    pub fn inseparable() -> Self {
        Self::other("this part of the document depends on others")
    }
}
