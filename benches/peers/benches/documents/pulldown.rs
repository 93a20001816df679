//! Markdown to HTML against the parser alone: pulldown-cmark with its own HTML writer.

use std::time::Instant;

use bytes::BytesMut;
use millpond::convert::{HtmlPolicy, MarkdownExtensions};
use millpond::{ConversionOptions, Converter, DocumentConverter, Format};
use pulldown_cmark::{Options, Parser, html};

use super::Bench;
use millpond_peers::measure::interleave;
use millpond_peers::table::{Table, figure};

/// Each measurement converts at least this many bytes.
const BYTES: usize = 64 << 10;

/// The length of the generated documents.
const GENERATED: usize = 64 << 10;

/// What the converter always reads, as pulldown-cmark names it.
const COMMON: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS);

/// What it reads by default.
const DEFAULT: Options = COMMON
    .union(Options::ENABLE_GFM)
    .union(Options::ENABLE_MATH)
    .union(Options::ENABLE_HEADING_ATTRIBUTES)
    .union(Options::ENABLE_YAML_STYLE_METADATA_BLOCKS)
    .union(Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS);

/// The setups: a name, the peer with its options, and ours.
fn setups() -> [(&'static str, Options, ConversionOptions); 3] {
    let ours = ConversionOptions {
        from: Some(Format::Markdown),
        to: Some(Format::Html),
        ..ConversionOptions::default()
    };
    let none = ConversionOptions { extensions: MarkdownExtensions::none(), ..ours.clone() };
    let safe = ConversionOptions { html: HtmlPolicy::Safe, ..ours.clone() };
    [("no extensions", COMMON, none), ("defaults", DEFAULT, ours), ("safe", DEFAULT, safe)]
}

/// Generated documents, one construct each.
const CONSTRUCTS: [(&str, &str); 6] = [
    (
        "prose",
        "A mill grinds what the river lets it, and the river is low in August; so the miller waits,\nreads, and mends what the winter broke. Nothing turns, and nothing has to.\n\n",
    ),
    (
        "marked text",
        "Some *emphasis*, **strong** text and `code` in [a link](https://example.org/a?b=c \"title\") & more.\n\n",
    ),
    ("headings", "## The part about water\n\nText below it.\n\n"),
    ("lists", "- first item\n- second item with `code`\n  - nested item\n- [x] done\n\ntext\n\n"),
    (
        "table",
        "| Day | Grain | Flour |\n|---|---|--:|\n| Monday | 120 kg | 90 kg |\n| Tuesday | 80 kg | 61 kg |\n\n",
    ),
    ("code", "```rust\nfn main() {\n    let less = 1 < 2 && \"a\" != \"b\";\n}\n```\n\n"),
];

/// The files of the corpus one by one, all of them in one, and the generated documents.
fn documents() -> Vec<(String, String)> {
    let mut documents = Vec::new();
    let mut all = String::new();
    for path in super::corpus_files() {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        all.push_str(&text);
        all.push_str("\n\n");
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        documents.push((name, text));
    }
    documents.push(("all of these".into(), all));
    let generated = CONSTRUCTS.map(|(name, piece)| (name.to_owned(), piece.repeat(GENERATED / piece.len())));
    documents.extend(generated);
    documents
}

/// Seconds for one conversion.
fn timed(times: usize, mut convert: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        convert();
    }
    start.elapsed().as_secs_f64() / times as f64
}

fn peer(document: &str, options: Options) {
    let mut out = String::with_capacity(document.len() + document.len() / 4);
    html::push_html(&mut out, Parser::new_ext(document, options));
    std::hint::black_box(out);
}

fn ours(document: &str, options: &ConversionOptions) {
    let mut out = BytesMut::with_capacity(document.len() + document.len() / 4);
    DocumentConverter::new().convert(document.as_bytes(), options, &mut out).expect("it converts");
    std::hint::black_box(out);
}

/// Prints the medians and the geometric mean of the ratios, and judges the setup without extensions
/// and the default.
pub(super) fn contest(bench: &mut Bench) {
    let (setups, documents) = (setups(), documents());
    let mut logarithms = [0.0; 3];
    println!("\nMarkdown to HTML on one thread, against pulldown-cmark (us a document; the ratio of speeds)");
    let mut table = Table::new([
        "",
        "KB",
        "peer",
        "ours",
        "no extensions",
        "peer",
        "ours",
        "defaults",
        "peer",
        "ours",
        "safe",
    ]);
    for (name, document) in &documents {
        let times = (BYTES / document.len()).max(1);
        let samples = interleave(6, bench.args.rounds(101), bench.args.seed, |who| {
            let (_, theirs, options) = &setups[who / 2];
            if who % 2 == 0 {
                timed(times, || peer(document, *theirs))
            } else {
                timed(times, || ours(document, options))
            }
        });
        let mut row = vec![name.clone(), figure(document.len() as f64 / 1e3)];
        for (setup, sum) in logarithms.iter_mut().enumerate() {
            let (peer, ours) = (samples.median(2 * setup), samples.median(2 * setup + 1));
            *sum += (peer / ours).ln();
            row.extend([figure(1e6 * peer), figure(1e6 * ours), format!("{:.2}", peer / ours)]);
        }
        table.row(row);
    }
    table.print();
    for ((name, ..), sum) in setups.iter().zip(logarithms) {
        let mean = (sum / documents.len() as f64).exp();
        bench.report.at_least(&format!("{name}: {mean:.2} x pulldown-cmark"), mean, 0.95);
    }
}
