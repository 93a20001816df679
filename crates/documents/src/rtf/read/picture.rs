//! Pictures, of which only the description is kept.

use super::reader::Reader;
use super::state::Destination;
use super::word::Word;

/// The name of the property that describes a picture or shape for those who don't see it.
const DESCRIPTION: &str = "wzDescription";

impl Reader {
    /// A control word in a picture, or in a shape if it is none of a shape's own.
    pub(super) fn property_word(&mut self, word: Word) {
        match word {
            Word::Sn => {
                self.property.clear();
                self.group.destination = Destination::PropertyName;
            }
            Word::Sv => {
                let is_description = self.property == DESCRIPTION;
                self.property.clear();
                self.group.destination =
                    if is_description { Destination::Description } else { Destination::Skip };
            }
            _ => {}
        }
    }

    /// The end of a description, which stands for what it describes.
    pub(super) fn end_description(&mut self) {
        let text = std::mem::take(&mut self.property);
        let words: Vec<&str> = text.split_whitespace().collect();
        self.show(&words.join(" "));
    }
}
