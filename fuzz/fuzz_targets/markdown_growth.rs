//! Markdown that repeats a pattern: twice as much of it takes no more than three times as long, or it is refused.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use millpond::Format;

/// Times below this say nothing; what the converter lets through may take so long.
const FLOOR: Duration = Duration::from_millis(750);

/// The longer of the two documents.
const LENGTH: usize = 1 << 20;

fuzz_target!(|input: &[u8]| {
    // Up to four pieces, each repeated or not, as the bits of the first byte say.
    let Some((&[repeated, first, second], text)) = input.split_first_chunk::<3>() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let cut = |at: u8| (0..=usize::from(at)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (first, second) = (cut(first.min(second)), cut(first.max(second)));
    let pieces = [&text[..first], &text[first..second.max(first)], &text[second.max(first)..]];
    let build = |len: usize| -> String {
        let share = |(at, piece): (usize, &&str)| {
            let is_repeated = repeated >> at & 1 == 1 && !piece.is_empty();
            piece.repeat(if is_repeated { len / 3 / piece.len() } else { 1 })
        };
        pieces.iter().enumerate().map(share).collect()
    };
    for to in [Format::Html, Format::Rtf] {
        let time = |len: usize| {
            let (document, begin) = (build(len), Instant::now());
            millpond_fuzz::convert(document.as_bytes(), Format::Markdown, to);
            begin.elapsed()
        };
        let long = time(LENGTH);
        if long > FLOOR {
            // Once more: something else may have run.
            let (short, long) = (time(LENGTH / 2), time(LENGTH).min(long));
            assert!(long < FLOOR || long < 3 * short, "{pieces:?}: {short:?}, and twice as much {long:?}");
        }
    }
});
