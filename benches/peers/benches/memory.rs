//! Buffers from the pool against buffers from the allocator, by themselves and under the processor.
//!
//! `cargo bench -p millpond-peers --bench memory -- --help`
#![allow(unsafe_code, clippy::expect_used)]

#[path = "memory/stream.rs"]
mod stream;

use std::collections::VecDeque;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use millpond::convert::{self, ConversionOptions, ConvertError, Converter};
use millpond::memory::{BufferPool, BufferPoolConfig};
use millpond::{ConcurrentProcessorV2, ConversionRequest, ProcessorConfig};
use tokio::runtime::Handle;

use millpond_peers::alloc::{self, Heap};
use millpond_peers::args::Args;
use millpond_peers::measure::{SplitMix, interleave};
use millpond_peers::peers::millpond::config;
use millpond_peers::processor::Processor;
use millpond_peers::report::{Report, quartiles};
use millpond_peers::table::{Table, figure};
use millpond_peers::{corpus, user_runtime};

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

const ABOUT: &str = "Buffers from the pool against buffers from the allocator.";

const SECTIONS: [(&str, &str); 4] = [
    ("acquire", "to have a buffer of 64 KB or 1 MB, on 1 thread and on 2"),
    ("steady", "the heap allocations of a processor in steady state, with and without the pool"),
    ("stream", "the memory of a stream of 10,000 documents of 1 MB, over time"),
    ("documents", "real Markdown to HTML through the processor, with and without the pool"),
];

const PAGE: usize = 4 << 10;

fn main() -> ExitCode {
    let args = Args::parse(ABOUT, &SECTIONS);
    let mut report = Report::open("memory", &args);
    let runtime = user_runtime();
    if args.wants("acquire") {
        for threads in [1, 2] {
            acquire(&args, &mut report, "64 KB", 64 << 10, threads);
            acquire(&args, &mut report, "1 MB", 1 << 20, threads);
        }
    }
    if args.wants("steady") {
        steady(&args, &mut report, runtime.handle());
    }
    if args.wants("stream") {
        stream::whole(&args, &mut report, runtime.handle());
        stream::while_read(&args, &mut report, runtime.handle());
    }
    if args.wants("documents") {
        documents(&args, runtime.handle());
    }
    report.close()
}

const CONTENDERS: [&str; 6] = [
    "the pool: taken, dropped",
    "the allocator: allocated, each page touched, freed",
    "the pool: taken, filled, dropped",
    "the allocator: allocated, filled, freed",
    "the pool: taken, filled, frozen, dropped",
    "the allocator: allocated, filled, frozen, freed",
];

fn acquire(args: &Args, report: &mut Report, name: &str, size: usize, threads: usize) {
    let pool = BufferPool::default();
    let fresh = || BytesMut::with_capacity(size);
    let fill = |buffer: &mut BytesMut| buffer.resize(size, b'x');
    let samples = interleave(CONTENDERS.len(), args.rounds(31), args.seed, |who| match who {
        0 => on_threads(threads, || drop(black_box(pool.take(size)))),
        1 => on_threads(threads, || {
            let mut buffer = fresh();
            // As little as makes the memory one's own: a byte of each page.
            buffer.spare_capacity_mut().iter_mut().step_by(PAGE).for_each(|byte| {
                black_box(byte.write(0));
            });
            drop(black_box(buffer));
        }),
        2 => on_threads(threads, || {
            let mut buffer = pool.take(size);
            fill(&mut buffer);
            drop(black_box(buffer));
        }),
        3 => on_threads(threads, || {
            let mut buffer = fresh();
            fill(&mut buffer);
            drop(black_box(buffer));
        }),
        4 => on_threads(threads, || {
            let mut buffer = pool.take(size);
            fill(&mut buffer);
            drop(black_box(buffer.freeze()));
        }),
        _ => on_threads(threads, || {
            let mut buffer = fresh();
            fill(&mut buffer);
            drop(black_box(buffer.freeze()));
        }),
    });
    println!("\na buffer of {name}, {threads} threads (us)");
    let mut table = Table::new(["", "median", "quartiles", "pool / allocator"]);
    for (who, name) in CONTENDERS.into_iter().enumerate() {
        let ratio = if who % 2 == 0 { format!("{:.3}", samples.ratio(who, who + 1)) } else { String::new() };
        table.row([name.to_owned(), figure(samples.median(who)), quartiles(&samples, who), ratio]);
    }
    table.print();
    let ratio = samples.ratio(0, 1);
    report.at_most(
        &format!("to have {name}, {threads} threads: {ratio:.3} x allocated and touched"),
        ratio,
        1.0,
    );
}

/// Microseconds that a thread needs for this, while so many do the same.
fn on_threads(threads: usize, work: impl Fn() + Sync) -> f64 {
    const TIMES: u32 = 300;
    let line = Barrier::new(threads);
    let run = || {
        line.wait();
        let start = Instant::now();
        (0..TIMES).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
    };
    let took: f64 = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let own = run();
        own + others.into_iter().map(|other| other.join().expect("it ends well")).sum::<f64>()
    });
    took / threads as f64
}

/// A converter that allocates nothing, so that what is counted is what the processor allocates.
struct Copy;

impl Converter for Copy {
    fn convert(
        &self,
        input: &[u8],
        _: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<convert::Report, ConvertError> {
        input.chunks(1_000).for_each(|piece| out.extend_from_slice(piece));
        Ok(convert::Report::default())
    }
}

/// No buffer is kept: each is allocated as it is asked for, and freed.
fn no_pool() -> BufferPoolConfig {
    BufferPoolConfig { max_small_bytes: 0, max_medium_bytes: 0, max_large_bytes: 0, ..Default::default() }
}

/// Documents of 2 KB to 1 MB, each size as likely as its double; an answer is dropped when 16 others have come since, as
/// if it took a while to send.
fn steady(args: &Args, report: &mut Report, users: &Handle) {
    let count = if args.quick { 500 } else { 5_000 };
    let mut random = SplitMix(args.seed);
    let source = Bytes::from(vec![b'x'; 1 << 20]);
    let lengths: Vec<usize> = (0..count).map(|_| (2_000.0 * 500_f64.powf(random.unit())) as usize).collect();
    let run = |memory: BufferPoolConfig| {
        let config = ProcessorConfig { pool: config(args.niceness), memory, ..ProcessorConfig::default() };
        let processor = ConcurrentProcessorV2::with_converter(Copy, config);
        let pass = || {
            users.block_on(async {
                let mut held = VecDeque::with_capacity(17);
                for &length in &lengths {
                    let request = ConversionRequest::new("", source.slice(..length));
                    held.push_back(processor.process_single(request).await.result.expect("a copy"));
                    if held.len() > 16 {
                        held.pop_front();
                    }
                }
            });
        };
        // Once, to get there.
        pass();
        let before = processor.get_metrics();
        let heap = alloc::measure(pass);
        let after = processor.get_metrics();
        let hits = after.memory_pool_hits - before.memory_pool_hits;
        let buffers = hits + after.memory_pool_misses - before.memory_pool_misses;
        (heap, hits as f64 / buffers as f64)
    };
    let ((with, hits), (without, _)) = (run(BufferPoolConfig::default()), run(no_pool()));
    let each = |heap: &Heap, what: fn(&Heap) -> u64| what(heap) as f64 / count as f64;
    println!("\na processor in steady state, 16 answers held (a document)");
    let mut table = Table::new(["", "with the pool", "without", "with / without"]);
    type Figure = fn(&Heap) -> u64;
    let rows: [(&str, Figure); 3] = [
        ("allocations of 1 KB and more: the buffers", |heap| heap.large),
        ("bytes allocated", |heap| heap.bytes),
        ("all allocations, those of task and handle among them", |heap| heap.allocations),
    ];
    for (name, what) in rows {
        let (with, without) = (each(&with, what), each(&without, what));
        table.row([name.to_owned(), figure(with), figure(without), format!("{:.4}", with / without)]);
    }
    table.print();
    report.at_least(&format!("buffers from the pool: {:.1} %", 100.0 * hits), hits, 0.95);
    let share = with.large as f64 / without.large as f64;
    report.at_most(&format!("allocations of buffers: {:.2} % of those without", 100.0 * share), share, 0.05);
    let share = with.bytes as f64 / without.bytes as f64;
    report.at_most(&format!("bytes allocated: {:.2} % of those without", 100.0 * share), share, 0.05);
}

fn documents(args: &Args, users: &Handle) {
    let Some(buckets) = corpus::buckets(200) else {
        println!("no Markdown in Cargo's registry: nothing to convert");
        return;
    };
    let processors =
        [BufferPoolConfig::default(), no_pool()].map(|memory| Processor::with_memory(args.niceness, memory));
    println!("\nMarkdown to HTML through the processor");
    let mut table = Table::new(["", "with the pool, ms", "without, ms", "with / without"]);
    for bucket in &buckets {
        for (name, batch) in [("one by one", false), ("a batch", true)] {
            let samples = interleave(2, args.rounds(31), args.seed, |who| {
                let (processor, requests) = (processors[who].clone(), Processor::requests(&bucket.documents));
                let work = async move {
                    let start = Instant::now();
                    if batch {
                        black_box(processor.batch(requests).await);
                    } else {
                        for request in requests {
                            black_box(processor.single(request).await);
                        }
                    }
                    start.elapsed()
                };
                let took: Duration = users.block_on(users.spawn(work)).expect("it ends well");
                took.as_secs_f64() * 1e3
            });
            table.row([
                format!("{} documents of {}, {name}", bucket.documents.len(), bucket.name),
                figure(samples.median(0)),
                figure(samples.median(1)),
                format!("{:.3}", samples.ratio(0, 1)),
            ]);
        }
    }
    table.print();
}
