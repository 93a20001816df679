//! RTF that is converted while it is read becomes what it becomes whole.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millpond::Format;

fuzz_target!(|input: &[u8]| {
    // The first bytes are the size of parts, and how windows go on.
    let Some((&[size, ref steps @ ..], text)) = input.split_first_chunk::<4>() else { return };
    let document = [b"{\\rtf1", text].concat();
    for to in [Format::Markdown, Format::Html] {
        millpond_fuzz::check_read(&document, Format::Rtf, to, size.into(), steps);
    }
});
