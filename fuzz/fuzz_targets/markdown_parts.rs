//! Markdown in parts becomes what it becomes whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millpond::Format;

fuzz_target!(|input: &[u8]| {
    // The first byte is the size of the parts.
    let Some((&size, text)) = input.split_first() else { return };
    for to in [Format::Html, Format::Rtf] {
        millpond_fuzz::check(text, Format::Markdown, to, size.into());
    }
});
