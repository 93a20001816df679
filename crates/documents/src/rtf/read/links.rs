//! The open links, and the positions at which their texts begin.

use crate::model::Link;

/// The number of ended links above which they are forgotten.
const MANY_LINKS: usize = 64;

/// The links that the current text may refer to. All links of the document are counted, from 1.
#[derive(Debug, Default)]
pub(super) struct Links {
    known: Vec<Link>,
    /// The start of the last link's text in the paragraph.
    start: usize,
    /// The number of earlier links, which are forgotten.
    before: u32,
    /// All links up to this one have ended with their paragraph, although their groups may
    /// continue.
    ended: u32,
}

impl Links {
    pub(super) fn known(&self) -> &[Link] {
        &self.known
    }

    /// The number of links so far.
    fn count(&self) -> u32 {
        self.before.saturating_add(u32::try_from(self.known.len()).unwrap_or(u32::MAX))
    }

    /// The index of a link in `known`, from 1; 0 for no link or an ended one.
    #[inline]
    pub(super) fn open(&self, link: u32) -> u32 {
        if link > self.ended { link - self.before } else { 0 }
    }

    /// Begins a link whose text begins at `start` of the paragraph. Returns its number in the
    /// document, from 1.
    pub(super) fn begin(&mut self, link: Link, start: usize) -> u32 {
        self.start = start;
        self.known.push(link);
        self.count()
    }

    /// The target of an open link, and the start of its text in the paragraph.
    pub(super) fn text_start(&self, link: u32) -> Option<(&Link, usize)> {
        let at = (self.open(link) as usize).checked_sub(1)?;
        Some((self.known.get(at)?, self.start))
    }

    /// Ends all links.
    pub(super) fn end(&mut self) {
        self.ended = self.count();
    }

    /// Whether the ended links must be forgotten.
    pub(super) fn are_many(&self) -> bool {
        self.known.len() >= MANY_LINKS
    }

    /// Forgets all links, which must have ended.
    pub(super) fn forget(&mut self) {
        self.before = self.ended;
        self.known.clear();
    }

    pub(super) fn is_reset(&self) -> bool {
        self.ended == self.count()
    }

    /// The approximate number of retained bytes.
    pub(super) fn held(&self) -> usize {
        self.known.iter().map(|link| size_of::<Link>() + link.url.len() + link.title.len()).sum()
    }
}
