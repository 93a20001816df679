//! Inline elements of raw HTML whose content is not displayed as text.

use pulldown_cmark::{Event, TagEnd};

/// The names of the elements.
pub(crate) const HIDDEN_ELEMENTS: [&str; 6] = ["script", "style", "head", "template", "svg", "iframe"];

/// The state of the filter: the open element, if any.
#[derive(Debug, Default)]
pub(in super::super) struct HiddenContent {
    name: Option<&'static str>,
    /// The number of open inline elements whose start was dropped.
    dropped: usize,
}

impl HiddenContent {
    /// Whether the event is kept and does not change the state.
    #[inline(always)]
    pub(in super::super) fn ignores(&self, event: &Event<'_>) -> bool {
        self.name.is_none() && self.dropped == 0 && !matches!(event, Event::InlineHtml(_))
    }

    /// Whether the event is dropped. Of an inline element either both start and end are dropped, or
    /// neither.
    pub(in super::super) fn drops(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::InlineHtml(tag) => {
                match (self.name, name(tag)) {
                    (Some(open), Some((name, true))) if open == name => self.name = None,
                    (None, Some((name, false))) => self.name = Some(name),
                    (open, _) => return open.is_some(),
                }
                true
            }
            // An element ends with the block at the latest.
            Event::End(end) if !is_within_block(*end) => {
                *self = Self::default();
                false
            }
            Event::End(_) if self.dropped > 0 => {
                self.dropped -= 1;
                true
            }
            Event::End(_) => false,
            Event::Start(tag) => {
                let drops = self.dropped > 0 || (self.name.is_some() && is_within_block(tag.to_end()));
                self.dropped += usize::from(drops);
                drops
            }
            _ => self.name.is_some(),
        }
    }
}

/// The hidden element that the tag begins or ends, and whether it ends it.
fn name(tag: &str) -> Option<(&'static str, bool)> {
    let inner = tag.strip_prefix('<')?;
    let (inner, is_end) = inner.strip_prefix('/').map_or((inner, false), |inner| (inner, true));
    let len = inner.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-').count();
    let name = inner.get(..len)?;
    let known = HIDDEN_ELEMENTS.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
    // Browsers ignore the slash in `<script/>`, and honour it in `<svg/>`.
    (known != "svg" || !tag.ends_with("/>")).then_some((known, is_end))
}

fn is_within_block(end: TagEnd) -> bool {
    matches!(
        end,
        TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
            | TagEnd::Image
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_known_by_their_names() {
        assert_eq!(name("<script>"), Some(("script", false)));
        assert_eq!(name("</SCRIPT >"), Some(("script", true)));
        assert_eq!(name("<style type='a'>"), Some(("style", false)));
        assert_eq!(name("<script/>"), Some(("script", false)));
        for other in ["<svg/>", "<scripts>", "<b>", "<!-- script -->", "<"] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
