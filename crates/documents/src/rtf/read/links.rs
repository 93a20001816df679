//! Links: which are open, and where the text of each began.

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

    /// Begins a link whose text begins at `start` of the paragraph. Returns which of all it is, from 1.
    pub(super) fn begin(&mut self, link: Link, start: usize) -> u32 {
        self.start = start;
        self.known.push(link);
        self.count()
    }

    /// The address of an open link, and where its text began in the paragraph.
    pub(super) fn text_start(&self, link: u32) -> Option<(&Link, usize)> {
        let at = (self.open(link) as usize).checked_sub(1)?;
        Some((self.known.get(at)?, self.start))
    }

    /// Ends all of them.
    pub(super) fn end(&mut self) {
        self.ended = self.count();
    }

    /// Whether those that have ended are too many to be kept.
    pub(super) fn are_many(&self) -> bool {
        self.known.len() >= MANY_LINKS
    }

    /// Forgets them all, now that they have ended.
    pub(super) fn forget(&mut self) {
        self.before = self.ended;
        self.known.clear();
    }

    pub(super) fn is_reset(&self) -> bool {
        self.ended == self.count()
    }

    /// How much is remembered, in bytes, about.
    pub(super) fn held(&self) -> usize {
        self.known.iter().map(|link| size_of::<Link>() + link.url.len() + link.title.len()).sum()
    }
}
