//! The conversion that every competitor does: one Markdown document to HTML.

use bytes::{Bytes, BytesMut};
use millpond::convert::{ConversionOptions, Converter, DocumentConverter, Format};

/// What is asked for.
pub fn options() -> ConversionOptions {
    ConversionOptions { from: Some(Format::Markdown), to: Some(Format::Html), ..ConversionOptions::default() }
}

/// Converts one document into a buffer of its own, which is large enough for most.
pub fn convert(document: &[u8], options: &ConversionOptions) -> Bytes {
    let mut html = BytesMut::with_capacity(document.len() + document.len() / 4);
    DocumentConverter::new().convert(document, options, &mut html).expect("Markdown becomes HTML");
    html.freeze()
}
