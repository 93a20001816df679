//! Parts of a document: converted separately, then joined. The join makes the ids of headings
//! unique.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::BytesMut;

use super::document::{make_room, write};
use super::ids::{self, AllIds};
use crate::markdown::split::{self, Slugs, Source};
use millpond_convert::{ConversionOptions, ConvertError, Report};

/// The data that the parts of a document share.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) source: split::Plan,
    pub(super) ids: AllIds,
}

impl Plan {
    pub(crate) fn new(source: split::Plan) -> Self {
        Self { ids: source.parts().iter().map(|_| OnceLock::new()).collect(), source }
    }
}

/// Appends the HTML of a part of `input`.
pub(crate) fn from_part(
    input: &[u8],
    part: usize,
    plan: &Plan,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<Report, ConvertError> {
    let before = out.len();
    let len = plan.source.parts().get(part).map_or(0, Range::len);
    let text = plan.source.text(input, part)?;
    make_room(len, options, out);
    let (report, ids) = write(Source::part(&text, part, &plan.source)?, options, out)?;
    // A second conversion of the part produces the same ids.
    let _ = plan.ids.get(part).map(|place| place.set(ids));
    // The next part must begin on a new line, as the first does.
    let is_line_over = out.len() == before || out.ends_with(b"\n");
    if is_line_over { Ok(report) } else { Err(ConvertError::inseparable()) }
}

/// Appends the document: its parts, joined.
pub(crate) fn join(
    plan: &Plan,
    parts: Vec<BytesMut>,
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<Report, ConvertError> {
    let (before, len) = (out.len(), parts.iter().map(BytesMut::len).sum());
    if !plan.source.holds() || len > options.max_output {
        return Err(ConvertError::inseparable());
    }
    out.reserve(len);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    let is_unique = ids::make_unique(out, before, &plan.ids, &mut Slugs::default());
    if !is_unique || out.len() - before > options.max_output {
        return Err(ConvertError::inseparable());
    }
    Ok(plan.source.report())
}
