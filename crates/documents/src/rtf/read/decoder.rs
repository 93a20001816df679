//! The state of the decoder: bytes and code units that are not characters yet.

/// Text that has not been decoded to characters.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Bytes in the code page of the font. They are collected because a character may have several
    /// bytes.
    pub(super) pending: Vec<u8>,
    /// The high half of a surrogate pair.
    pub(super) high: Option<u16>,
    /// The number of bytes still to skip: the fallback of a Unicode escape.
    pub(super) skip: u32,
}

impl Decoder {
    /// Ends the fallback of a Unicode escape, at the end of its group or at another control word.
    pub(super) fn end_fallback(&mut self) {
        self.skip = 0;
    }

    /// Whether no text is pending.
    pub(super) fn is_reset(&self) -> bool {
        self.pending.is_empty() && self.high.is_none() && self.skip == 0
    }

    /// The number of pending bytes.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Whether this is part of the fallback. A control word or symbol that stands for a character
    /// counts as one byte.
    pub(super) fn skips(&mut self, is_character: impl FnOnce() -> bool) -> bool {
        let skips = self.skip > 0 && is_character();
        self.skip -= u32::from(skips);
        skips
    }
}
