//! A written document, before its footnotes are inserted into its body.

use std::collections::HashMap;
use std::ops::Range;

use bytes::BytesMut;

use super::lists::Lists;
use super::text;
use millpond_convert::Report;

/// A position in the body that depends on the preceding parts of the document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OpenEnd {
    /// The number of a list, counted from the first list of the part.
    List { at: usize, number: usize },
    /// The two occurrences of a heading's id. If the id is open and not unique, the join appends a
    /// number to both.
    Bookmark { ends: [usize; 2], id: String, is_open: bool },
}

/// A document whose footnotes have not been inserted yet.
pub(super) struct Document {
    pub(super) body: BytesMut,
    pub(super) notes: BytesMut,
    /// The positions in `body` of the footnotes, in order.
    pub(super) references: Vec<(usize, String)>,
    /// The range in `notes` of each footnote's text.
    pub(super) definitions: HashMap<String, Range<usize>>,
    pub(super) lists: Lists,
    /// The positions in `body` that depend on preceding parts, in order.
    pub(super) open_ends: Vec<OpenEnd>,
    /// What the output lacks.
    pub(super) report: Report,
}

impl Document {
    /// Appends the body, with each footnote at the first reference to it. Other references become
    /// its number, in the order in which word processors number footnotes.
    pub(super) fn assemble(mut self, out: &mut BytesMut) {
        let mut written = 0;
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for (at, label) in &self.references {
            out.extend_from_slice(self.body.get(written..*at).unwrap_or_default());
            written = *at;
            match self.definitions.remove(label) {
                Some(note) => {
                    numbers.insert(label, numbers.len() + 1);
                    out.extend_from_slice(
                        b"{\\super\\chftn{\\footnote\\pard\\plain\\f0\\fs20{\\super\\chftn} ",
                    );
                    out.extend_from_slice(self.notes.get(note).unwrap_or_default());
                    out.extend_from_slice(b"}}");
                }
                None => {
                    out.extend_from_slice(b"{\\super ");
                    match numbers.get(label.as_str()) {
                        Some(number) => out.extend_from_slice(number.to_string().as_bytes()),
                        None => text::write(out, label),
                    }
                    out.extend_from_slice(b"}");
                }
            }
        }
        out.extend_from_slice(self.body.get(written..).unwrap_or_default());
    }
}
