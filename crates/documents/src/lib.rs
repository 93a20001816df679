//! RTF to Markdown and HTML, Markdown to RTF and HTML: [`DocumentConverter`].
//!
//! Use it through `millpond`, which re-exports it with the feature `documents`, on by default. What
//! each way keeps of a document is in the guide `converters` there.
//!
//! ```
//! use bytes::BytesMut;
//! use millpond_convert::{ConversionOptions, Converter};
//! use millpond_documents::DocumentConverter;
//!
//! let mut markdown = BytesMut::new();
//! let rtf = br"{\rtf1\ansi Caf\'e9 {\b au lait}\par}";
//! DocumentConverter::default().convert(rtf, &ConversionOptions::default(), &mut markdown)?;
//! assert_eq!(markdown, "Café **au lait**\n");
//! # Ok::<(), millpond_convert::ConvertError>(())
//! ```

#![forbid(unsafe_code)]

mod byte_table;
mod converter;
mod html;
mod markdown;
mod model;
mod rtf;

pub use self::converter::DocumentConverter;
