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

mod converter;
mod error;
mod format;
mod incremental;
mod options;
mod split;

#[cfg(feature = "documents")]
mod document;
#[cfg(feature = "documents")]
mod html;
#[cfg(feature = "documents")]
mod markdown;
#[cfg(feature = "documents")]
mod model;
#[cfg(feature = "documents")]
mod rtf;
#[cfg(feature = "documents")]
mod rtf_write;
#[cfg(feature = "documents")]
mod source;

#[cfg(feature = "documents")]
pub use self::document::DocumentConverter;
pub use self::{
    converter::Converter,
    error::ConvertError,
    format::{Format, UnknownFormat},
    incremental::{ConvertPart, Incremental, OneByOne, Parts},
    options::ConversionOptions,
    split::Split,
};
