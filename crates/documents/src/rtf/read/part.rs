//! Parts of an RTF document: each is read separately, from the state after the header.
//!
//! The [cuts] are guesses. The initial state of a part is a guess, too: the state after the header,
//! with nothing open, and with the number of preceding footnotes counted from their control words.
//! At its end each part compares its state with the initial state of the next part. If all are
//! equal, by induction from the first part, which begins with the document, each part was read as
//! in the whole. Items of lists are counted throughout the document, so no list with visible
//! numbers may have items in two parts.

use std::collections::HashSet;
use std::mem;
use std::ops::Range;
use std::sync::OnceLock;

use bytes::BytesMut;
use memchr::memmem;

use super::cuts;
use super::extent::{HEAD, start_of};
use super::head::Head;
use super::list_tables::Counter;
use super::reader::{PartDependencies, Reader};
use super::token::Tokens;

use millpond_convert::{ConversionOptions, ConvertError, Report, Split};

/// The maximum fraction of a document, as a divisor of its length, that may be its header. The
/// header is read twice.
const MOST_HEAD: usize = 8;

/// The data that the parts of a document share.
#[derive(Debug)]
pub(crate) struct Plan {
    head: Head,
    /// The number of footnotes before each part.
    notes: Vec<u32>,
    side_outputs: Vec<OnceLock<SideOutput>>,
}

/// The results of a part, other than its output, that the join needs.
#[derive(Debug)]
struct SideOutput {
    notes: BytesMut,
    /// The counters of list items, and whether their numbers were shown.
    counters: Vec<(Counter, bool)>,
    /// The maximum size of the output so far, in bytes.
    peak: usize,
}

/// Returns parts of about `chunk_size` bytes, or `None` if there are fewer than two.
pub(crate) fn split(
    input: &[u8],
    options: &ConversionOptions,
    chunk_size: usize,
) -> Option<(Vec<Range<usize>>, Plan)> {
    let start = start_of(input, options)
        .ok()
        .filter(|&start| input.get(start..).unwrap_or_default().starts_with(HEAD))?;
    let len = input.len() - start;
    let head = Head::read(input, start, (len / MOST_HEAD).max(64 << 10), options)?;
    let size = len.div_ceil(len.div_ceil(chunk_size.max(1)));
    let mut cuts = cuts::find(input, &head, start, size);
    // A short rest at the end is added to the last part.
    while cuts.last().is_some_and(|&cut| input.len() - cut < size / 2) {
        cuts.pop();
    }
    if cuts.is_empty() {
        return None;
    }
    let (mut parts, mut notes) = (Vec::with_capacity(cuts.len() + 1), vec![0]);
    let (mut before, mut count) = (start, 0u32);
    for cut in cuts {
        parts.push(before..cut);
        let found = memmem::find_iter(input.get(before..cut)?, b"\\footnote").count();
        count = count.saturating_add(u32::try_from(found).ok()?);
        notes.push(count);
        before = cut;
    }
    parts.push(before..input.len());
    let side_outputs = parts.iter().map(|_| OnceLock::new()).collect();
    Some((parts, Plan { head, notes, side_outputs }))
}

/// Appends the Markdown of a part of `input`, without footnotes.
pub(crate) fn from_part(
    input: &[u8],
    split: &Split,
    part: usize,
    plan: &Plan,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<Report, ConvertError> {
    let (Some(&notes_before), Some(side)) = (plan.notes.get(part), plan.side_outputs.get(part)) else {
        return Err(ConvertError::inseparable());
    };
    out.reserve((split.part(part).len() / 3).min(options.max_output));
    let mut reader = Reader::new(options, mem::take(out));
    let done = read_part(&mut reader, input, split, part, plan, notes_before);
    *out = reader.redirect(BytesMut::new());
    done?;
    let (notes, counters, peak) = (reader.take_notes(), reader.lists.counters(), reader.peak);
    // A second reading of the part has the same results.
    let _ = side.set(SideOutput { notes, counters, peak });
    Ok(reader.report)
}

fn read_part(
    reader: &mut Reader,
    input: &[u8],
    split: &Split,
    part: usize,
    plan: &Plan,
    notes_before: u32,
) -> Result<(), ConvertError> {
    let range = split.part(part);
    let mut tokens = Tokens::new(input, range.start);
    if part == 0 {
        reader.read_until(&mut tokens, plan.head.end)?;
        reader.dependencies = PartDependencies { has_instruction: true, ..PartDependencies::default() };
    } else {
        reader.resume(&plan.head, notes_before);
    }
    let is_right = match plan.notes.get(part + 1) {
        Some(&notes_after) => {
            let is_closed = reader.read_until(&mut tokens, range.end)?;
            !is_closed && tokens.offset() == range.end && reader.is_reset(&plan.head, notes_after)
        }
        None => {
            if !reader.read_until(&mut tokens, usize::MAX)? {
                reader.end_groups(input.len())?;
            }
            reader.finish()?;
            true
        }
    };
    if !is_right || reader.dependencies.lacks_instruction {
        return Err(ConvertError::inseparable());
    }
    Ok(())
}

impl Reader {
    /// Sets the state to that after the header.
    fn resume(&mut self, head: &Head, note_count: u32) {
        self.stack.push(self.group);
        self.group = head.group;
        self.fonts = head.fonts.clone();
        self.styles = head.styles.clone();
        self.lists = head.lists.clone();
        self.note_count = note_count;
    }

    /// Whether the state equals that after [`resume`](Self::resume), as far as a paragraph that
    /// begins here with `\\pard\\plain` depends on it.
    fn is_reset(&mut self, head: &Head, note_count: u32) -> bool {
        self.flush_bytes();
        self.decoder.end_fallback();
        let group = self.group.for_paragraph(self.fonts.default_font);
        self.is_outermost()
            && self.decoder.is_reset()
            && self.lists.is_reset()
            && self.body.is_reset()
            && !self.has_marker
            && self.links.is_reset()
            && self.note_count == note_count
            && !self.dependencies.has_defined
            && !self.dependencies.has_closed
            && (group.flags, group.font, group.fallback)
                == (head.group.flags, head.group.font, head.group.fallback)
    }
}

/// Appends the document: the parts that are not empty, separated by blank lines, and then their
/// footnotes in the same way.
pub(crate) fn join(
    plan: &Plan,
    parts: &[BytesMut],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    let side_outputs: Option<Vec<&SideOutput>> = plan.side_outputs.iter().map(OnceLock::get).collect();
    let side_outputs =
        side_outputs.filter(|all| all.len() == parts.len()).ok_or_else(ConvertError::inseparable)?;
    let (mut counters, mut written) = (HashSet::<Counter>::new(), 0usize);
    for (part, side) in parts.iter().zip(&side_outputs) {
        // A visible number must not depend on preceding parts.
        let is_apart =
            side.counters.iter().all(|(counter, is_shown)| !is_shown || !counters.contains(counter));
        counters.extend(side.counters.iter().map(|&(counter, _)| counter));
        // The sum includes the blank lines.
        if !is_apart || written + side.peak + 2 > options.max_output {
            return Err(ConvertError::inseparable());
        }
        written += part.len() + side.notes.len() + 2;
    }
    out.reserve(written + 1);
    let before = out.len();
    append(out, before, parts.iter());
    if side_outputs.iter().any(|side| !side.notes.is_empty()) {
        out.extend_from_slice(b"\n");
        let before = out.len();
        append(out, before, side_outputs.iter().map(|side| &side.notes));
    }
    Ok(())
}

/// Appends `parts`, with a blank line before each that is not empty, except the first after
/// `start`.
fn append<'a>(out: &mut BytesMut, start: usize, parts: impl Iterator<Item = &'a BytesMut>) {
    for part in parts.filter(|part| !part.is_empty()) {
        if out.len() > start {
            out.extend_from_slice(b"\n");
        }
        out.extend_from_slice(part);
    }
}
