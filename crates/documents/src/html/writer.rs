//! Writes events as HTML, byte for byte as the writer of pulldown-cmark does, directly into the
//! output buffer.

use std::collections::HashMap;

use bytes::BytesMut;
use pulldown_cmark::{
    Alignment, BlockQuoteKind, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Tag, TagEnd,
};

use super::escape;
use super::headings::Headings;

/// Writes events.
pub(super) struct Writer<'o, 'a> {
    pub(super) out: &'o mut BytesMut,
    /// Whether the output is empty or ends with a line end.
    is_line_over: bool,
    table: Table,
    /// The numbers of footnotes, by label.
    notes: HashMap<CowStr<'a>, usize>,
    /// The open image.
    image: Option<Image<'a>>,
    pub(super) headings: Headings<'a>,
}

/// The open table.
#[derive(Default)]
struct Table {
    columns: Vec<Alignment>,
    is_in_body: bool,
    column: usize,
}

/// An image. Its content is the text of its attribute `alt`.
struct Image<'a> {
    title: CowStr<'a>,
    /// The number of open elements in it.
    depth: usize,
}

impl<'o, 'a> Writer<'o, 'a> {
    pub(super) fn new(out: &'o mut BytesMut, headings: Headings<'a>) -> Self {
        Self {
            out,
            is_line_over: true,
            table: Table::default(),
            notes: HashMap::new(),
            image: None,
            headings,
        }
    }

    /// Appends text that does not end a line.
    #[inline(always)]
    fn put(&mut self, html: &str) {
        self.out.extend_from_slice(html.as_bytes());
        self.is_line_over = false;
    }

    /// Appends text that ends a line.
    #[inline(always)]
    fn put_line(&mut self, html: &str) {
        self.out.extend_from_slice(html.as_bytes());
        self.is_line_over = true;
    }

    /// Begins a new line unless the output is at the start of one.
    #[inline(always)]
    fn line(&mut self) {
        if !self.is_line_over {
            self.put_line("\n");
        }
    }

    /// Writes an event that an earlier stage has created.
    #[inline(never)]
    pub(super) fn made(&mut self, mut event: Event<'a>) {
        self.event(&mut event);
    }

    /// Writes an event by reference: events are large, and moving one takes as long as writing most
    /// of them.
    #[inline(always)]
    pub(super) fn event(&mut self, event: &mut Event<'a>) {
        if self.image.is_some() {
            return self.alternative(event);
        }
        match event {
            Event::Text(text) => {
                escape::text(self.out, text);
                self.is_line_over = text.ends_with('\n');
            }
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::SoftBreak => self.put_line("\n"),
            Event::Code(code) => {
                self.put("<code>");
                escape::text(self.out, code);
                self.put("</code>");
            }
            Event::Html(html) | Event::InlineHtml(html) => self.html(html),
            Event::HardBreak => self.put_line("<br />\n"),
            Event::Rule => {
                self.line();
                self.put_line("<hr />\n");
            }
            Event::FootnoteReference(name) => self.note(name),
            Event::TaskListMarker(true) => {
                self.put_line("<input disabled=\"\" type=\"checkbox\" checked=\"\"/>\n");
            }
            Event::TaskListMarker(false) => self.put_line("<input disabled=\"\" type=\"checkbox\"/>\n"),
            Event::InlineMath(formula) => self.math("<span class=\"math math-inline\">", formula),
            Event::DisplayMath(formula) => self.math("<span class=\"math math-display\">", formula),
        }
    }

    #[inline(always)]
    fn start(&mut self, tag: &mut Tag<'a>) {
        match tag {
            Tag::Paragraph => self.begin("<p>"),
            Tag::Item => self.begin("<li>"),
            Tag::Emphasis => self.put("<em>"),
            Tag::Strong => self.put("<strong>"),
            Tag::Strikethrough => self.put("<del>"),
            Tag::Superscript => self.put("<sup>"),
            Tag::Subscript => self.put("<sub>"),
            Tag::TableCell => self.cell(),
            Tag::TableRow => {
                self.table.column = 0;
                self.put("<tr>");
            }
            Tag::TableHead => {
                (self.table.column, self.table.is_in_body) = (0, false);
                self.put("<thead><tr>");
            }
            Tag::Table(columns) => {
                self.table.columns = std::mem::take(columns);
                self.put("<table>");
            }
            Tag::Link { link_type, dest_url, title, .. } => self.link(*link_type, dest_url, title),
            Tag::Image { dest_url, title, .. } => {
                self.put("<img src=\"");
                escape::address(self.out, dest_url);
                self.put("\" alt=\"");
                self.image = Some(Image { title: title.clone(), depth: 0 });
            }
            Tag::Heading { level, id, classes, attrs } => {
                let at = self.out.len();
                self.line();
                self.put(begin_of(*level));
                let attributes = self.out.len();
                self.attributes(id.as_deref(), classes, attrs);
                self.put(">");
                self.headings.begin(at, attributes);
            }
            Tag::List(None) => self.begin_block("<ul>\n"),
            Tag::List(Some(1)) => self.begin_block("<ol>\n"),
            Tag::List(Some(start)) => {
                self.begin("<ol start=\"");
                self.number(*start);
                self.put_line("\">\n");
            }
            Tag::CodeBlock(kind) => self.code_block(kind),
            Tag::BlockQuote(kind) => self.begin_block(quote(*kind)),
            Tag::DefinitionList => self.begin_block("<dl>\n"),
            Tag::DefinitionListTitle => self.begin("<dt>"),
            Tag::DefinitionListDefinition => self.begin("<dd>"),
            Tag::FootnoteDefinition(name) => self.definition(name),
            // The parser never sees metadata.
            Tag::HtmlBlock | Tag::MetadataBlock(_) => {}
        }
    }

    #[inline(always)]
    fn end(&mut self, tag: &TagEnd) {
        match tag {
            TagEnd::Paragraph => self.put_line("</p>\n"),
            TagEnd::Item => self.put_line("</li>\n"),
            TagEnd::Emphasis => self.put("</em>"),
            TagEnd::Strong => self.put("</strong>"),
            TagEnd::Strikethrough => self.put("</del>"),
            TagEnd::Superscript => self.put("</sup>"),
            TagEnd::Subscript => self.put("</sub>"),
            TagEnd::Link => self.put("</a>"),
            TagEnd::TableCell => {
                self.put(if self.table.is_in_body { "</td>" } else { "</th>" });
                self.table.column += 1;
            }
            TagEnd::TableRow => self.put_line("</tr>\n"),
            TagEnd::TableHead => {
                self.put_line("</tr></thead><tbody>\n");
                self.table.is_in_body = true;
            }
            TagEnd::Table => self.put_line("</tbody></table>\n"),
            TagEnd::Heading(level) => self.put_line(end_of(*level)),
            TagEnd::List(true) => self.put_line("</ol>\n"),
            TagEnd::List(false) => self.put_line("</ul>\n"),
            TagEnd::CodeBlock => self.put_line("</code></pre>\n"),
            TagEnd::BlockQuote(_) => self.put_line("</blockquote>\n"),
            TagEnd::DefinitionList => self.put_line("</dl>\n"),
            TagEnd::DefinitionListTitle => self.put_line("</dt>\n"),
            TagEnd::DefinitionListDefinition => self.put_line("</dd>\n"),
            TagEnd::FootnoteDefinition => self.put_line("</div>\n"),
            TagEnd::Image | TagEnd::HtmlBlock | TagEnd::MetadataBlock(_) => {}
        }
    }

    /// Begins a block whose content follows on the same line.
    #[inline(always)]
    fn begin(&mut self, html: &str) {
        self.line();
        self.put(html);
    }

    /// Begins a block whose content follows on a new line.
    #[inline(always)]
    fn begin_block(&mut self, html: &str) {
        self.line();
        self.put_line(html);
    }

    fn html(&mut self, html: &str) {
        self.out.extend_from_slice(html.as_bytes());
        if !html.is_empty() {
            self.is_line_over = html.ends_with('\n');
        }
    }

    fn math(&mut self, begin: &str, formula: &str) {
        self.put(begin);
        escape::attribute(self.out, formula);
        self.put("</span>");
    }

    fn cell(&mut self) {
        self.put(if self.table.is_in_body { "<td" } else { "<th" });
        self.put(match self.table.columns.get(self.table.column) {
            Some(Alignment::Left) => " style=\"text-align: left\">",
            Some(Alignment::Center) => " style=\"text-align: center\">",
            Some(Alignment::Right) => " style=\"text-align: right\">",
            _ => ">",
        });
    }

    fn link(&mut self, kind: LinkType, address: &str, title: &str) {
        self.put(if kind == LinkType::Email { "<a href=\"mailto:" } else { "<a href=\"" });
        escape::address(self.out, address);
        self.title(title);
        self.put("\">");
    }

    fn title(&mut self, title: &str) {
        if !title.is_empty() {
            self.put("\" title=\"");
            escape::attribute(self.out, title);
        }
    }

    /// The attributes of a heading.
    fn attributes(
        &mut self,
        id: Option<&str>,
        classes: &[CowStr<'_>],
        others: &[(CowStr<'_>, Option<CowStr<'_>>)],
    ) {
        if let Some(id) = id {
            self.put(" id=\"");
            escape::attribute(self.out, id);
            self.put("\"");
        }
        for (at, class) in classes.iter().enumerate() {
            self.put(if at == 0 { " class=\"" } else { " " });
            escape::attribute(self.out, class);
        }
        if !classes.is_empty() {
            self.put("\"");
        }
        for (name, value) in others {
            self.put(" ");
            escape::attribute(self.out, name);
            self.put("=\"");
            escape::attribute(self.out, value.as_deref().unwrap_or_default());
            self.put("\"");
        }
    }

    fn code_block(&mut self, kind: &CodeBlockKind<'_>) {
        self.line();
        let language = match kind {
            CodeBlockKind::Fenced(info) => info.split(' ').next().unwrap_or_default(),
            CodeBlockKind::Indented => "",
        };
        if language.is_empty() {
            self.put("<pre><code>");
        } else {
            self.put("<pre><code class=\"language-");
            escape::attribute(self.out, language);
            self.put("\">");
        }
    }

    fn number(&mut self, number: impl std::fmt::Display) {
        self.put(&number.to_string());
    }

    /// Returns the number of a footnote. Footnotes are numbered in the order of their first
    /// occurrence.
    fn number_of(&mut self, name: &CowStr<'a>) -> usize {
        let next = self.notes.len() + 1;
        *self.notes.entry(name.clone()).or_insert(next)
    }

    fn note(&mut self, name: &CowStr<'a>) {
        self.put("<sup class=\"footnote-reference\"><a href=\"#");
        escape::attribute(self.out, name);
        self.put("\">");
        let number = self.number_of(name);
        self.number(number);
        self.put("</a></sup>");
    }

    fn definition(&mut self, name: &CowStr<'a>) {
        self.begin("<div class=\"footnote-definition\" id=\"");
        escape::attribute(self.out, name);
        self.put("\"><sup class=\"footnote-definition-label\">");
        let number = self.number_of(name);
        self.number(number);
        self.put("</sup>");
    }

    /// Writes the content of an image: only its text. The end of the image writes the rest of the
    /// tag.
    #[inline(never)]
    fn alternative(&mut self, event: &Event<'a>) {
        let Some(image) = &mut self.image else { return };
        match event {
            Event::Start(_) => image.depth += 1,
            Event::End(_) if image.depth > 0 => image.depth -= 1,
            Event::End(_) => {
                let title = self.image.take().map(|image| image.title);
                self.title(title.as_deref().unwrap_or_default());
                self.put("\" />");
            }
            Event::Html(_) => {}
            Event::Text(text) | Event::Code(text) | Event::InlineHtml(text) => {
                escape::attribute(self.out, text);
            }
            Event::InlineMath(formula) => self.formula("$", formula),
            Event::DisplayMath(formula) => self.formula("$$", formula),
            Event::SoftBreak | Event::HardBreak | Event::Rule => self.put(" "),
            Event::FootnoteReference(name) => {
                let number = self.number_of(name);
                self.put(&format!("[{number}]"));
            }
            Event::TaskListMarker(is_done) => self.put(if *is_done { "[x]" } else { "[ ]" }),
        }
    }

    fn formula(&mut self, mark: &str, formula: &str) {
        self.put(mark);
        escape::attribute(self.out, formula);
        self.put(mark);
    }
}

fn begin_of(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "<h1",
        HeadingLevel::H2 => "<h2",
        HeadingLevel::H3 => "<h3",
        HeadingLevel::H4 => "<h4",
        HeadingLevel::H5 => "<h5",
        HeadingLevel::H6 => "<h6",
    }
}

fn end_of(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "</h1>\n",
        HeadingLevel::H2 => "</h2>\n",
        HeadingLevel::H3 => "</h3>\n",
        HeadingLevel::H4 => "</h4>\n",
        HeadingLevel::H5 => "</h5>\n",
        HeadingLevel::H6 => "</h6>\n",
    }
}

fn quote(kind: Option<BlockQuoteKind>) -> &'static str {
    match kind {
        None => "<blockquote>\n",
        Some(BlockQuoteKind::Note) => "<blockquote class=\"markdown-alert-note\">\n",
        Some(BlockQuoteKind::Tip) => "<blockquote class=\"markdown-alert-tip\">\n",
        Some(BlockQuoteKind::Important) => "<blockquote class=\"markdown-alert-important\">\n",
        Some(BlockQuoteKind::Warning) => "<blockquote class=\"markdown-alert-warning\">\n",
        Some(BlockQuoteKind::Caution) => "<blockquote class=\"markdown-alert-caution\">\n",
    }
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Options, Parser, html};

    use super::*;
    use millpond_convert::MarkdownExtensions;

    fn written(markdown: &str, options: Options) -> String {
        let mut out = BytesMut::new();
        let mut writer = Writer::new(&mut out, Headings::new(MarkdownExtensions::none(), None, 0));
        for mut event in Parser::new_ext(markdown, options) {
            writer.event(&mut event);
        }
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn every_event_is_written_as_pulldown_cmark_writes_it() {
        let options = Options::all().difference(
            Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
                .union(Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS)
                .union(Options::ENABLE_OLD_FOOTNOTES),
        );
        let blocks = [
            "text *a* **b** ~~c~~ `d < e` <b>f</b> & \"g\" 'h' \\\ni  \nj\nk",
            "# a {#b .c .d e=f g}\n\n## h\n\ni\n=\n\n###### j\n\n### k\n#### l\n##### m",
            "[a](b 'c \"d\" <') [e](</f g?h=i&j='k'^>) <l@m.example> <https://n.example/ö> [o](p)",
            "![a *b* `c` <i>&</i> $d$ $$e$$ \n f\\\ng [^n] ![h](i)](j 'k') ![](l)",
            "- a\n- b\n\n  c\n  1. d\n  2. e\n\n7. f\n   - [ ] g\n   - [x] h\n\n***",
            "| a | b | c | d |\n|---|:--|:-:|--:|\n| e | f | g | h |\n| *i* | `|` |\n\n|j|\n|-|\n|k|",
            "> a\n> > b\n\n> [!NOTE]\n> c\n\n> [!TIP]\n> d\n\n> [!IMPORTANT]\n> e\n\n> [!WARNING]\n> f\n\n> [!CAUTION]\n> g",
            "```a b<\nc < d && e\n```\n\n    f\n\n~~~\n~~~\n- ```\n  g\n  ```",
            "a[^b] c[^d] e[^b]\n\n[^d]: f\n[^b]: g\n\n    h\n\n[^unused]: i",
            "<div>\n*a*\n</div>\n\n<!-- b -->\n\n<p\nc",
            "$a < b$ $$c > \"d\"$$",
            "a\n: b\n\n  c\n\nd\n: e\n: f",
            "H~2~O x^2^ ~~y~~ [[wiki]] ||spoiler||",
        ];
        for first in blocks {
            for second in blocks {
                // Whether a new line is needed depends on the preceding output, which differs
                // within an item.
                for markdown in
                    [format!("{first}\n\n{second}"), format!("- {first}\n{second}"), format!("> {first}")]
                {
                    let mut expected = String::new();
                    html::push_html(&mut expected, Parser::new_ext(&markdown, options));
                    assert_eq!(written(&markdown, options), expected, "{markdown}");
                }
            }
        }
    }
}
