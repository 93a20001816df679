//! Parts of a document: converted separately, then joined. The join numbers the lists and makes the
//! ids of headings unique.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::BytesMut;

use super::document::OpenEnd;
use super::lists::Lists;
use super::{events, head};
use crate::markdown::split::{self, Slugs, Source};
use millpond_convert::{ConversionOptions, ConvertError, Report};

/// The data that the parts of a document share.
#[derive(Debug)]
pub(crate) struct Plan {
    source: split::Plan,
    side_outputs: Vec<OnceLock<SideOutput>>,
}

/// The results of a part, other than its output, that the join needs.
#[derive(Debug)]
struct SideOutput {
    lists: Lists,
    /// The positions in the output that depend on preceding parts.
    open_ends: Vec<OpenEnd>,
}

impl Plan {
    pub(crate) fn new(source: split::Plan) -> Self {
        Self { side_outputs: source.parts().iter().map(|_| OnceLock::new()).collect(), source }
    }
}

/// Appends the body of a part of `input`.
pub(crate) fn from_part(
    input: &[u8],
    part: usize,
    plan: &Plan,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<Report, ConvertError> {
    let text = plan.source.text(input, part)?;
    let source = Source::part(&text, part, &plan.source)?.without_hidden();
    let len = plan.source.parts().get(part).map_or(0, Range::len);
    let mut room = out.split_off(out.len());
    room.reserve((len + len / 2).min(options.max_output));
    let parts = events::write(source, room, options.max_output)?;
    out.unsplit(parts.body);
    let Some(side) = plan.side_outputs.get(part) else { return Err(ConvertError::inseparable()) };
    // A second conversion of the part has the same results.
    let _ = side.set(SideOutput { lists: parts.lists, open_ends: parts.open_ends });
    Ok(parts.report)
}

/// Appends the document: its parts, joined.
pub(crate) fn join(
    plan: &Plan,
    parts: &[BytesMut],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<Report, ConvertError> {
    let side_outputs: Option<Vec<&SideOutput>> = plan.side_outputs.iter().map(OnceLock::get).collect();
    let Some(side_outputs) = side_outputs.filter(|all| all.len() == parts.len() && plan.source.holds())
    else {
        return Err(ConvertError::inseparable());
    };
    let before = out.len();
    // The size of the header and of longer numbers is estimated.
    out.reserve(parts.iter().map(BytesMut::len).sum::<usize>() + 4096);
    let mut lists = Lists::default();
    side_outputs.iter().for_each(|side| lists.append(&side.lists));
    head::write(out, &lists);
    let (mut lists_before, mut slugs) = (0, Slugs::default());
    for (part, side) in parts.iter().zip(side_outputs) {
        write_closed(out, part, &side.open_ends, lists_before, &mut slugs);
        lists_before += side.lists.len();
    }
    out.extend_from_slice(b"}\n");
    if out.len() - before > options.max_output {
        return Err(ConvertError::inseparable());
    }
    Ok(plan.source.report())
}

/// Appends a part, with its list numbers after those of preceding parts and with unique ids of
/// headings.
fn write_closed(
    out: &mut BytesMut,
    part: &[u8],
    open_ends: &[OpenEnd],
    lists_before: usize,
    slugs: &mut Slugs,
) {
    let mut written = 0;
    let mut put = |to: usize, text: &str, skipped: usize| {
        out.extend_from_slice(part.get(written..to).unwrap_or_default());
        out.extend_from_slice(text.as_bytes());
        written = to + skipped;
    };
    for end in open_ends {
        match end {
            OpenEnd::List { .. } if lists_before == 0 => {}
            OpenEnd::List { at, number } => {
                put(*at, &(lists_before + number).to_string(), number.to_string().len());
            }
            OpenEnd::Bookmark { id, is_open: false, .. } => slugs.take(id),
            OpenEnd::Bookmark { ends, id, .. } => match slugs.number(id) {
                0 => {}
                number => ends.iter().for_each(|at| put(*at, &format!("-{number}"), 0)),
            },
        }
    }
    out.extend_from_slice(part.get(written..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_numbered_on_from_the_part_before() {
        let mut out = BytesMut::from("> ");
        let ends = [OpenEnd::List { at: 4, number: 1 }, OpenEnd::List { at: 10, number: 12 }];
        write_closed(&mut out, b"a\\ls1 b\\ls12 c", &ends, 9, &mut Slugs::default());
        assert_eq!(out, "> a\\ls10 b\\ls21 c");
    }

    #[test]
    fn ids_are_made_unique_at_both_ends() {
        let (mut out, mut slugs) = (BytesMut::new(), Slugs::default());
        let end = |is_open| [OpenEnd::Bookmark { ends: [1, 3], id: "a".into(), is_open }];
        for is_open in [true, true, false, true] {
            write_closed(&mut out, b"a a.", &end(is_open), 0, &mut slugs);
        }
        assert_eq!(out, "a a.a-1 a-1.a a.a-2 a-2.");
    }
}
