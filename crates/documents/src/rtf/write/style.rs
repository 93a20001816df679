//! Formatting of text: counts of open marks, and control words where a count becomes 1 or 0.

use bytes::BytesMut;

/// A kind of formatting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Bold,
    Italic,
    Strike,
    Underline,
    Superscript,
    Subscript,
}

/// The control words that begin and end each mark, in the order of `Mark`.
const WORDS: [(&[u8], &[u8]); 6] = [
    (b"\\b ", b"\\b0 "),
    (b"\\i ", b"\\i0 "),
    (b"\\strike ", b"\\strike0 "),
    (b"\\ul ", b"\\ulnone "),
    (b"\\super ", b"\\nosupersub "),
    (b"\\sub ", b"\\nosupersub "),
];

/// How many times each mark is open. HTML tags need not nest, and so these marks need not.
/// Therefore they do not become groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks([u32; WORDS.len()]);

impl Marks {
    pub(super) fn begin(&mut self, out: &mut BytesMut, mark: Mark) {
        let Some(count) = self.0.get_mut(mark as usize) else { return };
        *count = count.saturating_add(1);
        if *count == 1 {
            self.switch(out, mark, true);
        }
    }

    pub(super) fn end(&mut self, out: &mut BytesMut, mark: Mark) {
        let Some(count) = self.0.get_mut(mark as usize) else { return };
        if *count == 1 {
            self.switch(out, mark, false);
        }
        if let Some(count) = self.0.get_mut(mark as usize) {
            *count = count.saturating_sub(1);
        }
    }

    /// Writes the control words that change the formatting from `now` to this.
    pub(super) fn restore(self, out: &mut BytesMut, now: Self) {
        for ((words, wanted), present) in WORDS.iter().zip(self.0).zip(now.0) {
            match (wanted > 0, present > 0) {
                (true, false) => out.extend_from_slice(words.0),
                (false, true) => out.extend_from_slice(words.1),
                _ => {}
            }
        }
    }

    fn switch(self, out: &mut BytesMut, mark: Mark, on: bool) {
        let Some((begin, end)) = WORDS.get(mark as usize) else { return };
        out.extend_from_slice(if on { begin } else { end });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outermost_of_a_kind_shows() {
        let (mut out, mut marks) = (BytesMut::new(), Marks::default());
        marks.begin(&mut out, Mark::Bold);
        marks.begin(&mut out, Mark::Bold);
        marks.end(&mut out, Mark::Bold);
        marks.end(&mut out, Mark::Bold);
        marks.end(&mut out, Mark::Bold);
        assert_eq!(out, "\\b \\b0 ");
        assert_eq!(marks, Marks::default());
    }

    #[test]
    fn looks_are_restored_by_what_differs() {
        let (mut out, mut marks) = (BytesMut::new(), Marks::default());
        marks.begin(&mut BytesMut::new(), Mark::Italic);
        marks.restore(&mut out, Marks::default());
        Marks::default().restore(&mut out, marks);
        assert_eq!(out, "\\i \\i0 ");
    }
}
