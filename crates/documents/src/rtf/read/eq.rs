//! `EQ` fields: the formulas of Word before it had an equation editor.
//!
//! The syntax follows Word's description: a switch such as `\f`, then its options, which also begin
//! with a backslash, then its elements in parentheses, separated by commas or semicolons.

use super::linear::{Linear, Part};

/// A switch whose elements are being read.
#[derive(Debug)]
struct Switch {
    letter: u8,
    /// The number of preceding elements.
    count: usize,
    /// The number of open parentheses in the element.
    parentheses: usize,
    /// Whether the elements are subscripts.
    is_low: bool,
}

impl Switch {
    fn part(&self) -> Part {
        match self.letter {
            b'f' => Part::Fraction,
            b'r' => Part::Radical,
            b'i' => Part::Nary,
            b'b' => Part::Delimiters,
            b'a' | b'l' => Part::Row,
            b'o' => Part::Overstrike,
            _ => Part::Base,
        }
    }

    /// The kind of the next element. The only element of a root is its radicand.
    fn element(&self, is_last: bool) -> Part {
        match (self.letter, self.count) {
            (b'f', 0) => Part::Numerator,
            (b'f', _) => Part::Denominator,
            (b'r', 0) if !is_last => Part::Degree,
            (b'i', 0) => Part::Subscript,
            (b'i', 1) => Part::Superscript,
            (b's', _) if self.is_low => Part::Subscript,
            (b's', _) => Part::Superscript,
            _ => Part::Base,
        }
    }
}

/// The formula of a field's code. `None` if it is not an `EQ` field.
pub(super) fn formula(code: &str) -> Option<String> {
    let code = code.trim_start();
    let (name, rest) = code.split_at_checked(2)?;
    if !name.eq_ignore_ascii_case("eq") || rest.starts_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let mut reader = Reader { chars: rest.trim(), linear: Linear::default(), open: Vec::new() };
    reader.read();
    Some(reader.linear.take().trim().to_owned())
}

struct Reader<'a> {
    /// The rest of the code.
    chars: &'a str,
    linear: Linear,
    open: Vec<Switch>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.chars().next()?;
        self.chars = self.chars.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    fn read(&mut self) {
        while let Some(c) = self.next() {
            let innermost = self.open.last_mut();
            match (c, innermost) {
                ('\\', _) => self.backslash(),
                ('(', Some(switch)) => {
                    switch.parentheses += 1;
                    self.linear.push("(");
                }
                (')', Some(switch)) if switch.parentheses == 0 => {
                    self.open.pop();
                    self.linear.end(2 * self.open.len() + 1);
                }
                (')', Some(switch)) => {
                    switch.parentheses -= 1;
                    self.linear.push(")");
                }
                (',' | ';', Some(switch)) if switch.parentheses == 0 => {
                    switch.count += 1;
                    self.begin_element();
                }
                _ => self.linear.push(c.encode_utf8(&mut [0; 4])),
            }
        }
    }

    /// Reads a switch or an escaped character.
    fn backslash(&mut self) {
        match self.next() {
            // A format of the result, which has one argument.
            Some('*') => {
                let rest = self.chars.trim_start();
                let is_end = |c: char| c.is_whitespace() || matches!(c, '\\' | '(' | ')' | ',' | ';');
                let end = match rest.strip_prefix('"') {
                    Some(quoted) => quoted.find('"').map_or(rest.len(), |at| at + 2),
                    None => rest.find(is_end).unwrap_or(rest.len()),
                };
                self.chars = rest.get(end..).unwrap_or_default().trim_start();
            }
            Some(letter) if letter.is_ascii_alphabetic() => self.switch(letter.to_ascii_lowercase() as u8),
            Some(c) => self.linear.push(c.encode_utf8(&mut [0; 4])),
            None => {}
        }
    }

    /// Reads a switch and its options, up to the parenthesis that opens its elements.
    fn switch(&mut self, letter: u8) {
        let depth = 2 * self.open.len() + 1;
        let mut switch = Switch { letter, count: 0, parentheses: 0, is_low: false };
        self.linear.begin(switch.part(), depth);
        if letter == b'b' {
            self.linear.begin_mark(1);
            self.linear.mark(',');
        }
        loop {
            match self.next() {
                Some('\\') => self.option(&mut switch),
                Some('(') => break,
                Some(_) => {}
                None => return self.linear.end(depth),
            }
        }
        self.open.push(switch);
        self.begin_element();
    }

    /// An option of a switch: two letters, and for some a character.
    fn option(&mut self, switch: &mut Switch) {
        let end = self.chars.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.chars.len());
        let (name, rest) = self.chars.split_at_checked(end).unwrap_or_default();
        self.chars = rest;
        match (switch.letter, name) {
            (b's', "do") => switch.is_low = true,
            (b'i', "su") => self.set_mark(0, '∑'),
            (b'i', "pr") => self.set_mark(0, '∏'),
            (b'b', "lc" | "rc" | "bc") | (b'i', "fc" | "vc") => {
                let given = self.chars.trim_start().strip_prefix('\\');
                let Some(mark) = given.and_then(|rest| rest.chars().next()) else { return };
                self.chars = given.and_then(|rest| rest.get(mark.len_utf8()..)).unwrap_or_default();
                match (switch.letter, name) {
                    (b'b', "rc") => self.set_mark(2, mark),
                    (b'b', "bc") => {
                        self.set_mark(0, mark);
                        self.set_mark(2, mirrored(mark));
                    }
                    _ => self.set_mark(0, mark),
                }
            }
            _ => {}
        }
    }

    fn set_mark(&mut self, slot: usize, mark: char) {
        self.linear.begin_mark(slot);
        self.linear.mark(mark);
    }

    fn begin_element(&mut self) {
        let depth = 2 * self.open.len();
        self.linear.end(depth);
        let is_last = !self.has_another();
        if let Some(switch) = self.open.last() {
            self.linear.begin(switch.element(is_last), depth);
        }
    }

    /// Whether another element follows the one that begins here. This matters only for a root,
    /// whose first element is short.
    fn has_another(&self) -> bool {
        if !self.open.last().is_some_and(|switch| switch.letter == b'r' && switch.count == 0) {
            return false;
        }
        let mut depth = 0usize;
        let mut is_escaped = false;
        for c in self.chars.chars().take(256) {
            match c {
                _ if std::mem::take(&mut is_escaped) => {}
                '\\' => is_escaped = true,
                '(' => depth += 1,
                ')' if depth == 0 => return false,
                ')' => depth -= 1,
                ',' | ';' if depth == 0 => return true,
                _ => {}
            }
        }
        false
    }
}

fn mirrored(mark: char) -> char {
    match mark {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        '<' => '>',
        mark => mark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_become_a_line() {
        for (code, expected) in [
            (r" EQ \f(1,2)", "1/2"),
            (r"eq \f(a+b;2)", "(a+b)/2"),
            (r"EQ \r(3,x) + \r(y+1)", "√(3&x) + √(y+1)"),
            (r"EQ x\s\up8(2) - y\s\do4(i j)", "x^2 - y_(i j)"),
            (r"EQ \i \su(i=1,n,i)", "∑_(i=1)^n i"),
            (r"EQ \i(0,1,\f(x,2))", "∫_0^1 x/2"),
            (r"EQ \b \bc\[ (\a \al \co2 (1,2,3,4))", "[1, 2, 3, 4]"),
            (r"EQ \b(x) \b \lc\| \rc\| (y)", "(x) |y|"),
            (r"EQ \l(1,2) \x(z) \d \fo10 ()", "1, 2 z"),
            (r"EQ \* jc2 \* hps10 \o\ad(\s\up 10(reading),base)", "base"),
            (r#"EQ \* "Font: A, B" \* jc0 \o(O,/)"#, "O/"),
            (r"EQ f(x)\,\(\f(g(a,b),h)", "f(x),((g(a,b))/h"),
        ] {
            assert_eq!(formula(code).as_deref(), Some(expected), "{code}");
        }
    }

    #[test]
    fn other_fields_are_no_formulas() {
        for code in ["", "E", "EQUALS x", "PAGE", "é", "SEQ a"] {
            assert_eq!(formula(code), None, "{code}");
        }
    }

    #[test]
    fn unfinished_formulas_keep_their_text() {
        assert_eq!(formula(r"EQ \f(1,\r(2").as_deref(), Some("1/(√2)"));
        assert_eq!(formula(r"EQ \f").as_deref(), Some(""));
        assert_eq!(formula(r"EQ \").as_deref(), Some(""));
        let deep = format!("EQ {}1", r"\f(".repeat(5_000));
        assert!(formula(&deep).is_some_and(|line| line.contains('1')));
    }
}
