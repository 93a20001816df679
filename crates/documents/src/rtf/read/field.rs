//! Fields: the code of a hyperlink.

use crate::model::Link;

/// The longest code of a field that is kept, in bytes. A longer one is no hyperlink.
pub(super) const LONGEST_CODE: usize = 16 * 1024;

/// Where the field leads, if its code is `HYPERLINK`.
///
/// After the field syntax of Word: arguments are separated by spaces or quoted, `\l` goes before a place in the
/// document, `\o` before a tip, `\t` before a frame.
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
            // Formats of the result: how it looks, as a date, as a number.
            "\\*" | "\\@" | "\\#" if !is_quoted => _ = arguments.next(),
            _ if !is_quoted && argument.starts_with('\\') => {}
            _ if link.url.is_empty() || link.url.starts_with('#') => link.url.insert_str(0, &argument),
            _ => {}
        }
    }
    (!link.url.is_empty()).then_some(link)
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
                // In quotes, a backslash makes the next one or a quote mean itself.
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
