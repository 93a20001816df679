//! The RTF reader takes anything: no panic, and output that is bounded by the limit and by the input.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use millpond::{ConversionOptions, Converter, DocumentConverter, Format};

/// The output that the input may become is a multiple of its length, and this.
const HEAD: usize = 1 << 16;

fuzz_target!(|input: &[u8]| {
    let document = [b"{\\rtf1", input].concat();
    for max_output in [64, 1 << 30] {
        let options = ConversionOptions {
            from: Some(Format::Rtf),
            to: Some(Format::Markdown),
            max_output,
            ..ConversionOptions::default()
        };
        let mut out = BytesMut::new();
        if DocumentConverter::new().convert(&document, &options, &mut out).is_ok() {
            assert!(out.len() <= max_output + 1, "{} bytes of {max_output}", out.len());
            assert!(out.len() <= HEAD + 64 * document.len(), "{} bytes from {}", out.len(), document.len());
            assert!(std::str::from_utf8(&out).is_ok());
        } else {
            assert!(out.is_empty());
        }
    }
});
