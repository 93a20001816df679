//! Formulas: their control words.

use super::linear::Part;
use super::reader::Reader;
use super::state::Destination;
use super::word::Word;

impl Reader {
    /// `\moMath` or `\moMathPara`.
    pub(super) fn begin_math(&mut self) {
        if !self.math.is_empty() {
            self.math.push(" ");
        }
        self.group.destination = Destination::Math;
    }

    /// Ends the formula. Its text is part of the paragraph.
    pub(super) fn end_math(&mut self) {
        let line = self.math.take();
        self.show(&line);
    }

    /// Executes a control word in a formula.
    pub(super) fn math_word(&mut self, word: Word, number: Option<i32>) {
        let slot = match word {
            Word::Mchr | Word::MbegChr => Some(0),
            Word::MsepChr => Some(1),
            Word::MendChr => Some(2),
            _ => None,
        };
        if let Some(slot) = slot {
            self.group.destination = Destination::MathMark;
            return self.math.begin_mark(slot);
        }
        if let Some(part) = part(word) {
            self.group.destination = Destination::Math;
            let depth = self.depth();
            self.math.begin(part, depth);
            return;
        }
        match word {
            Word::MoMath => self.begin_math(),
            Word::Mr => self.group.destination = Destination::MathRun,
            Word::U => self.unicode(number.unwrap_or(0)),
            Word::Uc => self.group.fallback = u32::try_from(number.unwrap_or(1)).unwrap_or(0),
            Word::F => self.group.font = number.unwrap_or(0),
            _ => word.character().into_iter().for_each(|c| self.push(c)),
        }
    }

    /// Handles an unknown word in a formula: it begins a group with formatting or with properties
    /// of a run.
    pub(super) fn unknown_in_math(&mut self) {
        if self.group.destination == Destination::Math {
            self.group.destination = Destination::MathProperty;
        }
    }
}

fn part(word: Word) -> Option<Part> {
    Some(match word {
        Word::Mf => Part::Fraction,
        Word::Mnum => Part::Numerator,
        Word::Mden => Part::Denominator,
        Word::MsSup | Word::MsSub | Word::MsSubSup | Word::MsPre | Word::MlimLow => Part::Script,
        Word::MlimUpp => Part::LimitAbove,
        Word::Me => Part::Base,
        Word::Msup => Part::Superscript,
        Word::Msub | Word::Mlim => Part::Subscript,
        Word::Mrad => Part::Radical,
        Word::Mdeg => Part::Degree,
        Word::Mnary => Part::Nary,
        Word::Md => Part::Delimiters,
        Word::Mfunc => Part::Function,
        Word::MfName => Part::Name,
        Word::Mm | Word::MeqArr => Part::Rows,
        Word::Mmr => Part::Row,
        Word::Macc => Part::Accent,
        _ => return None,
    })
}
