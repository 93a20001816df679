//! Parts of a document, written apart and put together: the lists are numbered then, throughout the document.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::BytesMut;

use super::body::Body;
use super::head;
use super::lists::Lists;
use crate::markdown::split::{self, Source};
use millpond_convert::{ConversionOptions, ConvertError};

/// What the parts of a document share.
#[derive(Debug)]
pub(crate) struct Plan {
    source: split::Plan,
    left: Vec<OnceLock<Left>>,
}

/// What a part leaves for the join beside its output.
#[derive(Debug)]
struct Left {
    lists: Lists,
    /// Where the output has the number of a list, and that number, which counts from the part's first.
    numbers: Vec<(usize, usize)>,
}

impl Plan {
    pub(crate) fn new(source: split::Plan) -> Self {
        Self { left: source.parts().iter().map(|_| OnceLock::new()).collect(), source }
    }
}

/// Appends the body that a part of `input` makes.
pub(crate) fn from_part(
    input: &[u8],
    part: usize,
    plan: &Plan,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    let text = plan.source.text(input, part)?;
    let source = Source::part(&text, part, &plan.source)?;
    let len = plan.source.parts().get(part).map_or(0, Range::len);
    let mut room = out.split_off(out.len());
    room.reserve((len + len / 2).min(options.max_output));
    let parts = super::write(source, Body::new(room), options.max_output)?;
    out.unsplit(parts.body);
    let Some(left) = plan.left.get(part) else { return Err(ConvertError::inseparable()) };
    // A part that is converted twice leaves the same.
    let _ = left.set(Left { lists: parts.lists, numbers: parts.list_numbers });
    Ok(())
}

/// Appends the document.
pub(crate) fn join(
    plan: &Plan,
    parts: &[BytesMut],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<(), ConvertError> {
    let left: Option<Vec<&Left>> = plan.left.iter().map(OnceLock::get).collect();
    let Some(left) = left.filter(|left| left.len() == parts.len() && plan.source.holds()) else {
        return Err(ConvertError::inseparable());
    };
    let before = out.len();
    // The head, and numbers that have become longer, are guessed at.
    out.reserve(parts.iter().map(BytesMut::len).sum::<usize>() + 4096);
    let mut lists = Lists::default();
    left.iter().for_each(|left| lists.append(&left.lists));
    head::write(out, &lists);
    let mut lists_before = 0;
    for (part, left) in parts.iter().zip(left) {
        write_numbered(out, part, &left.numbers, lists_before);
        lists_before += left.lists.len();
    }
    out.extend_from_slice(b"}\n");
    if out.len() - before > options.max_output { Err(ConvertError::inseparable()) } else { Ok(()) }
}

/// Appends a part in which the numbers of lists begin after those before it.
fn write_numbered(out: &mut BytesMut, part: &[u8], numbers: &[(usize, usize)], lists_before: usize) {
    let mut written = 0;
    if lists_before > 0 {
        for &(at, number) in numbers {
            out.extend_from_slice(part.get(written..at).unwrap_or_default());
            out.extend_from_slice((lists_before + number).to_string().as_bytes());
            written = at + number.to_string().len();
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
        write_numbered(&mut out, b"a\\ls1 b\\ls12 c", &[(4, 1), (10, 12)], 9);
        assert_eq!(out, "> a\\ls10 b\\ls21 c");
    }
}
