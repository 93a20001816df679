//! Extracts the text of a block of raw HTML. The layout has no counterpart in RTF, but the words
//! are kept.

use crate::markdown::split::HIDDEN_ELEMENTS;

/// What a block of HTML consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Text, with each run of white space as one space.
    Text(String),
    /// An inline tag, with its brackets.
    Tag(&'a str),
    /// The boundary between two paragraphs.
    Break,
}

/// Block-level elements.
const BLOCKS: [&str; 37] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "td",
    "th",
    "ul",
];

/// Splits a block of HTML into pieces. It never fails: what is not a tag is text.
pub(crate) fn read<'a>(html: &'a str, mut take: impl FnMut(Piece<'a>)) {
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        take_text(text, &mut take);
        let Some(len) = tag_len(tag) else {
            // It never ends.
            return take_text(tag, &mut take);
        };
        let (tag, after) = tag.split_at(len);
        rest = after;
        if len == 1 {
            take_text(tag, &mut take);
            continue;
        }
        let inner = tag.trim_start_matches(['<', '/']);
        let name = inner.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let is = |names: &[&str]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
        if is(&BLOCKS) || name.eq_ignore_ascii_case("tr") {
            take(Piece::Break);
        } else if is(&HIDDEN_ELEMENTS) && !tag.starts_with("</") && !tag.ends_with("/>") {
            rest = after_element(after, name);
        } else if !name.is_empty() {
            take(Piece::Tag(tag));
        }
    }
    take_text(rest, &mut take);
}

fn take_text<'a>(text: &str, take: &mut impl FnMut(Piece<'a>)) {
    if text.is_empty() {
        return;
    }
    let mut squeezed = String::with_capacity(text.len());
    for (i, word) in text.split([' ', '\t', '\r', '\n']).enumerate() {
        if i > 0 && !squeezed.ends_with(' ') {
            squeezed.push(' ');
        }
        unescape(word, &mut squeezed);
    }
    take(Piece::Text(squeezed));
}

/// The length of the tag or comment at the start of `html`: 1 for a single `<`, `None` if it does
/// not end.
fn tag_len(html: &str) -> Option<usize> {
    if let Some(comment) = html.strip_prefix("<!--") {
        return Some(comment.find("-->").map_or(html.len(), |at| at + 7));
    }
    if !html.get(1..)?.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        return Some(1);
    }
    let mut quote = None;
    for (at, byte) in html.bytes().enumerate() {
        match (byte, quote) {
            (b'>', None) => return Some(at + 1),
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Returns the text after the end of the open element `name`.
fn after_element<'a>(html: &'a str, name: &str) -> &'a str {
    let mut rest = html;
    while let Some((_, after)) = rest.split_once("</") {
        rest = after;
        if after.get(..name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name)) {
            return after.split_once('>').map_or("", |(_, after)| after);
        }
    }
    ""
}

/// Appends `text`, with the most frequent character references replaced by characters.
fn unescape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        out.push_str(before);
        // The longest one has seven digits.
        let end = reference.bytes().take(10).position(|b| b == b';');
        let name = end.and_then(|end| reference.get(1..end));
        match (end, name.and_then(character)) {
            (Some(end), Some(c)) => {
                out.push(c);
                rest = reference.get(end + 1..).unwrap_or_default();
            }
            _ => {
                out.push('&');
                rest = reference.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let code = hex.map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
        return code.and_then(char::from_u32);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "copy" => '©',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text as it is, tags in their brackets, breaks as `/`.
    fn pieces(html: &str) -> String {
        let mut all = String::new();
        read(html, |piece| match piece {
            Piece::Text(text) => all.push_str(&text),
            Piece::Tag(tag) => all.push_str(tag),
            Piece::Break => all.push('/'),
        });
        all
    }

    #[test]
    fn blocks_break_and_other_tags_are_handed_on() {
        assert_eq!(pieces("<div class='>'>a\n  <b>b</b></DIV>"), "/a <b>b</b>/");
        assert_eq!(pieces("<table><tr><td>a</td></tr></table>"), "///a///");
    }

    #[test]
    fn what_a_browser_does_not_show_is_left_out() {
        assert_eq!(pieces("a<!-- <b> -->b<!-- c"), "ab");
        assert_eq!(pieces("a<script>if (a < b) {}</SCRIPT >b<style>c"), "ab");
        assert_eq!(pieces("<!DOCTYPE html><?php x ?>a"), "a");
    }

    #[test]
    fn what_is_no_tag_is_text() {
        assert_eq!(pieces("a < b <3 <"), "a < b <3 <");
        assert_eq!(pieces("a <b c <d"), "a <b c <d");
    }

    #[test]
    fn references_are_characters() {
        assert_eq!(
            pieces("&lt;&#65;&#x1F986;&nbsp;&amp;amp; &x; &#xffffffff; &"),
            "<A🦆\u{a0}&amp; &x; &#xffffffff; &"
        );
    }
}
