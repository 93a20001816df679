//! Writes the text of a paragraph: escaped text with marks for its styles.

use bytes::BytesMut;

use super::emphasis::{InlineWriter, Scratch};
use super::escape::{self, Context};
use super::segment;
use crate::model::{Content, Link, Run, Style};

/// Appends the text of `content` to `out`, without its first `skipped` bytes. Lines after the first
/// begin with `prefix`.
pub(super) fn write(
    out: &mut BytesMut,
    content: &Content,
    skipped: usize,
    links: &[Link],
    context: Context,
    prefix: &[u8],
    scratch: &mut Scratch,
) {
    if let [Run { style, .. }] = content.runs.as_slice() {
        if *style == Style::default() {
            let text = content.text.get(skipped..).unwrap_or_default().trim_matches([' ', '\t', '\n']);
            return escape::write(out, text, context, prefix, &mut true);
        }
    }
    segment::cut(content, skipped, &mut scratch.segments);
    InlineWriter::new(out, &content.text, links, context, prefix, scratch).write();
}
