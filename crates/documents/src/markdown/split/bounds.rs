//! The bounds of a part: where it ends, and what its references may expand to.

use std::ops::Range;
use std::sync::OnceLock;

use millpond_convert::ConvertError;
use pulldown_cmark::{Event, LinkType, Tag};

/// What the parser allows references to expand to, whatever the length of the document. Longer ones may have as much as
/// they are long. (pulldown-cmark 0.13: `link_ref_expansion_limit`.)
pub(super) const FREE_EXPANSION: usize = 100_000;

/// Sees to it that a part ends where it was cut.
#[derive(Debug)]
pub(super) struct Bounds<'a> {
    /// Where it does, from its beginning. `None`: with the document.
    pub(super) end: Option<usize>,
    pub(super) is_reached: bool,
    /// Whether footnotes may be defined: all that there are, are in this part.
    pub(super) may_have_notes: bool,
    pub(super) has_note: bool,
    pub(super) expanded: usize,
    pub(super) may_expand: usize,
    /// Where to leave what was expanded.
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
        // A part that is read twice expands to the same.
        let _ = self.place.set(self.expanded);
        Ok(())
    }
}

fn is_reference(link: LinkType) -> bool {
    !matches!(link, LinkType::Inline | LinkType::Autolink | LinkType::Email)
}
