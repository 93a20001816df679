//! Documents from one format to another: the [`Converter`] that a processor is generic over, and the default one.
//!
//! `DocumentConverter` (feature `documents`) reads RTF and Markdown and writes Markdown, RTF and HTML, straight into
//! the buffer it is given:
//!
#![cfg_attr(feature = "documents", doc = "```")]
#![cfg_attr(not(feature = "documents"), doc = "```ignore")]
//! use bytes::BytesMut;
//! use millpond::convert::{ConversionOptions, Converter, DocumentConverter};
//!
//! let mut markdown = BytesMut::new();
//! let rtf = br"{\rtf1\ansi Caf\'e9 {\b au lait}\par}";
//! DocumentConverter::default().convert(rtf, &ConversionOptions::default(), &mut markdown)?;
//! assert_eq!(markdown, "Café **au lait**\n");
//! # Ok::<(), millpond::convert::ConvertError>(())
//! ```

#[doc(inline)]
pub use millpond_convert::{
    ConversionOptions, ConvertError, ConvertPart, Converter, Format, HtmlPolicy, Incremental, Loss,
    MarkdownExtensions, OneByOne, Parts, Report, Split, UnknownFormat,
};
#[cfg(feature = "documents")]
#[doc(inline)]
pub use millpond_documents::DocumentConverter;
