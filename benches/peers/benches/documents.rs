//! Long documents in parts: against the same documents whole, and against what as many plain threads get.
//!
//! `cargo bench -p millpond-peers --bench documents -- --help`
#![allow(clippy::expect_used)]

#[path = "documents/pulldown.rs"]
mod pulldown;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use millpond::{
    ConcurrentProcessorV2, ConversionOptions, ConversionRequest, Converter, DocumentConverter, Format,
    ProcessorConfig,
};
use tokio::runtime::Handle;

use millpond_peers::args::Args;
use millpond_peers::measure::interleave;
use millpond_peers::peers::millpond::config;
use millpond_peers::report::{Report, quartiles};
use millpond_peers::table::{Table, figure};
use millpond_peers::{cores, user_runtime};

const ABOUT: &str = "Long documents in parts, against the same whole.";

const SECTIONS: [(&str, &str); 7] = [
    ("rtf", "10 MB of RTF to Markdown"),
    ("html", "10 MB of Markdown to HTML, and short documents against pulldown-cmark"),
    ("to_rtf", "10 MB of Markdown to RTF"),
    ("costs", "what parts cost: to find the cuts, and in all"),
    ("hostile", "the same for documents that are made to be hard to cut"),
    ("read", "the same 10 MB, converted while they are read"),
    ("mixed", "90 small documents and 10 large ones in a batch"),
];

const LONG: usize = 10_000_000;

/// The default size of parts.
const CHUNK: usize = 256 << 10;

/// How a document is converted.
const WHOLE: usize = 0;
const PARTS: usize = 1;
const THREADS: usize = 2;
const NAMES: [&str; 3] = ["whole", "in parts", "one each on as many threads"];

struct Bench {
    args: Args,
    users: Handle,
    processor: Arc<ConcurrentProcessorV2>,
    report: Report,
}

fn main() -> ExitCode {
    let args = Args::parse(ABOUT, &SECTIONS);
    let report = Report::open("documents", &args);
    let runtime = user_runtime();
    let config = ProcessorConfig { pool: config(args.niceness), ..ProcessorConfig::default() };
    let processor = Arc::new(ConcurrentProcessorV2::with_config(config));
    let mut bench = Bench { args, users: runtime.handle().clone(), processor, report };
    let markdown = Bytes::from(markdown(LONG));
    let rtf = Bytes::from(rtf(&markdown));
    let cases = [
        ("rtf", "RTF to Markdown", &rtf, Format::Markdown),
        ("html", "Markdown to HTML", &markdown, Format::Html),
        ("to_rtf", "Markdown to RTF", &markdown, Format::Rtf),
    ];
    for (section, title, document, to) in cases {
        if bench.args.wants(section) {
            bench.long(title, document, to);
        }
        if bench.args.wants("read") && to != Format::Rtf {
            bench.read(title, document, to);
        }
        if bench.args.wants("costs") {
            bench.costs(title, document, to);
        }
    }
    if bench.args.wants("html") {
        pulldown::contest(&mut bench);
    }
    if bench.args.wants("hostile") {
        bench.hostile();
    }
    if bench.args.wants("mixed") {
        bench.mixed(&markdown);
    }
    bench.report.close()
}

impl Bench {
    /// One document whole, in parts, and as many as there are cores, a thread each: what the machine has to give.
    fn long(&mut self, title: &str, document: &Bytes, to: Format) {
        let samples = interleave(NAMES.len(), self.args.rounds(21), self.args.seed, |who| match who {
            THREADS => {
                let start = Instant::now();
                std::thread::scope(|scope| {
                    for _ in 0..cores() {
                        scope.spawn(|| convert(document, to));
                    }
                });
                start.elapsed().as_secs_f64() / cores() as f64
            }
            who => {
                let before = self.processor.get_metrics().chunked;
                let seconds = self.timed(vec![request(document, to, who == PARTS)]);
                let in_parts = self.processor.get_metrics().chunked - before;
                assert_eq!(in_parts == 1, who == PARTS, "it can be converted in parts");
                seconds
            }
        });
        println!("\n{title}: {:.1} MB (ms a document)", document.len() as f64 / 1e6);
        let mut table = Table::new(["", "median", "quartiles", "x whole", "MB/s"]);
        for (who, name) in NAMES.iter().enumerate() {
            table.row([
                (*name).to_owned(),
                figure(1e3 * samples.median(who)),
                quartiles(&samples.map(|row| row.iter().map(|s| s * 1e3).collect()), who),
                format!("{:.2}", samples.ratio(WHOLE, who)),
                figure(document.len() as f64 / 1e6 / samples.median(who)),
            ]);
        }
        table.print();
        let (parts, threads) = (samples.ratio(WHOLE, PARTS), samples.ratio(WHOLE, THREADS));
        let goal = 0.8 * cores() as f64;
        self.report.at_least(&format!("{title}: {parts:.2} x whole"), parts, goal);
        let share = parts / threads;
        self.report.at_least(
            &format!("{title}: {share:.2} of what plain threads get ({threads:.2} x whole)"),
            share,
            0.8,
        );
    }

    /// The document from a reader that has it all, to a writer that takes it all; and in how much memory.
    fn read(&mut self, title: &str, document: &Bytes, to: Format) {
        const READ: usize = 2;
        const ON_ONE: usize = 3;
        let names = ["whole", "in parts", "while it is read", "the same, one part at a time"];
        let (mut windows, mut peak) = (0, 0);
        let samples = interleave(names.len(), self.args.rounds(21), self.args.seed, |who| match who {
            READ | ON_ONE => {
                let config =
                    ProcessorConfig { pool: config(self.args.niceness), ..ProcessorConfig::default() };
                let processor = ConcurrentProcessorV2::with_config(config);
                let (document, options) = (document.clone(), options(to, who == READ));
                let work = self.users.spawn(async move {
                    let start = Instant::now();
                    let request = ConversionRequest::new("", "").with_options(options);
                    let done = processor.process_reader(request, &document[..], tokio::io::sink()).await;
                    let seconds = start.elapsed().as_secs_f64();
                    let memory = processor.memory_pool().statistics();
                    let peak: usize = memory.tiers().iter().map(|tier| tier.bytes_out_peak).sum();
                    (seconds, done.expect("it converts").windows, peak)
                });
                let (seconds, all, most) = self.users.block_on(work).expect("it does not panic");
                (windows, peak) = if who == READ { (all, peak.max(most)) } else { (windows, peak) };
                seconds
            }
            who => self.timed(vec![request(document, to, who == PARTS)]),
        });
        println!("\n{title}, read: {windows} windows, at most {:.1} MB of buffers (ms)", peak as f64 / 1e6);
        let mut table = Table::new(["", "median", "quartiles", "x whole"]);
        for (who, name) in names.iter().enumerate() {
            table.row([
                (*name).to_owned(),
                figure(1e3 * samples.median(who)),
                quartiles(&samples.map(|row| row.iter().map(|s| s * 1e3).collect()), who),
                format!("{:.2}", samples.ratio(WHOLE, who)),
            ]);
        }
        table.print();
        let megabytes = peak as f64 / 1e6;
        self.report.at_most(&format!("{title}, read: {megabytes:.1} MB of buffers"), megabytes, 12.0);
    }

    /// What parts cost on one thread: to find the cuts, and all the work, against that of the whole.
    fn costs(&mut self, title: &str, document: &Bytes, to: Format) {
        let (options, converter) = (options(to, true), DocumentConverter::new());
        let samples = interleave(3, self.args.rounds(31), self.args.seed, |who| {
            let start = Instant::now();
            match who {
                0 => convert(document, to),
                1 => {
                    converter.split(document, &options, CHUNK).expect("it can be split");
                }
                _ => convert_in_parts(document, &options),
            }
            start.elapsed().as_secs_f64()
        });
        let speed = document.len() as f64 / 1e6 / samples.median(1);
        let (look, parts) = (samples.ratio(1, 0), samples.ratio(2, 0));
        println!("\n{title}, on one thread: looked over at {speed:.0} MB/s");
        self.report.at_most(&format!("{title}: looking takes {look:.3} of the time"), look, 0.1);
        self.report.at_most(&format!("{title}: parts are {parts:.2} x the work of the whole"), parts, 1.15);
    }

    /// To look over a document takes time in proportion to its length, whatever it is like, and for parts of any size.
    fn hostile(&mut self) {
        const MARKDOWN: [&str; 9] = [
            "a\n\n",
            "a\n\n[a]: b\n\n",
            "a\n\n]:\n\n",
            "```\n\n",
            "<!--\n\n",
            "<a\n\n",
            "\n",
            "- ```\n\na\n\n",
            "####### \n\n",
        ];
        const RTF: [&str; 7] = [
            "\\pard\\plain a\\par\n",
            "\\pard\\plain}",
            "\\pard\\plain{\\footnote\\pard a}\\par",
            "\\pard\\plain\\ls1 a\\par\\pard\\plain a\\par",
            "\\ls",
            "\n\n\n\n\\pard\\plain",
            "{\\footnote",
        ];
        let repeat = |piece: &str| piece.repeat(LONG / piece.len());
        let head = "{\\rtf1{\\*\\listoverridetable{\\listoverride\\ls1}}\\pard ";
        let markdown = MARKDOWN.map(|piece| (piece, repeat(piece), Format::Html));
        let rtf = RTF.map(|piece| (piece, format!("{head}{}", repeat(piece)), Format::Markdown));
        println!(
            "\n10 MB of the same over and over, looked over on one thread (MB/s, for parts of 256 KiB and of a byte)"
        );
        let (mut table, mut slowest) = (Table::new(["", "256 KiB", "1 byte"]), f64::INFINITY);
        for (piece, document, to) in markdown.iter().chain(&rtf) {
            let speeds = [CHUNK, 1].map(|size| {
                let start = Instant::now();
                std::hint::black_box(DocumentConverter::new().split(
                    document.as_bytes(),
                    &options(*to, true),
                    size,
                ));
                document.len() as f64 / 1e6 / start.elapsed().as_secs_f64()
            });
            slowest = slowest.min(speeds[0]);
            table.row([format!("{piece:?}"), figure(speeds[0]), figure(speeds[1])]);
        }
        table.print();
        self.report.at_least("MB/s of the slowest, for parts of 256 KiB", slowest, 100.0);
    }

    /// A batch, against the time that its documents take one after the other on one thread, by what the cores give.
    fn mixed(&mut self, markdown: &Bytes) {
        let small = (0..90).map(|n| markdown.slice(n * 4_000..(n + 1) * 4_000));
        let large = (0..10).map(|n| markdown.slice(n * 1_000_000..(n + 1) * 1_000_000));
        // Pieces may begin within a character or a line; what they are is of no matter here, but text they must be.
        let documents: Vec<Bytes> = small
            .chain(large)
            .map(|piece| Bytes::from(String::from_utf8_lossy(&piece).into_owned()))
            .collect();
        let samples = interleave(NAMES.len(), self.args.rounds(21), self.args.seed, |who| match who {
            WHOLE => {
                let start = Instant::now();
                documents.iter().for_each(|document| convert(document, Format::Html));
                start.elapsed().as_secs_f64()
            }
            THREADS => {
                let start = Instant::now();
                std::thread::scope(|scope| {
                    for _ in 0..cores() {
                        scope.spawn(|| documents.iter().for_each(|document| convert(document, Format::Html)));
                    }
                });
                start.elapsed().as_secs_f64() / cores() as f64
            }
            _ => self.timed(documents.iter().map(|document| request(document, Format::Html, true)).collect()),
        });
        println!("\n90 documents of 4 KB and 10 of 1 MB, in one batch (ms)");
        let mut table = Table::new(["", "median", "quartiles", "x one after the other"]);
        for (who, name) in
            ["one after the other", "in a batch", "all on as many threads, a time"].iter().enumerate()
        {
            table.row([
                (*name).to_owned(),
                figure(1e3 * samples.median(who)),
                quartiles(&samples.map(|row| row.iter().map(|s| s * 1e3).collect()), who),
                format!("{:.2}", samples.ratio(WHOLE, who)),
            ]);
        }
        table.print();
        let ratio = samples.ratio(PARTS, THREADS);
        self.report.at_most(&format!("the batch: {ratio:.2} x its work by what the cores give"), ratio, 1.1);
    }

    /// Seconds that a task of the users' runtime waits for these.
    fn timed(&self, requests: Vec<ConversionRequest>) -> f64 {
        let processor = Arc::clone(&self.processor);
        let work = self.users.spawn(async move {
            let start = Instant::now();
            let responses = processor.process_batch(requests).await;
            let elapsed = start.elapsed();
            assert!(responses.iter().all(|response| response.is_ok()));
            elapsed.as_secs_f64()
        });
        self.users.block_on(work).expect("it does not panic")
    }
}

fn options(to: Format, parallel_chunks: bool) -> ConversionOptions {
    ConversionOptions { to: Some(to), parallel_chunks, ..ConversionOptions::default() }
}

fn request(document: &Bytes, to: Format, in_parts: bool) -> ConversionRequest {
    ConversionRequest::new("", document.clone()).with_options(options(to, in_parts))
}

fn convert(document: &[u8], to: Format) {
    let mut out = BytesMut::with_capacity(document.len());
    DocumentConverter::new().convert(document, &options(to, false), &mut out).expect("it converts");
    std::hint::black_box(out);
}

fn convert_in_parts(document: &[u8], options: &ConversionOptions) {
    let converter = DocumentConverter::new();
    let split = converter.split(document, options, CHUNK).expect("it can be split");
    let part = |part| {
        let mut out = BytesMut::new();
        converter.convert_part(document, &split, part, options, &mut out).expect("the part stands alone");
        out
    };
    let parts: Vec<BytesMut> = (0..split.len()).map(part).collect();
    let mut out = BytesMut::with_capacity(parts.iter().map(BytesMut::len).sum());
    converter.join(&split, parts, options, &mut out).expect("the parts make the whole");
    std::hint::black_box(out);
}

/// The Markdown of the example's corpus over and over, without footnotes, which keep a document whole.
fn markdown(len: usize) -> String {
    let texts: Vec<String> = corpus_files()
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .filter(|text| !text.contains("[^") && !text.contains("]: "))
        .collect();
    let mut document = String::with_capacity(len + len / 8);
    for text in texts.iter().cycle() {
        document.push_str(text);
        document.push_str("\n\n");
        if document.len() >= len {
            break;
        }
    }
    document
}

/// The Markdown of the example's corpus.
fn corpus_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/corpus"), &mut files);
    files.sort();
    files
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            // What is no document is for tests.
            if !path.ends_with("broken") {
                collect(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

/// As much of the Markdown as RTF as makes a document of the same length.
fn rtf(markdown: &[u8]) -> BytesMut {
    let to_rtf = |markdown: &[u8]| {
        let mut rtf = BytesMut::new();
        DocumentConverter::new()
            .convert(markdown, &options(Format::Rtf, false), &mut rtf)
            .expect("it converts");
        rtf
    };
    let whole = to_rtf(markdown).len();
    let share = markdown.len() as f64 / whole as f64;
    let end = (markdown.len() as f64 * share) as usize;
    let end = markdown[..end].windows(2).rposition(|two| two == b"\n\n").map_or(end, |at| at + 2);
    to_rtf(&markdown[..end])
}
