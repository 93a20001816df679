//! Fields and their instructions.

use encoding_rs::SHIFT_JIS;

use super::codepage::CodePage;
use super::eq;
use super::reader::Reader;
use super::state::Destination;
use super::symbols::SymbolFont;
use super::word::Word;
use crate::model::Link;

impl Reader {
    /// Begins a link: the group is its text.
    fn begin_link(&mut self, link: Link) {
        // A link within a link ends the outer one.
        self.end_links();
        let start = self.writer().content().text.len();
        self.group.link = self.links.begin(link, start);
    }

    /// Ends a group that is the text of a link. If the text is empty, for example because the group
    /// contains a picture, the address is shown.
    pub(super) fn end_link_text(&mut self) {
        let Some((link, start)) = self.links.text_start(self.group.link) else { return };
        if link.url.starts_with('#') {
            return;
        }
        let url = link.url.clone();
        let is_blank = self.writer().content().text.get(start..).is_none_or(|text| text.trim().is_empty());
        if is_blank {
            self.show(&url);
        }
    }

    /// Executes a control word in `\formfield`.
    pub(super) fn form_word(&mut self, word: Word, number: Option<i32>) {
        self.form.word(word, number);
        if word == Word::Ffl {
            self.group.destination = Destination::FormItem;
        }
    }

    /// Ends the code of a field, which is in `font`. For some fields the code determines what is
    /// shown, and their result is ignored.
    pub(super) fn end_instruction(&mut self, font: i32) {
        let code = std::mem::take(&mut self.instruction);
        let shown = if let Some(symbol) = symbol(&code) {
            Some(self.symbol_shown(&symbol, font).to_string())
        } else if let Some(formula) = eq::formula(&code) {
            Some(formula)
        } else {
            self.form.value(&code).map(str::to_owned)
        };
        self.instruction = code;
        if let Some(shown) = shown.filter(|shown| !shown.is_empty()) {
            self.show(&shown);
            self.shown_field = Some(self.depth());
        }
    }

    fn symbol_shown(&self, symbol: &Symbol, font: i32) -> char {
        let named = symbol.font.as_deref().map(SymbolFont::from_name);
        let font = named.unwrap_or_else(|| self.fonts.symbols(font));
        let mut text = String::new();
        match (font, symbol.number) {
            (Some(font), number @ (0x20..=0xff | 0xf020..=0xf0ff)) => return font.character(number as u8),
            (_, number) if symbol.is_unicode || number > 0xffff => {
                return char::from_u32(number).unwrap_or('\u{fffd}');
            }
            (_, number @ 0x100..) if symbol.is_shift_jis => {
                CodePage::Web(SHIFT_JIS).decode(&(number as u16).to_be_bytes(), &mut text);
            }
            (_, number @ 0x100..) => text.extend(char::from_u32(number)),
            (_, number) => CodePage::ANSI.decode(&[number as u8], &mut text),
        }
        text.chars().next().unwrap_or('\u{fffd}')
    }

    /// `\fldrslt`: the result of the field. It is the text of a link if the code is a hyperlink.
    pub(super) fn field_result(&mut self) {
        if !self.group.destination.is_paragraph_text() {
            return;
        }
        self.dependencies.lacks_instruction |= !self.dependencies.has_instruction;
        if self.shown_field.take().is_some() {
            self.instruction.clear();
            self.group.destination = Destination::Skip;
        } else if let Some(link) = hyperlink(&std::mem::take(&mut self.instruction)) {
            self.begin_link(link);
        }
    }
}

/// The target of the field, if its code is `HYPERLINK`.
///
/// The syntax is Word's: arguments are separated by spaces or quoted. `\l` precedes a position in
/// the document, `\o` a tooltip, `\t` a frame.
pub(super) fn hyperlink(code: &str) -> Option<Link> {
    let mut arguments = Arguments { rest: code };
    if !arguments.next()?.0.eq_ignore_ascii_case("hyperlink") {
        return None;
    }
    let mut link = Link::default();
    while let Some((argument, is_quoted)) = arguments.next() {
        match argument.as_str() {
            "\\l" if !is_quoted => {
                if let Some((place, _)) = arguments.next() {
                    link.url.push('#');
                    link.url.push_str(&place);
                }
            }
            "\\o" if !is_quoted => link.title = arguments.next().unwrap_or_default().0,
            "\\t" if !is_quoted => _ = arguments.next(),
            // Formats of the result, for example of a date or a number.
            "\\*" | "\\@" | "\\#" if !is_quoted => _ = arguments.next(),
            _ if !is_quoted && argument.starts_with('\\') => {}
            _ if link.url.is_empty() || link.url.starts_with('#') => link.url.insert_str(0, &argument),
            _ => {}
        }
    }
    (!link.url.is_empty()).then_some(link)
}

/// A `SYMBOL` field: one character by its number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) number: u32,
    /// `\f`: its font.
    pub(super) font: Option<String>,
    /// `\u`: the number is a Unicode code point.
    pub(super) is_unicode: bool,
    /// `\j`: the number is in Shift-JIS.
    pub(super) is_shift_jis: bool,
}

/// The character of a field, if its code is `SYMBOL`.
pub(super) fn symbol(code: &str) -> Option<Symbol> {
    let mut arguments = Arguments { rest: code };
    if !arguments.next()?.0.eq_ignore_ascii_case("symbol") {
        return None;
    }
    let (number, _) = arguments.next()?;
    let hex = number.strip_prefix("0x").or_else(|| number.strip_prefix("0X"));
    let value = match hex {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => {
            number.parse::<i32>().ok().map(|value| if value < 0 { value as u16 as u32 } else { value as u32 })
        }
    };
    let mut chars = number.chars();
    // The argument may be the character itself.
    let single = chars.next().filter(|_| chars.next().is_none()).map(u32::from);
    let number = value.or(single)?;
    let mut symbol = Symbol { number, font: None, is_unicode: value.is_none(), is_shift_jis: false };
    while let Some((argument, is_quoted)) = arguments.next() {
        match argument.to_ascii_lowercase().as_str() {
            "\\f" if !is_quoted => symbol.font = arguments.next().map(|(font, _)| font),
            "\\s" | "\\*" if !is_quoted => _ = arguments.next(),
            "\\u" if !is_quoted => symbol.is_unicode = true,
            "\\j" if !is_quoted => symbol.is_shift_jis = true,
            _ => {}
        }
    }
    Some(symbol)
}

/// The arguments of a field, and whether each was quoted.
struct Arguments<'a> {
    rest: &'a str,
}

impl Iterator for Arguments<'_> {
    type Item = (String, bool);

    fn next(&mut self) -> Option<(String, bool)> {
        self.rest = self.rest.trim_start();
        let is_quoted = self.rest.starts_with('"');
        let text = if is_quoted { self.rest.get(1..)? } else { self.rest };
        let mut argument = String::new();
        let mut chars = text.char_indices();
        loop {
            match chars.next() {
                None => {
                    self.rest = "";
                    break;
                }
                Some((at, '"')) if is_quoted => {
                    self.rest = text.get(at + 1..).unwrap_or_default();
                    break;
                }
                Some((at, c)) if !is_quoted && (c.is_whitespace() || c == '"') => {
                    self.rest = text.get(at..).unwrap_or_default();
                    break;
                }
                // In quotes, a backslash escapes the next character.
                Some((_, '\\')) if is_quoted => argument.extend(chars.next().map(|(_, c)| c)),
                Some((_, c)) => argument.push(c),
            }
        }
        (is_quoted || !argument.is_empty()).then_some((argument, is_quoted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(code: &str) -> Option<(String, String)> {
        hyperlink(code).map(|link| (link.url, link.title))
    }

    #[test]
    fn the_address_may_be_quoted_or_not() {
        let expected = Some(("http://a.example/?b=c".into(), String::new()));
        assert_eq!(parts(" HYPERLINK \"http://a.example/?b=c\" "), expected);
        assert_eq!(parts("hyperlink http://a.example/?b=c"), expected);
    }

    #[test]
    fn switches_add_a_place_and_a_title() {
        assert_eq!(parts(r#"HYPERLINK \l "top""#), Some(("#top".into(), String::new())));
        let both = parts(r#"HYPERLINK "a.html" \l "top" \o "Say \"hi\"" \t "_blank""#);
        assert_eq!(both, Some(("a.html#top".into(), "Say \"hi\"".into())));
    }

    #[test]
    fn a_backslash_in_quotes_is_doubled() {
        assert_eq!(parts(r#"HYPERLINK "c:\\a\\b.txt""#), Some((r"c:\a\b.txt".into(), String::new())));
    }

    #[test]
    fn symbols_have_a_number_and_a_font() {
        let parts = |code: &str| {
            let symbol = symbol(code)?;
            Some((symbol.number, symbol.font.unwrap_or_default(), symbol.is_unicode, symbol.is_shift_jis))
        };
        let expected = |number, font: &str, unicode, jis| Some((number, font.to_owned(), unicode, jis));
        assert_eq!(parts(r#" SYMBOL 109 \f "Symbol" \s 12"#), expected(109, "Symbol", false, false));
        assert_eq!(parts(r"symbol 0xF06D \f Symbol \h"), expected(0xf06d, "Symbol", false, false));
        assert_eq!(parts(r"SYMBOL -3987 \s 12 \f Symbol"), expected(0xf06d, "Symbol", false, false));
        assert_eq!(parts(r"SYMBOL 8364 \u"), expected(8364, "", true, false));
        assert_eq!(parts(r"SYMBOL § \* MERGEFORMAT"), expected(0xa7, "", true, false));
        assert_eq!(parts(r"SYMBOL 33440 \j"), expected(33440, "", false, true));
        for code in ["", "SYMBOL", "SYMBOL ab", "SYMBOLS 1", "PAGE"] {
            assert_eq!(parts(code), None, "{code}");
        }
    }

    #[test]
    fn other_fields_lead_nowhere() {
        for code in [
            "",
            "PAGE",
            "HYPERLINK",
            "HYPERLINK \\* MERGEFORMAT",
            "HYPERLINK \"\"",
            "HYPERLINK \\l",
            "HYPERLINKS x",
        ] {
            assert_eq!(parts(code), None, "{code}");
        }
    }
}
