//! The trait that converts documents from one format to another, and its types.
//!
//! Use it through `millpond`, which re-exports it as `millpond::convert`. It is a separate package
//! so that a converter does not depend on the pool.

#![forbid(unsafe_code)]
// docs.rs: badges with the feature that an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod converter;
mod error;
mod extensions;
mod format;
mod incremental;
mod options;
mod report;
mod split;

pub use self::{
    converter::Converter,
    error::ConvertError,
    extensions::{HtmlPolicy, MarkdownExtensions},
    format::{Format, UnknownFormat},
    incremental::{ConvertPart, Incremental, OneByOne, Parts},
    options::ConversionOptions,
    report::{Loss, Report},
    split::Split,
};
