//! Executes control words and symbols, depending on the current destination.

use super::fonts::NO_FONT;
use super::form::Form;
use super::labels;
use super::reader::Reader;
use super::state::{Destination, Group, Numbering};
use super::styles::outline_level;
use super::word::Word;
use crate::model::Flags;
use millpond_convert::Loss;

impl Reader {
    /// Executes a control word. `begins_group` is whether only `\*` precedes it in its group.
    pub(super) fn word(&mut self, word: Word, number: Option<i32>, begins_group: bool) {
        match self.group.destination {
            Destination::Skip => {}
            Destination::Upr => {
                if word == Word::Ud {
                    self.group.destination = self.around_upr;
                }
            }
            Destination::Shape => self.shape_word(word),
            Destination::Picture => self.property_word(word),
            Destination::FormField => self.form_word(word, number),
            Destination::Math | Destination::MathRun | Destination::MathProperty | Destination::MathMark => {
                self.math_word(word, number);
            }
            Destination::FontTable => self.fonts.table_word(word, number),
            Destination::StyleSheet => self.style_word(word, number),
            Destination::ListTable | Destination::ListOverrideTable => self.list_word(word, number),
            Destination::LevelText
            | Destination::FormItem
            | Destination::PropertyName
            | Destination::Description => self.bare_text_word(word, number),
            Destination::Numbering => self.numbering_word(word, number),
            Destination::Body | Destination::TextBox | Destination::Instruction | Destination::Marker => {
                let is_apart = begins_group || !self.is_root();
                match destination(word) {
                    Some(destination) if is_apart => self.enter(destination, word),
                    // In the document's own group, the rest of the document would go to this
                    // destination.
                    Some(_) => {}
                    None if word == Word::Footnote && !is_apart => {}
                    None => self.text_word(word, number),
                }
            }
        }
    }

    /// Changes the destination of the group.
    fn enter(&mut self, destination: Destination, word: Word) {
        if let Some(loss) = loss(word) {
            self.report.add(loss);
        }
        match word {
            Word::Fldinst if !self.group.destination.is_paragraph_text() => return,
            Word::Fldinst => {
                self.instruction.clear();
                self.form = Form::default();
                self.shown_field = None;
                self.dependencies.has_instruction = true;
            }
            Word::Formfield => self.form = Form::default(),
            Word::Listtable | Word::Listoverridetable => {
                self.dependencies.has_defined = true;
                // Text of lists is in the code page of the document, not in that of its default
                // font.
                self.group.font = NO_FONT;
            }
            Word::Fonttbl => {
                self.dependencies.has_defined = true;
                self.fonts.begin_table();
            }
            Word::Stylesheet => self.dependencies.has_defined = true,
            Word::Upr => self.around_upr = self.group.destination,
            // The text of these goes to the paragraph.
            Word::Shpinst | Word::Do | Word::Pict | Word::MoMath | Word::MoMathPara
                if !self.group.destination.is_paragraph_text() =>
            {
                self.group.destination = Destination::Skip;
                return;
            }
            Word::MoMath | Word::MoMathPara => return self.begin_math(),
            Word::Listtext | Word::Pntext => {
                self.marker.clear();
                self.has_marker = true;
            }
            _ => {}
        }
        self.group.destination = destination;
    }

    fn text_word(&mut self, word: Word, number: Option<i32>) {
        match word {
            Word::Fldrslt => self.field_result(),
            Word::Footnote if self.group.destination.is_paragraph_text() => self.begin_note(),
            Word::U => self.unicode(number.unwrap_or(0)),
            Word::Uc => self.group.fallback = u32::try_from(number.unwrap_or(1)).unwrap_or(0),
            Word::Ansi | Word::Mac | Word::Pc | Word::Pca | Word::Ansicpg => {
                self.fonts.document_word(word, number);
                self.dependencies.has_defined = true;
            }
            Word::Deff => {
                self.fonts.default_font = number.unwrap_or(0);
                self.dependencies.has_defined = true;
                self.group.font = self.fonts.default_font;
            }
            _ => match word.character() {
                Some(c) => self.push(c),
                None if !set_character_property(&mut self.group, word, number) => {
                    self.paragraph_word(word, number);
                }
                None => self.set_font_or_style(word, number),
            },
        }
    }

    /// Sets character properties that depend on the tables in the header.
    fn set_font_or_style(&mut self, word: Word, number: Option<i32>) {
        match word {
            Word::Plain => self.group.plain(self.fonts.default_font),
            Word::F => self.group.font = number.unwrap_or(0),
            Word::Cs => {
                let is_code = self.styles.is_code(number.unwrap_or(0));
                self.group.flags.set(Flags::CODE, is_code);
            }
            _ => {}
        }
    }

    fn style_word(&mut self, word: Word, number: Option<i32>) {
        let number = number.unwrap_or(0);
        match word {
            Word::S => self.styles.paragraph_style(number),
            Word::Cs => self.styles.character_style(number),
            Word::Outlinelevel => self.styles.outline(outline_level(number)),
            Word::U => self.unicode(number),
            _ => {}
        }
    }

    fn list_word(&mut self, word: Word, number: Option<i32>) {
        if self.group.destination == Destination::ListTable {
            self.lists.list_word(word, number);
        } else {
            self.lists.override_word(word, number);
        }
        if word == Word::Leveltext {
            self.group.destination = Destination::LevelText;
        }
    }

    /// Executes a control word in text without formatting.
    fn bare_text_word(&mut self, word: Word, number: Option<i32>) {
        match word {
            Word::U => self.unicode(number.unwrap_or(0)),
            Word::Uc => self.group.fallback = u32::try_from(number.unwrap_or(1)).unwrap_or(0),
            Word::F => self.group.font = number.unwrap_or(0),
            _ => word.character().into_iter().for_each(|c| self.push(c)),
        }
    }

    fn numbering_word(&mut self, word: Word, number: Option<i32>) {
        let numbering = &mut self.group.paragraph.numbering;
        match word {
            Word::Pnlvlblt => *numbering = Numbering::Bullet,
            Word::Pnlvlbody | Word::Pnlvl => *numbering = Numbering::Number(1, labels::DECIMAL),
            Word::Pnlvlcont => *numbering = Numbering::None,
            Word::Pnstart => {
                if let Numbering::Number(start, _) = numbering {
                    *start = u32::try_from(number.unwrap_or(1)).unwrap_or(0);
                }
            }
            _ => {
                if let (Numbering::Number(_, format), Some(named)) = (numbering, number_format(word)) {
                    *format = named;
                }
            }
        }
    }

    /// Executes a control symbol other than an escaped character.
    pub(super) fn symbol(&mut self, symbol: u8) {
        match symbol {
            b'~' => self.push('\u{a0}'),
            b'_' => self.push('\u{2011}'),
            b'-' => self.push('\u{ad}'),
            b'\t' => self.push('\t'),
            b'\r' | b'\n' => self.paragraph_word(Word::Par, None),
            _ => {}
        }
    }
}

/// The destination of a group that begins with this word; `None` if the word does not change it.
fn destination(word: Word) -> Option<Destination> {
    Some(match word {
        Word::Fonttbl => Destination::FontTable,
        Word::Stylesheet => Destination::StyleSheet,
        Word::Listtable => Destination::ListTable,
        Word::Listoverridetable => Destination::ListOverrideTable,
        Word::Fldinst => Destination::Instruction,
        Word::Listtext | Word::Pntext => Destination::Marker,
        Word::Pn => Destination::Numbering,
        Word::Upr => Destination::Upr,
        Word::Shpinst | Word::Do => Destination::Shape,
        Word::Pict => Destination::Picture,
        Word::Formfield => Destination::FormField,
        Word::MoMath | Word::MoMathPara => Destination::Math,
        Word::Colortbl | Word::Filetbl | Word::Info | Word::Nonshppict | Word::Objdata | Word::MmathPict => {
            Destination::Skip
        }
        // Parts of pictures, shapes and forms outside of these.
        Word::Picprop | Word::Sn | Word::Sv | Word::Ffl => Destination::Skip,
        Word::Objclass | Word::Objname | Word::Header | Word::Headerl | Word::Headerr | Word::Headerf => {
            Destination::Skip
        }
        Word::Footer | Word::Footerl | Word::Footerr | Word::Footerf | Word::Ftnsep | Word::Ftnsepc => {
            Destination::Skip
        }
        Word::Ftncn | Word::Aftnsep | Word::Aftnsepc | Word::Aftncn | Word::Xe | Word::Tc | Word::Tcn => {
            Destination::Skip
        }
        Word::Rxe | Word::Txe | Word::Nonesttables | Word::Annotation | Word::Atnid | Word::Atnauthor => {
            Destination::Skip
        }
        // The same text again, for readers that do not support shapes.
        Word::Shprslt => Destination::Skip,
        Word::Template | Word::Background | Word::Revtbl | Word::Pnseclvl => Destination::Skip,
        // Parts of list tables outside of these.
        Word::List | Word::Listlevel | Word::Listname | Word::Leveltext | Word::Levelnumbers => {
            Destination::Skip
        }
        Word::Liststylename | Word::Listoverride | Word::Lfolevel => Destination::Skip,
        _ => return None,
    })
}

/// The loss that a group causes which begins with this word.
fn loss(word: Word) -> Option<Loss> {
    Some(match word {
        Word::Pict => Loss::Picture,
        Word::Objdata => Loss::Object,
        Word::Annotation => Loss::Comment,
        Word::Header | Word::Headerl | Word::Headerr | Word::Headerf => Loss::HeaderFooter,
        Word::Footer | Word::Footerl | Word::Footerr | Word::Footerf => Loss::HeaderFooter,
        Word::Xe | Word::Tc | Word::Tcn => Loss::Field,
        _ => return None,
    })
}

/// The `\levelnfc` format that a word of `\pn` names.
fn number_format(word: Word) -> Option<i32> {
    Some(match word {
        Word::Pndec => labels::DECIMAL,
        Word::Pnucrm => labels::UPPER_ROMAN,
        Word::Pnlcrm => labels::LOWER_ROMAN,
        Word::Pnucltr => labels::UPPER_LETTER,
        Word::Pnlcltr => labels::LOWER_LETTER,
        Word::Pnord => labels::ORDINAL,
        Word::Pncard => labels::CARDINAL_TEXT,
        Word::Pnordt => labels::ORDINAL_TEXT,
        _ => return None,
    })
}

/// Sets the character property of a word. Returns `false` if the word has none.
fn set_character_property(group: &mut Group, word: Word, number: Option<i32>) -> bool {
    let on = number != Some(0);
    let flags = &mut group.flags;
    match word {
        Word::B => flags.set(Flags::BOLD, on),
        Word::I => flags.set(Flags::ITALIC, on),
        Word::Strike | Word::Striked => flags.set(Flags::STRIKE, on),
        Word::Ul | Word::Uld | Word::Uldash | Word::Uldashd | Word::Uldashdd => {
            flags.set(Flags::UNDERLINE, on)
        }
        Word::Uldb | Word::Ulth | Word::Ulw | Word::Ulwave => flags.set(Flags::UNDERLINE, on),
        Word::Ulnone => flags.set(Flags::UNDERLINE, false),
        Word::V => flags.set(Flags::HIDDEN, on),
        Word::Deleted => flags.set(Flags::DELETED, on),
        Word::Sup | Word::Sub | Word::Nosupersub => {
            flags.set(Flags::SUPERSCRIPT, on && word == Word::Sup);
            flags.set(Flags::SUBSCRIPT, on && word == Word::Sub);
        }
        Word::Plain | Word::F | Word::Cs => {}
        _ => return false,
    }
    true
}
