//! Splits runs of styled text into segments, with white space separated.

use crate::model::{Content, Flags, Style};

/// A range of text in one style. White space at the boundaries of styles is a separate segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) style: Style,
}

/// Splits runs into segments. White space between two styles gets the styles that both share, so
/// that no mark is adjacent to white space on its inner side.
pub(super) fn cut(content: &Content, skipped: usize, segments: &mut Vec<Segment>) {
    segments.clear();
    let text = &content.text;
    let kept = text.get(skipped..).unwrap_or_default();
    let blanks = [' ', '\t', '\n'];
    let first = text.len() - kept.trim_start_matches(blanks).len();
    let last = skipped + kept.trim_end_matches(blanks).len();
    let mut start = 0;
    for run in &content.runs {
        let (from, to) = (start.max(first), run.end.min(last));
        start = run.end;
        if run.style.note != 0 {
            push(segments, Segment { start: run.end, end: run.end, style: run.style });
            continue;
        }
        let Some(part) = text.get(from..to).filter(|part| !part.is_empty()) else { continue };
        let core = part.trim();
        if core.is_empty() {
            push(segments, Segment { start: from, end: to, style: BLANK });
            continue;
        }
        let lead = part.len() - part.trim_start().len();
        let (core_start, core_end) = (from + lead, from + lead + core.len());
        push(segments, Segment { start: from, end: core_start, style: BLANK });
        push(segments, Segment { start: core_start, end: core_end, style: run.style });
        push(segments, Segment { start: core_end, end: to, style: BLANK });
    }
    settle(segments);
    segments.dedup_by(|next, before| {
        let joins = next.style == before.style && next.style.note == 0;
        if joins {
            before.end = next.end;
        }
        joins
    });
}

/// A placeholder for the style of white space. No text has it.
const BLANK: Style = Style { flags: Flags(u16::MAX), link: u32::MAX, note: 0 };

fn push(segments: &mut Vec<Segment>, segment: Segment) {
    if segment.style.note != 0 || segment.start < segment.end {
        segments.push(segment);
    }
}

/// Sets the style of white space and of footnote references to what the adjacent texts share.
fn settle(segments: &mut [Segment]) {
    let is_open = |segment: &Segment| segment.style == BLANK || segment.style.note != 0;
    let mut at = 0;
    let mut before = Style::default();
    while at < segments.len() {
        let rest = segments.get_mut(at..).unwrap_or_default();
        let count = rest.iter().take_while(|segment| is_open(segment)).count();
        let after = rest.get(count).map_or(Style::default(), |segment| segment.style);
        let same_link = before.link == after.link;
        let link = if same_link { before.link } else { 0 };
        // Two pieces of code remain separate; white space within one is part of it.
        let flags = before.flags.and(after.flags).without(Flags::CODE);
        for segment in rest.iter_mut().take(count) {
            segment.style = Style { flags, link, note: segment.style.note };
        }
        before = after;
        at += count + 1;
    }
}
