//! Markdown to RTF that word processors take for their own: styles, list tables, fields and footnotes.

mod body;
mod head;
pub(crate) mod html_block;
mod html_tag;
mod inline;
mod lists;
mod paragraph;
mod parts;
mod style;
mod table;
mod text;

use std::collections::HashMap;
use std::ops::Range;

use bytes::BytesMut;

use self::body::Body;
use self::lists::Lists;
use self::parts::OpenEnd;
pub(crate) use self::parts::{Plan, from_part, join};
use crate::markdown::Text;
use crate::markdown::split::{Reading, Source};
use millpond_convert::{ConversionOptions, ConvertError, Loss, Report};

/// Appends the document `input` as RTF to `out`.
///
/// The body is written first: what lists there are, and what the footnotes say, is only known then.
pub(crate) fn from_markdown(
    input: &[u8],
    options: &ConversionOptions,
    out: &mut BytesMut,
) -> Result<Report, ConvertError> {
    let limit = options.max_output;
    let room = BytesMut::with_capacity((input.len() + input.len() / 2).min(limit));
    let reading = Reading::new(options);
    let text = Text::new(input, reading)?;
    let source = Source::new(&text, reading)?.without_silent();
    let parts = write(source, Body::new(room), limit)?;
    let mut report = parts.report.clone();
    if text.has_front_matter {
        report.add(Loss::FrontMatter);
    }
    let before = out.len();
    out.reserve(parts.body.len() + parts.notes.len() + 4096);
    head::write(out, &parts.lists);
    parts.assemble(out);
    out.extend_from_slice(b"}\n");
    if out.len() - before > limit {
        return Err(ConvertError::OutputTooLarge { limit });
    }
    Ok(report)
}

fn write(mut source: Source<'_>, mut body: Body, limit: usize) -> Result<Parts, ConvertError> {
    while let Some(event) = source.next() {
        body.event(event, source.is_id_open());
        if body.len() > limit {
            return Err(ConvertError::OutputTooLarge { limit });
        }
    }
    source.finish()?;
    source.count_dropped(&mut body.report);
    Ok(body.finish())
}

/// A document whose footnotes are still apart from the places that refer to them.
struct Parts {
    body: BytesMut,
    notes: BytesMut,
    /// Where in `body` each footnote belongs, in that order.
    references: Vec<(usize, String)>,
    /// Where in `notes` the text of each is.
    definitions: HashMap<String, Range<usize>>,
    lists: Lists,
    /// What in `body` depends on what is before it in the document, in order.
    open_ends: Vec<OpenEnd>,
    /// What is left out.
    report: Report,
}

impl Parts {
    /// Appends the body with each footnote at the first place that refers to it. Other places have
    /// its number, which word processors count in that order.
    fn assemble(mut self, out: &mut BytesMut) {
        let mut written = 0;
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        for (at, label) in &self.references {
            out.extend_from_slice(self.body.get(written..*at).unwrap_or_default());
            written = *at;
            match self.definitions.remove(label) {
                Some(note) => {
                    numbers.insert(label, numbers.len() + 1);
                    out.extend_from_slice(
                        b"{\\super\\chftn{\\footnote\\pard\\plain\\f0\\fs20{\\super\\chftn} ",
                    );
                    out.extend_from_slice(self.notes.get(note).unwrap_or_default());
                    out.extend_from_slice(b"}}");
                }
                None => {
                    out.extend_from_slice(b"{\\super ");
                    match numbers.get(label.as_str()) {
                        Some(number) => out.extend_from_slice(number.to_string().as_bytes()),
                        None => text::write(out, label),
                    }
                    out.extend_from_slice(b"}");
                }
            }
        }
        out.extend_from_slice(self.body.get(written..).unwrap_or_default());
    }
}
