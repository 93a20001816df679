//! What the fuzz targets share: a document converted in parts, against the whole.

use bytes::BytesMut;
use millpond::{ConversionOptions, Converter, DocumentConverter, Format};

/// Converts in parts of `size` bytes and whole, and demands that they are alike where the parts stand alone.
pub fn check(input: &[u8], from: Format, to: Format, size: usize) {
    let options = ConversionOptions { from: Some(from), to: Some(to), ..ConversionOptions::default() };
    let converter = DocumentConverter::new();
    let Some(split) = converter.split(input, &options, size) else { return };
    let mut parts = vec![BytesMut::new(); split.len()];
    for (part, out) in parts.iter_mut().enumerate().rev() {
        if converter.convert_part(input, &split, part, &options, out).is_err() {
            return;
        }
    }
    let (mut joined, mut whole) = (BytesMut::new(), BytesMut::new());
    if converter.join(&split, parts, &options, &mut joined).is_err() {
        return;
    }
    let done = converter.convert(input, &options, &mut whole);
    assert!(done.is_ok(), "the parts stand alone, and the whole does not: {done:?}");
    assert_eq!(joined, whole, "{split:?}");
}
