//! The trait that turns a document of one format into another, and its types.
//!
//! Use it through `millpond`, which re-exports it as `millpond::convert`. It is a package of its own so that a converter
//! can be written without the pool.

#![forbid(unsafe_code)]

mod converter;
mod error;
mod extensions;
mod format;
mod incremental;
mod options;
mod split;

pub use self::{
    converter::Converter,
    error::ConvertError,
    extensions::{HtmlPolicy, MarkdownExtensions},
    format::{Format, UnknownFormat},
    incremental::{ConvertPart, Incremental, OneByOne, Parts},
    options::ConversionOptions,
    split::Split,
};
