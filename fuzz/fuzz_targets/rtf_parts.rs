//! RTF in parts becomes what it becomes whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millpond::Format;

fuzz_target!(|input: &[u8]| {
    // The first byte is the size of the parts.
    let Some((&size, text)) = input.split_first() else { return };
    let document = [b"{\\rtf1", text].concat();
    millpond_fuzz::check(&document, Format::Rtf, Format::Markdown, size.into());
});
