//! Pictures, reduced to their descriptions.

use super::reader::Reader;
use super::state::Destination;
use super::word::Word;

/// The property that contains the alternative text of a picture or shape.
const DESCRIPTION: &str = "wzDescription";

impl Reader {
    /// Executes a control word in a picture, or in a shape if it is not specific to shapes.
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

    /// Ends a description, which is shown in place of the picture.
    pub(super) fn end_description(&mut self) {
        let text = std::mem::take(&mut self.property);
        let words: Vec<&str> = text.split_whitespace().collect();
        self.show(&words.join(" "));
    }
}
