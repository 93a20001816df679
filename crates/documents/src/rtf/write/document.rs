//! What has been written of a document: its body, and its footnotes apart from it.

use std::collections::HashMap;
use std::ops::Range;

use bytes::BytesMut;

use super::lists::Lists;
use super::text;
use millpond_convert::Report;

/// A place in the body that depends on what is before it in the document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OpenEnd {
    /// The number of a list, which counts from the part's first.
    List { at: usize, number: usize },
    /// The two ends of the id of a heading, each of which takes a number if the id is open and not unique.
    Bookmark { ends: [usize; 2], id: String, is_open: bool },
}

/// A document whose footnotes are still apart from the places that refer to them.
pub(super) struct Document {
    pub(super) body: BytesMut,
    pub(super) notes: BytesMut,
    /// Where in `body` each footnote belongs, in that order.
    pub(super) references: Vec<(usize, String)>,
    /// Where in `notes` the text of each is.
    pub(super) definitions: HashMap<String, Range<usize>>,
    pub(super) lists: Lists,
    /// What in `body` depends on what is before it in the document, in order.
    pub(super) open_ends: Vec<OpenEnd>,
    /// What is left out.
    pub(super) report: Report,
}

impl Document {
    /// Appends the body with each footnote at the first place that refers to it. Other places have
    /// its number, which word processors count in that order.
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
