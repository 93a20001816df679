//! The bounds of a part: its end, and the limit on the expansion of its references.

use std::ops::Range;
use std::sync::OnceLock;

use millpond_convert::ConvertError;
use pulldown_cmark::{Event, LinkType, Tag};

/// The size in bytes to which references may expand in any document. In a longer document the limit
/// is its length. (pulldown-cmark 0.13: `link_ref_expansion_limit`.)
pub(super) const FREE_EXPANSION: usize = 100_000;

/// Checks that a part ends at its cut.
#[derive(Debug)]
pub(super) struct Bounds<'a> {
    /// The end of the part, relative to its start. `None`: the end of the document.
    pub(super) end: Option<usize>,
    pub(super) is_reached: bool,
    /// Whether footnotes may be defined: they may if all of the document's are in this part.
    pub(super) may_have_notes: bool,
    pub(super) has_note: bool,
    pub(super) expanded: usize,
    pub(super) may_expand: usize,
    /// The slot for the number of expanded bytes.
    pub(super) place: &'a OnceLock<usize>,
}

impl Bounds<'_> {
    /// Whether the event belongs to the part.
    pub(super) fn admits(&mut self, event: &Event<'_>, at: &Range<usize>, depth: usize) -> bool {
        if self.end.is_some_and(|end| depth == 0 && at.start >= end) {
            let begins = matches!(event, Event::Start(Tag::Paragraph | Tag::Heading { .. }));
            self.is_reached = begins && self.end == Some(at.start);
            return false;
        }
        match event {
            Event::Start(Tag::FootnoteDefinition(_)) => self.has_note = !self.may_have_notes,
            Event::Start(
                Tag::Link { link_type, dest_url, title, .. } | Tag::Image { link_type, dest_url, title, .. },
            ) if is_reference(*link_type) => self.expanded += dest_url.len() + title.len(),
            _ => {}
        }
        !self.has_note
    }

    pub(super) fn finish(&self) -> Result<(), ConvertError> {
        if !self.is_reached || self.has_note || self.expanded >= self.may_expand {
            return Err(ConvertError::inseparable());
        }
        // A second reading of the part has the same expansion.
        let _ = self.place.set(self.expanded);
        Ok(())
    }
}

fn is_reference(link: LinkType) -> bool {
    !matches!(link, LinkType::Inline | LinkType::Autolink | LinkType::Email)
}
