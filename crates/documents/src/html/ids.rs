//! Ids of headings in the parts of a document. The join makes them unique.

use std::sync::OnceLock;

use bytes::BytesMut;

use crate::markdown::split::Slugs;

/// The text between the start of a heading and its id.
const BEFORE_ID: &str = "<h1 id=\"";

/// The id of a heading in a part.
#[derive(Debug)]
pub(super) struct Id {
    /// The start of the heading in the output, including a preceding line end.
    pub(super) at: usize,
    pub(super) slug: String,
    /// Whether the author set it: such an id is never changed.
    pub(super) is_given: bool,
}

/// The ids of the headings of a part.
#[derive(Debug)]
pub(crate) struct Ids {
    pub(super) ids: Vec<Id>,
    /// The length of the part's output.
    pub(super) len: usize,
}

/// The ids of each part.
pub(crate) type AllIds = Vec<OnceLock<Ids>>;

/// Makes the ids unique in the output of the parts, which begins at `start` of `out`. Returns
/// `false` if the ids of a part are missing.
pub(super) fn make_unique(
    out: &mut BytesMut,
    start: usize,
    parts: &[OnceLock<Ids>],
    slugs: &mut Slugs,
) -> bool {
    let Some(parts) = parts.iter().map(OnceLock::get).collect::<Option<Vec<_>>>() else { return false };
    // The insertions: a position and a number each.
    let (mut places, mut part_start) = (Vec::new(), start);
    for part in parts {
        for id in &part.ids {
            if id.is_given {
                slugs.take(&id.slug);
                continue;
            }
            let number = slugs.number(&id.slug);
            if number > 0 {
                let at = part_start + id.at;
                let line_end = usize::from(out.get(at) == Some(&b'\n'));
                places.push((at + line_end + BEFORE_ID.len() + id.slug.len(), number));
            }
        }
        part_start += part.len;
    }
    let Some(&(first, _)) = places.first() else { return true };
    let rest = out.split_off(first);
    let mut taken = 0;
    for (at, number) in places {
        let end = at - first;
        out.extend_from_slice(rest.get(taken..end).unwrap_or_default());
        out.extend_from_slice(format!("-{number}").as_bytes());
        taken = end;
    }
    out.extend_from_slice(rest.get(taken..).unwrap_or_default());
    true
}
