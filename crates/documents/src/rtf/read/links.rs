//! Links: which are open, and where the text of each began.

use super::reader::Reader;
use crate::model::Link;

/// So many links are remembered, though they have ended.
const MANY_LINKS: usize = 64;

/// The links that text under way may refer to. All of the document's are counted, from 1.
#[derive(Debug, Default)]
pub(super) struct Links {
    known: Vec<Link>,
    /// Where the text of the last began in the paragraph.
    start: usize,
    /// How many came before those, and are forgotten.
    before: u32,
    /// Links up to this one have ended with their paragraph, though their groups may go on.
    ended: u32,
}

impl Links {
    pub(super) fn known(&self) -> &[Link] {
        &self.known
    }

    /// How many there have been.
    fn count(&self) -> u32 {
        self.before.saturating_add(u32::try_from(self.known.len()).unwrap_or(u32::MAX))
    }

    /// Which of those known a link is, from 1; 0 if it is none, or has ended.
    #[inline]
    pub(super) fn open(&self, link: u32) -> u32 {
        if link > self.ended { link - self.before } else { 0 }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.ended == self.count()
    }

    /// How much is remembered, in bytes, about.
    pub(super) fn held(&self) -> usize {
        self.known.iter().map(|link| size_of::<Link>() + link.url.len() + link.title.len()).sum()
    }
}

impl Reader {
    /// The group is the text of a link.
    pub(super) fn begin_link(&mut self, link: Link) {
        // A link in a link ends the outer one.
        self.end_links();
        self.links.start = self.flow().content().text.len();
        self.links.known.push(link);
        self.group.link = self.links.count();
    }

    /// The end of a group that is the text of a link: without any, around a picture, the text is
    /// the address.
    pub(super) fn end_link_text(&mut self) {
        let at = self.links.open(self.group.link) as usize;
        let Some(link) = at.checked_sub(1).and_then(|at| self.links.known.get(at)) else { return };
        if link.url.starts_with('#') {
            return;
        }
        let url = link.url.clone();
        let start = self.links.start;
        let is_blank = self.flow().content().text.get(start..).is_none_or(|text| text.trim().is_empty());
        if is_blank {
            self.show(&url);
        }
    }

    /// A link is over with its paragraph, so that a long address can't be repeated for each of
    /// many.
    pub(super) fn end_links(&mut self) {
        self.links.ended = self.links.count();
        // Nothing that is still to be written may refer to one that is forgotten.
        if self.links.known.len() >= MANY_LINKS && self.is_between_paragraphs() {
            self.links.before = self.links.ended;
            self.links.known.clear();
        }
    }
}
