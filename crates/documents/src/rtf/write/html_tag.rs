//! The inline HTML tags that have a counterpart in RTF.

use super::style::Mark;

/// What a tag means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Begin(Mark),
    End(Mark),
    LineBreak,
}

/// Reads one tag, as returned by the parser. `None` for tags without a counterpart.
pub(super) fn read(html: &str) -> Option<Tag> {
    let inner = html.trim().strip_prefix('<')?.strip_suffix('>')?;
    let (inner, is_end) = inner.strip_prefix('/').map_or((inner, false), |inner| (inner, true));
    let name = inner.split(|c: char| c.is_ascii_whitespace() || c == '/').next()?;
    if name.eq_ignore_ascii_case("br") {
        return Some(Tag::LineBreak);
    }
    let mark = match name.to_ascii_lowercase().as_str() {
        "b" | "strong" => Mark::Bold,
        "i" | "em" => Mark::Italic,
        "s" | "del" | "strike" => Mark::Strike,
        "u" | "ins" => Mark::Underline,
        "sup" => Mark::Superscript,
        "sub" => Mark::Subscript,
        _ => return None,
    };
    Some(if is_end { Tag::End(mark) } else { Tag::Begin(mark) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_for_looks_are_known_and_others_are_not() {
        assert_eq!(read("<u>"), Some(Tag::Begin(Mark::Underline)));
        assert_eq!(read("</EM >"), Some(Tag::End(Mark::Italic)));
        assert_eq!(read("<br />"), Some(Tag::LineBreak));
        for other in ["<span>", "<!-- u -->", "</>", "<", "<bold>"] {
            assert_eq!(read(other), None);
        }
    }
}
