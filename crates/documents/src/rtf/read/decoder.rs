//! Bytes and code units that are not characters yet.

/// What of the text is not yet characters.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Bytes in the code page of the font. Kept together, since a character may have several.
    pub(super) pending: Vec<u8>,
    /// The first half of a surrogate pair.
    pub(super) high: Option<u16>,
    /// How many bytes are still to be skipped: the fallback of a Unicode escape.
    pub(super) skip: u32,
}

impl Decoder {
    /// The fallback of a Unicode escape ends with its group, or at another control word.
    pub(super) fn end_fallback(&mut self) {
        self.skip = 0;
    }

    /// Whether no text is held back.
    pub(super) fn is_reset(&self) -> bool {
        self.pending.is_empty() && self.high.is_none() && self.skip == 0
    }

    /// How many bytes are not yet characters.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Whether this is part of the fallback: a control word or symbol that is a character counts as one.
    pub(super) fn skips(&mut self, is_character: impl FnOnce() -> bool) -> bool {
        let skips = self.skip > 0 && is_character();
        self.skip -= u32::from(skips);
        skips
    }
}
