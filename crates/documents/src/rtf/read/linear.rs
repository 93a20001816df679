//! Formulas as one line of text, in the linear format of Unicode Technical Note 28: `(a+b)/2`,
//! `x^2`, `√(3&x)`.

/// The maximum depth of parts. Deeper parts become text of the surrounding part. This limits the
/// work: each part may insert a parenthesis before its text once.
const MOST_OPEN: usize = 64;

/// A part of a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Fraction,
    Radical,
    /// A sum, an integral and similar: an operator, limits, and an operand.
    Nary,
    Delimiters,
    Function,
    Accent,
    /// A matrix, or aligned equations.
    Rows,
    Row,
    /// A base with a script. Limits are scripts, too.
    Script,
    /// A base with a limit above it.
    LimitAbove,
    /// An overstrike of parts. A raised part, used for ruby text, is removed.
    Overstrike,
    /// A component of another part.
    Base,
    Numerator,
    Denominator,
    Superscript,
    Subscript,
    Degree,
    Name,
}

#[derive(Debug)]
struct Open {
    part: Part,
    /// The depth of the group or of parentheses that ends it.
    depth: usize,
    /// The start of the part, and of its text after the prefix.
    from: usize,
    start: usize,
    /// The number of its components so far.
    count: usize,
    /// The operator of a sum, an accent, or delimiters with the separator in the middle.
    marks: [Option<char>; 3],
    /// The index of the next mark.
    slot: usize,
    has_degree: bool,
    /// Whether its last component was a raised one at its beginning, which ended here.
    raised: Option<usize>,
}

/// The current formula.
#[derive(Debug, Default)]
pub(super) struct Linear {
    out: String,
    open: Vec<Open>,
}

impl Linear {
    /// Returns the formula, and begins the next one.
    pub(super) fn take(&mut self) -> String {
        self.end(0);
        std::mem::take(&mut self.out)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty() && self.open.is_empty()
    }

    /// The approximate number of retained bytes.
    pub(super) fn held(&self) -> usize {
        self.out.len() + self.open.len() * size_of::<Open>()
    }

    pub(super) fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Begins a part that ends with `depth`.
    pub(super) fn begin(&mut self, part: Part, depth: usize) {
        if self.open.len() >= MOST_OPEN {
            return;
        }
        if let Some(around) = self.open.last().filter(|around| around.part == Part::Nary && around.count == 0)
        {
            self.out.extend(around.marks.first().copied().flatten());
        }
        let from = self.out.len();
        if let Some(around) = self.open.last_mut() {
            around.push_before(part, &mut self.out);
            around.count += 1;
        } else {
            match part {
                Part::Superscript => self.out.push('^'),
                Part::Subscript => self.out.push('_'),
                _ => {}
            }
        }
        let marks = match part {
            Part::Nary => [Some('∫'), None, None],
            Part::Accent => [Some('\u{302}'), None, None],
            Part::Delimiters => [Some('('), Some('|'), Some(')')],
            _ => [None; 3],
        };
        let start = self.out.len();
        let open =
            Open { part, depth, from, start, count: 0, marks, slot: 0, has_degree: false, raised: None };
        self.open.push(open);
    }

    /// Begins a mark of the innermost part, which may be empty.
    pub(super) fn begin_mark(&mut self, slot: usize) {
        if let Some(open) = self.open.last_mut() {
            open.slot = slot;
            if let Some(mark) = open.marks.get_mut(slot) {
                *mark = None;
            }
        }
    }

    pub(super) fn mark(&mut self, c: char) {
        if let Some(open) = self.open.last_mut() {
            if let Some(mark) = open.marks.get_mut(open.slot).filter(|mark| mark.is_none()) {
                *mark = Some(c);
            }
        }
    }

    /// Ends the parts that began at that depth or deeper.
    pub(super) fn end(&mut self, depth: usize) {
        while self.open.last().is_some_and(|open| open.depth >= depth) {
            if let Some(open) = self.open.pop() {
                self.finish(&open);
            }
        }
    }

    fn finish(&mut self, open: &Open) {
        let text = self.out.get(open.start..).unwrap_or_default();
        let (is_empty, is_simple) = (text.is_empty(), text.chars().all(|c| c.is_alphanumeric() || c == '.'));
        let around = self.open.last_mut();
        let within = around.as_ref().map(|around| around.part);
        match open.part {
            Part::Superscript | Part::Subscript | Part::Denominator if is_empty => {
                self.out.truncate(open.from);
            }
            Part::Numerator | Part::Denominator | Part::Superscript | Part::Subscript if !is_simple => {
                self.wrap(open.start);
            }
            Part::Degree if !is_empty => {
                self.out.insert(open.start, '(');
                self.out.push('&');
                if let Some(around) = around {
                    around.has_degree = true;
                }
            }
            Part::Base => match within {
                Some(Part::Radical) if around.is_some_and(|around| around.has_degree) => self.out.push(')'),
                Some(Part::Radical | Part::Script | Part::LimitAbove | Part::Accent) if !is_simple => {
                    self.wrap(open.start)
                }
                Some(Part::Overstrike) => self.end_overstruck(open),
                _ => {}
            },
            Part::Delimiters => {
                if open.count == 0 {
                    self.out.extend(open.marks.first().copied().flatten());
                }
                self.out.extend(open.marks.get(2).copied().flatten());
            }
            Part::Accent => self.out.extend(open.marks.first().copied().flatten()),
            Part::Nary if open.count == 0 => self.out.extend(open.marks.first().copied().flatten()),
            _ => {}
        }
        let end = self.out.len();
        let is_raised = open.part == Part::Superscript || open.raised == Some(end);
        if let Some(around) = self.open.last_mut().filter(|_| is_raised) {
            around.raised = (around.start == open.from).then_some(end);
        }
    }

    /// Removes a component of an overstrike that contains only raised text.
    fn end_overstruck(&mut self, open: &Open) {
        if open.raised == Some(self.out.len()) {
            self.out.truncate(open.start);
        }
    }

    fn wrap(&mut self, start: usize) {
        self.out.insert(start, '(');
        self.out.push(')');
    }
}

impl Open {
    /// Writes the prefix of the next component.
    fn push_before(&self, part: Part, out: &mut String) {
        let mark = |slot: usize| self.marks.get(slot).copied().flatten();
        match (self.part, part) {
            (_, Part::Superscript) | (Part::LimitAbove, Part::Subscript) => out.push('^'),
            (_, Part::Subscript) => out.push('_'),
            (_, Part::Denominator) => out.push('/'),
            (Part::Radical, _) if self.count == 0 => out.push('√'),
            (Part::Delimiters, Part::Base) => out.extend(mark(usize::from(self.count > 0))),
            (Part::Nary | Part::Function, Part::Base) => out.push(' '),
            (Part::Row, _) if self.count > 0 => out.push_str(", "),
            (Part::Rows, _) if self.count > 0 => out.push_str("; "),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds a formula: a letter begins a part one deeper, `)` ends one, anything else is text.
    fn line(script: &[(Option<Part>, &str)]) -> String {
        let (mut linear, mut depth) = (Linear::default(), 0);
        for &(part, text) in script {
            match part {
                Some(part) => {
                    depth += 1;
                    linear.begin(part, depth);
                }
                None => {
                    linear.end(depth);
                    depth -= 1;
                }
            }
            linear.push(text);
        }
        linear.take()
    }

    #[test]
    fn compound_parts_are_in_parentheses() {
        use Part::{Base, Denominator, Fraction, Numerator, Script, Superscript};
        let fraction = [
            (Some(Fraction), ""),
            (Some(Numerator), "a+b"),
            (None, ""),
            (Some(Denominator), "2"),
            (None, ""),
            (None, "=c"),
        ];
        assert_eq!(line(&fraction), "(a+b)/2=c");
        let power = [(Some(Script), ""), (Some(Base), "-x"), (None, ""), (Some(Superscript), "n1")];
        assert_eq!(line(&power), "(-x)^n1");
    }

    #[test]
    fn empty_parts_leave_nothing() {
        use Part::{Base, Degree, Nary, Radical, Subscript, Superscript};
        let sum = [
            (Some(Nary), ""),
            (Some(Subscript), ""),
            (None, ""),
            (Some(Superscript), ""),
            (None, ""),
            (Some(Base), "f"),
        ];
        assert_eq!(line(&sum), "∫ f");
        assert_eq!(
            line(&[(Some(Radical), ""), (Some(Degree), ""), (None, ""), (Some(Base), "x+1")]),
            "√(x+1)"
        );
        assert_eq!(
            line(&[(Some(Radical), ""), (Some(Degree), "3"), (None, ""), (Some(Base), "x")]),
            "√(3&x)"
        );
    }

    #[test]
    fn what_nests_too_deep_is_text() {
        let mut linear = Linear::default();
        for depth in 0..100_000 {
            linear.begin(Part::Superscript, depth);
        }
        linear.push("x+y");
        let line = linear.take();
        assert!(line.contains("x+y") && line.len() < 4 * MOST_OPEN, "{line}");
    }
}
