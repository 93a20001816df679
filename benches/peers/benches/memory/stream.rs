//! The memory of a stream of documents, over time: it is that of what is under way, however long the stream.

use std::fs;
use std::num::NonZeroUsize;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use millpond::memory::BufferPool;
use millpond::{
    ConcurrentProcessorV2, ConversionOptions, ConversionRequest, Converter, DocumentConverter, Format,
    ProcessorConfig,
};
use tokio::runtime::Handle;

use millpond_peers::args::Args;
use millpond_peers::peers::millpond::config;
use millpond_peers::report::Report;
use millpond_peers::table::{Table, figure};

/// So many documents are under way at the most.
const UNDER_WAY: usize = 8;
/// So many rows the table has.
const ROWS: usize = 10;
const DOCUMENT: usize = 1_000_000;
/// The windows of a document that is converted while it is read.
const CHUNK: usize = 32 << 10;
const MIB: f64 = (1 << 20) as f64;

/// Each document is read into a buffer of the pool, and converted whole.
pub(crate) fn whole(args: &Args, report: &mut Report, users: &Handle) {
    let (document, count) = (document(), count(args));
    let processor = processor(args);
    let memory = processor.memory_pool().clone();
    println!("\n{count} documents of 1 MB, RTF to Markdown, {UNDER_WAY} under way (MiB)");
    let mut course = Course::begin(&memory, count);
    users.block_on(async {
        let requests = stream::iter(0..count).map(|number| {
            let mut buffer = memory.take(document.len());
            buffer.extend_from_slice(&document);
            ConversionRequest::new(number.to_string(), buffer.freeze()).with_options(options(false))
        });
        let in_flight = NonZeroUsize::new(UNDER_WAY).expect("some");
        let mut responses = processor.process_stream(requests).max_in_flight(in_flight);
        while let Some(response) = responses.next().await {
            course.step();
            drop(response.result.expect("it converts"));
        }
    });
    // A document and what becomes of it are a large buffer each.
    let bound = UNDER_WAY * 2 * (1 << 20);
    course.end(report, "documents converted whole", bound);
}

/// Each document is converted while it is read.
pub(crate) fn while_read(args: &Args, report: &mut Report, users: &Handle) {
    let (document, count) = (document(), count(args));
    let processor = processor(args);
    let memory = processor.memory_pool().clone();
    println!("\nthe same, each converted while it is read, {CHUNK} bytes at a time (MiB)");
    let mut course = Course::begin(&memory, count);
    users.block_on(async {
        let conversions = stream::iter(0..count).map(|number| {
            let request = ConversionRequest::new(number.to_string(), "").with_options(options(true));
            processor.process_reader(request, &document[..], tokio::io::sink())
        });
        let mut done = conversions.buffer_unordered(UNDER_WAY);
        while let Some(done) = done.next().await {
            done.expect("it converts");
            course.step();
        }
    });
    // A window, what is read ahead of it, what is put together of both, and what becomes of it and of the one before: medium
    // buffers.
    let bound = UNDER_WAY * 5 * (64 << 10);
    course.end(report, "documents converted while they are read", bound);
}

fn processor(args: &Args) -> ConcurrentProcessorV2 {
    let config = ProcessorConfig { pool: config(args.niceness), ..ProcessorConfig::default() };
    ConcurrentProcessorV2::with_config(config)
}

fn options(read: bool) -> ConversionOptions {
    ConversionOptions {
        from: Some(Format::Rtf),
        to: Some(Format::Markdown),
        parallel_chunks: false,
        chunk_size: read.then_some(CHUNK),
        ..ConversionOptions::default()
    }
}

fn count(args: &Args) -> usize {
    if args.quick { 1_000 } else { 10_000 }
}

fn document() -> Bytes {
    let text = "Some words of a paragraph, *marked* and **strong**, which goes on for a while.\n\n";
    let mut rtf = BytesMut::new();
    let to_rtf = ConversionOptions { from: Some(Format::Markdown), ..ConversionOptions::default() };
    let markdown = text.repeat(DOCUMENT / 170);
    DocumentConverter::new().convert(markdown.as_bytes(), &to_rtf, &mut rtf).expect("it converts");
    assert!(rtf.len() > DOCUMENT / 2 && rtf.len() <= 1 << 20, "{} bytes", rtf.len());
    let end = rtf.len() - b"}\n".len();
    let missing = DOCUMENT.saturating_sub(rtf.len());
    let paragraph = "\\pard\\plain\\s0\\f0\\fs22 Some more words.\\par\n";
    let more = paragraph.repeat(missing / paragraph.len());
    Bytes::from([&rtf[..end], more.as_bytes(), b"}\n"].concat())
}

/// How memory goes while documents come and go.
struct Course<'a> {
    memory: &'a BufferPool,
    count: usize,
    done: usize,
    table: Table,
    before: f64,
    resident: Vec<f64>,
    /// The most bytes of buffers in use, as seen with each document.
    peak: usize,
}

impl<'a> Course<'a> {
    fn begin(memory: &'a BufferPool, count: usize) -> Self {
        let table = Table::new(["documents", "resident", "buffers in use", "buffers kept", "from the pool"]);
        Self { memory, count, done: 0, table, before: resident(), resident: Vec::new(), peak: 0 }
    }

    /// One more document is done.
    fn step(&mut self) {
        self.done += 1;
        let statistics = self.memory.statistics();
        self.peak = self.peak.max(statistics.bytes_out());
        if self.done.is_multiple_of(self.count / ROWS) {
            let resident = resident();
            let buffers = statistics.hits() + statistics.misses();
            self.table.row([
                self.done.to_string(),
                figure(resident),
                figure(statistics.bytes_out() as f64 / MIB),
                figure(statistics.bytes_held() as f64 / MIB),
                format!("{:.2} %", 100.0 * statistics.hits() as f64 / buffers as f64),
            ]);
            self.resident.push(resident);
        }
    }

    fn end(self, report: &mut Report, what: &str, bound: usize) {
        self.table.print();
        let (peak, bound) = (self.peak as f64 / MIB, bound as f64 / MIB);
        report.at_most(&format!("{what}: {peak:.1} MiB of buffers in use at the most"), peak, bound);
        if let [first, .., last] = self.resident[..] {
            println!("resident before the first document: {} MiB", figure(self.before));
            let growth = last - first;
            report.at_most(
                &format!("{what}: {growth:+.1} MiB resident from the first tenth to the last"),
                growth,
                2.0,
            );
        }
    }
}

/// What the process has in memory, in MiB; 0 where the system does not tell.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
