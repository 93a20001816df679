//! The style sheet: which styles are headings, quotes or code.

use std::collections::{HashMap, HashSet};

/// The role of a paragraph style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Role {
    #[default]
    Body,
    /// The level, 1 to 6.
    Heading(u8),
    /// The depth.
    Quote(u8),
    Code,
}

/// The maximum length of a style name that is examined, in bytes. Names with a meaning here are
/// shorter.
const LONGEST_NAME: usize = 64;

/// The styles so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Styles {
    paragraphs: HashMap<i32, Role>,
    code: HashSet<i32>,
    entry: Entry,
}

/// The style that is being defined.
#[derive(Debug, Clone, Default)]
struct Entry {
    paragraph: i32,
    character: Option<i32>,
    outline: Option<u8>,
    name: String,
}

impl Styles {
    /// `\s` in the style sheet.
    pub(super) fn paragraph_style(&mut self, number: i32) {
        self.entry.paragraph = number;
    }

    /// `\cs` in the style sheet.
    pub(super) fn character_style(&mut self, number: i32) {
        self.entry.character = Some(number);
    }

    /// `\outlinelevel` in the style sheet, counted from 1; 0 for body text.
    pub(super) fn outline(&mut self, level: u8) {
        self.entry.outline = Some(level);
    }

    /// Adds text to a style's name. A semicolon ends the definition.
    pub(super) fn name(&mut self, text: &str) {
        for (i, part) in text.split(';').enumerate() {
            if i > 0 {
                self.define();
            }
            if self.entry.name.len() + part.len() <= LONGEST_NAME {
                self.entry.name.push_str(part);
            }
        }
    }

    /// Ends a definition.
    fn define(&mut self) {
        let entry = std::mem::take(&mut self.entry);
        let name = entry.name.trim().to_ascii_lowercase();
        if let Some(number) = entry.character {
            if matches!(
                &*name,
                "html code" | "source text" | "verbatim char" | "teletype" | "code" | "inline code"
            ) {
                self.code.insert(number);
            }
            return;
        }
        let role = match (role_of(&name), entry.outline) {
            (Role::Body, Some(level @ 1..=9)) => Role::Heading(level.min(6)),
            (role, _) => role,
        };
        if role != Role::Body {
            self.paragraphs.insert(entry.paragraph, role);
        }
    }

    pub(super) fn role(&self, style: i32) -> Role {
        self.paragraphs.get(&style).copied().unwrap_or_default()
    }

    /// The approximate number of retained bytes.
    pub(super) fn held(&self) -> usize {
        (self.paragraphs.len() + self.code.len()) * size_of::<(i32, Role)>()
    }

    pub(super) fn is_code(&self, character_style: i32) -> bool {
        self.code.contains(&character_style)
    }
}

/// The role of a built-in style of Word or LibreOffice, from its name.
fn role_of(name: &str) -> Role {
    let numbered = |prefix: &str| name.strip_prefix(prefix)?.trim().parse::<u8>().ok();
    match name {
        "quote" | "intense quote" | "block text" | "quotations" => Role::Quote(1),
        "html preformatted" | "preformatted text" | "source code" | "code block" | "macro text" => Role::Code,
        _ => match (numbered("heading"), numbered("quote")) {
            (Some(level @ 1..=9), _) => Role::Heading(level.min(6)),
            (_, Some(depth @ 1..=9)) => Role::Quote(depth),
            _ => Role::Body,
        },
    }
}

/// Converts `\outlinelevel`, which counts from 0 and is 9 for body text, to a level from 1, with 0
/// for body text.
pub(super) fn outline_level(number: i32) -> u8 {
    u8::try_from(number).map_or(0, |level| if level < 9 { level + 1 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_go_by_name_or_outline_level() {
        let mut styles = Styles::default();
        styles.paragraph_style(1);
        styles.name("heading 2;");
        styles.paragraph_style(2);
        styles.outline(3);
        styles.name("Chap");
        styles.name("ter;");
        styles.name("Normal;");
        assert_eq!(styles.role(1), Role::Heading(2));
        assert_eq!(styles.role(2), Role::Heading(3));
        assert_eq!(styles.role(0), Role::Body);
    }

    #[test]
    fn quotes_and_code_go_by_name() {
        assert_eq!(role_of("quote"), Role::Quote(1));
        assert_eq!(role_of("quote 3"), Role::Quote(3));
        assert_eq!(role_of("html preformatted"), Role::Code);
        assert_eq!(role_of("heading"), Role::Body);
        let mut styles = Styles::default();
        styles.character_style(15);
        styles.name("HTML Code;");
        assert!(styles.is_code(15) && !styles.is_code(0));
    }
}
