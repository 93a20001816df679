//! What the fuzz targets share: a document converted in parts, or while it is read, against the whole.

use bytes::{Bytes, BytesMut};
use millpond::convert::{OneByOne, Report};
use millpond::{ConversionOptions, ConvertError, Converter, DocumentConverter, Format};

/// Converts the document, whatever becomes of it.
pub fn convert(input: &[u8], from: Format, to: Format) {
    let options = ConversionOptions { from: Some(from), to: Some(to), ..ConversionOptions::default() };
    let _ = DocumentConverter::new().convert(input, &options, &mut BytesMut::new());
}

/// Converts in parts of `size` bytes and whole, and demands that they are alike where the parts stand alone.
pub fn check(input: &[u8], from: Format, to: Format, size: usize) {
    let options = ConversionOptions { from: Some(from), to: Some(to), ..ConversionOptions::default() };
    let converter = DocumentConverter::new();
    let Some(split) = converter.split(input, &options, size) else { return };
    let mut parts = vec![BytesMut::new(); split.len()];
    let mut report = Report::default();
    for (part, out) in parts.iter_mut().enumerate().rev() {
        let Ok(of_part) = converter.convert_part(input, &split, part, &options, out) else { return };
        report.merge(&of_part);
    }
    let (mut joined, mut whole) = (BytesMut::new(), BytesMut::new());
    let Ok(of_join) = converter.join(&split, parts, &options, &mut joined) else { return };
    report.merge(&of_join);
    let done = converter.convert(input, &options, &mut whole);
    assert_eq!(done.ok(), Some(report), "the parts stand alone, and the whole does not, or reports otherwise");
    assert_eq!(joined, whole, "{split:?}");
}

/// Converts through windows, each of which goes on by one of the `steps`, in turn, and demands what becomes of the whole: all of it, or
/// its beginning and an error, or the same error.
pub fn check_read(input: &[u8], from: Format, to: Format, chunk_size: usize, steps: &[u8]) {
    let chunk_size = Some(chunk_size.max(1));
    let options = ConversionOptions { from: Some(from), to: Some(to), chunk_size, ..ConversionOptions::default() };
    let (mut out, mut whole) = (BytesMut::new(), BytesMut::new());
    let expected = DocumentConverter::new().convert(input, &options, &mut whole);
    match (read(input, &options, steps, &mut out), expected) {
        (Ok(report), Ok(expected)) => {
            assert_eq!(out, whole);
            assert_eq!(report, expected);
        }
        (Err(ConvertError::NeedsWhole { .. }), Ok(_)) => assert!(whole.starts_with(&out)),
        (Err(ConvertError::NeedsWhole { .. }), Err(_)) => {}
        (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected.to_string()),
        (read, expected) => panic!("{read:?}, but whole {expected:?}"),
    }
}

fn read(input: &[u8], options: &ConversionOptions, steps: &[u8], out: &mut BytesMut) -> Result<Report, ConvertError> {
    let head = input.get(..64).unwrap_or(input);
    let Some(mut conversion) = DocumentConverter::new().incremental(head, options)? else {
        return DocumentConverter::new().convert(input, options, out);
    };
    let input = Bytes::copy_from_slice(input);
    let (mut done, mut end) = (0, 0);
    for &step in steps.iter().cycle() {
        let more = (usize::from(step) + 1).max((end - done) / 4);
        let is_last = end == input.len() || (end + more >= input.len() && step % 2 == 0);
        end = (end + more).min(input.len());
        let mut next = BytesMut::new();
        done += conversion.convert(&input.slice(done..end), is_last, &OneByOne, &mut next)?;
        out.extend_from_slice(&next);
        if is_last {
            assert_eq!(done, input.len());
            break;
        }
    }
    Ok(conversion.report())
}
