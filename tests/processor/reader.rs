//! `process_reader`: a document is converted while it is read, in order, and the reader waits for the writer.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::processor_support::{Gate, exactly, shipping};
use crate::reader_support::{Counted, Endless, Lines, Meter, Narrow, Slow};
use bytes::Bytes;
use futures_util::poll;
use millpond::memory::BufferPoolConfig;
use millpond::processor::ReaderError;
use millpond::{
    ConcurrentProcessorV2, ConversionOptions, ConversionRequest, ConvertError, ProcessError, ProcessorConfig,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Bench {
    processor: ConcurrentProcessorV2<Lines>,
    gate: Arc<Gate>,
    begun: std::sync::mpsc::Receiver<()>,
}

fn bench(threads: usize, config: ProcessorConfig) -> Bench {
    let (lines, begun) = Lines::new();
    let gate = Arc::clone(&lines.gate);
    let pool = exactly(threads, config.pool);
    let processor = ConcurrentProcessorV2::with_converter(lines, ProcessorConfig { pool, ..config });
    Bench { processor, gate, begun }
}

/// Windows of 100 bytes for each thread.
fn request() -> ConversionRequest {
    let options = ConversionOptions { chunk_size: Some(100), ..ConversionOptions::default() };
    ConversionRequest::new("document", "").with_options(options)
}

/// Lines that are all different.
fn document(lines: usize) -> String {
    (0..lines).map(|n| format!("this is line {n}\n")).collect()
}

#[tokio::test]
async fn what_is_written_is_in_order_and_complete() {
    for threads in [1, 3] {
        let bench = bench(threads, shipping());
        let text = document(1_000);
        let mut out = Vec::new();
        let response = bench.processor.process_reader(request(), text.as_bytes(), &mut out).await.unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text.to_uppercase());
        assert_eq!((response.bytes_in, response.bytes_out), (text.len() as u64, text.len() as u64));
        assert_eq!(response.id, "document");
        // Each but the last ends with a line, so none has less than 80 bytes a thread.
        let most = (text.len() / (80 * threads.min(2))) as u64;
        assert!((10..most).contains(&response.windows), "{response:?}");
        assert_eq!(bench.processor.get_metrics().total_processed, 1);
        assert_eq!(bench.processor.get_metrics().bytes_in, text.len() as u64);
        assert_eq!(bench.processor.get_metrics().in_flight, 0);
    }
}

#[tokio::test]
async fn readers_and_writers_may_take_their_time() {
    let bench = bench(2, shipping());
    let text = document(300);
    for (reads, writes) in [([0, 1], [0, 1]), ([1, 7], [50, 0]), ([0, 5_000], [3, 2]), ([9, 0], [0, 5_000])] {
        let (mut at, mut on) = (0, 0);
        let reader = Slow {
            document: Bytes::from(text.clone()),
            next: || {
                at += 1;
                reads[at % 2]
            },
            error: None,
        };
        let next = || {
            on += 1;
            writes[on % 2]
        };
        let mut writer = Narrow { taken: Vec::new(), next, limit: usize::MAX, error: None, flushed: 0 };
        bench.processor.process_reader(request(), reader, &mut writer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&writer.taken), text.to_uppercase());
        assert_eq!(writer.flushed, text.len());
    }
}

#[tokio::test]
async fn what_was_read_already_comes_first() {
    let bench = bench(1, shipping());
    for lines in [1, 100] {
        let text = document(lines);
        for begun in [0, 1, 10] {
            let request = ConversionRequest { content: text[..begun].to_owned().into(), ..request() };
            let mut out = Vec::new();
            let response =
                bench.processor.process_reader(request, &text.as_bytes()[begun..], &mut out).await.unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), text.to_uppercase());
            assert_eq!(response.bytes_in, text.len() as u64);
        }
    }
}

#[tokio::test]
async fn short_documents_and_those_that_need_it_are_converted_whole() {
    let bench = bench(1, shipping());
    for text in [String::new(), "short".to_owned(), format!("whole\n{}", document(1_000))] {
        let mut out = Vec::new();
        let response = bench.processor.process_reader(request(), text.as_bytes(), &mut out).await.unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text.to_uppercase());
        assert_eq!(response.windows, 1, "{text}");
    }
    assert_eq!(bench.processor.get_metrics().total_processed, 3);
}

#[tokio::test]
async fn parts_of_a_window_are_converted_at_the_same_time() {
    let bench = bench(2, shipping());
    // Windows of 200 bytes, in parts of 100. Neither part can end before the other has begun.
    let text = format!("{0}wait\n{0}wait\n{1}", document(6), document(10));
    let mut out = Vec::new();
    {
        let mut reading = pin!(bench.processor.process_reader(request(), text.as_bytes(), &mut out));
        assert!(poll!(&mut reading).is_pending());
        bench.begun.recv().unwrap();
        bench.begun.recv().unwrap();
        bench.gate.open();
        reading.await.unwrap();
    }
    assert_eq!(String::from_utf8(out).unwrap(), text.to_uppercase());
}

/// Reads so much of a document and no more while the writer does not take what became of it, whatever its length.
#[tokio::test]
async fn a_slow_writer_slows_the_reader() {
    let bench = bench(1, shipping());
    let meter = Arc::new(Meter::default());
    // Two windows, and what became of three.
    let reader = Endless { meter: Arc::clone(&meter), length: 100_000, most: 5 * 100 };
    let writer = Counted { meter: Arc::clone(&meter), at_a_time: 7, is_next_pending: false };
    bench.processor.process_reader(request(), reader, writer).await.unwrap();
    assert_eq!(meter.written.load(Ordering::SeqCst), 100_000);
}

#[tokio::test]
async fn a_document_of_any_length_takes_little_memory() {
    let memory = BufferPoolConfig { trim_after: Duration::MAX, ..BufferPoolConfig::default() };
    let bench = bench(2, ProcessorConfig { memory, max_document_size: 1 << 20, ..shipping() });
    let options = ConversionOptions { chunk_size: Some(30 << 10), ..ConversionOptions::default() };
    for length in [1 << 20, 16 << 20] {
        let meter = Arc::new(Meter::default());
        let reader = Endless { meter: Arc::clone(&meter), length, most: u64::MAX };
        let writer = Counted { meter: Arc::clone(&meter), at_a_time: usize::MAX, is_next_pending: false };
        let request = request().with_options(options.clone());
        bench.processor.process_reader(request, reader, writer).await.unwrap();
        assert_eq!(meter.written.load(Ordering::SeqCst), length);
    }
    let statistics = bench.processor.memory_pool().statistics();
    // Two windows, three of what becomes of them, and its parts, of 64 KiB each; the rest of a window and what comes after it.
    assert!(statistics.medium.bytes_out_peak <= 10 * (64 << 10), "{statistics:?}");
    assert_eq!((statistics.bytes_out(), statistics.large.misses, statistics.oversized.misses), (0, 0, 0));
    assert!(statistics.hits() >= 99 * statistics.misses(), "{statistics:?}");
}

#[tokio::test]
async fn a_writer_that_is_idle_has_been_flushed() {
    let bench = bench(1, shipping());
    let (mut client, server) = tokio::io::duplex(1 << 10);
    let (reader, writer) = tokio::io::split(server);
    let mut writer = tokio::io::BufWriter::new(writer);
    let dialogue = async {
        // Whoever brings the document wants to see what has become of it before they go on.
        let window = ["x".repeat(49), "x".repeat(49), String::new()].join("\n");
        for _ in 0..10 {
            client.write_all(window.as_bytes()).await.unwrap();
            let mut answer = [0; 100];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, window.to_uppercase().as_bytes());
        }
        client.shutdown().await.unwrap();
        client
    };
    let (done, _) = tokio::join!(bench.processor.process_reader(request(), reader, &mut writer), dialogue);
    assert_eq!(done.unwrap().bytes_out, 1_000);
}

/// Runs a document through; how it failed, and what was written.
async fn failure(bench: &Bench, request: ConversionRequest, text: &str) -> (ReaderError, String) {
    let mut out = Vec::new();
    let error = bench.processor.process_reader(request, text.as_bytes(), &mut out).await.unwrap_err();
    assert_eq!(error.written(), out.len() as u64);
    (error, String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn failures_say_what_was_written() {
    let bench = bench(1, ProcessorConfig { max_document_size: 2_000, ..shipping() });
    let before = document(20);
    let long = "x".repeat(3_000);
    for line in ["fail", "panic"] {
        let text = format!("{before}{line}\n{}", document(20));
        let (error, written) = failure(&bench, request(), &text).await;
        assert!(before.to_uppercase().starts_with(&written) && written.len() > 100, "{written}");
        let ReaderError::Process { source, .. } = error else { panic!("{error:?}") };
        let is_panic = matches!(source, ProcessError::Panicked(_));
        assert!(
            is_panic == (line == "panic") && (is_panic || matches!(source, ProcessError::Convert(_))),
            "{source:?}"
        );
    }
    // A line that has no end; what is remembered; what can't be converted before all is there.
    for text in
        [format!("{before}{long}"), "hold\n".repeat(2_000), format!("whole\n{long}"), format!("{long}\n")]
    {
        let (error, _) = failure(&bench, request(), &text).await;
        assert!(matches!(error, ReaderError::TooLarge { limit: 2_000, .. }), "{error:?}");
        assert!(error.to_string().contains("2000 bytes"), "{error}");
    }
    assert_eq!(bench.processor.get_metrics().panicked, 1);
    assert_eq!(bench.processor.memory_pool().statistics().bytes_out(), 0);
}

#[tokio::test]
async fn a_document_may_be_as_long_as_the_limit_whole_and_longer_in_pieces() {
    let bench = bench(1, ProcessorConfig { max_document_size: 2_000, ..shipping() });
    for (text, is_ok) in [
        (format!("whole\n{}", "x".repeat(1_994)), true),
        (format!("whole\n{}", "x".repeat(1_995)), false),
        (document(10_000), true),
    ] {
        let done = bench.processor.process_reader(request(), text.as_bytes(), &mut Vec::new()).await;
        assert_eq!(done.is_ok(), is_ok, "{done:?}");
    }
}

#[tokio::test]
async fn a_converter_that_leaves_something_over_is_found_out() {
    let bench = bench(1, shipping());
    let (error, _) = failure(&bench, request(), &format!("{}short\n", document(100))).await;
    let ReaderError::Process { source: ProcessError::Convert(ConvertError::Converter(error)), .. } = error
    else {
        panic!("{error:?}");
    };
    assert!(error.to_string().contains("not converted"), "{error}");
}

#[tokio::test]
async fn failures_of_the_reader_and_the_writer_are_told_apart() {
    let bench = bench(1, shipping());
    let text = document(100);
    let reader =
        Slow { document: text.clone().into(), next: || 50, error: Some(io::ErrorKind::ConnectionReset) };
    let mut out = Vec::new();
    let error = bench.processor.process_reader(request(), reader, &mut out).await.unwrap_err();
    assert!(
        matches!(&error, ReaderError::Read { source, .. } if source.kind() == io::ErrorKind::ConnectionReset)
    );
    assert_eq!(error.written(), out.len() as u64);
    assert!(text.to_uppercase().as_bytes().starts_with(&out));
    for (kind, expected) in
        [(Some(io::ErrorKind::BrokenPipe), io::ErrorKind::BrokenPipe), (None, io::ErrorKind::WriteZero)]
    {
        let mut writer = Narrow { taken: Vec::new(), next: || 9, limit: 500, error: kind, flushed: 0 };
        let error =
            bench.processor.process_reader(request(), text.as_bytes(), &mut writer).await.unwrap_err();
        assert!(
            matches!(&error, ReaderError::Write { source, written: 500 } if source.kind() == expected),
            "{error:?}"
        );
    }
    assert_eq!(bench.processor.get_metrics().total_failed, 3);
    assert_eq!(bench.processor.memory_pool().statistics().bytes_out(), 0);
}

#[tokio::test]
async fn dropping_it_half_way_leaves_nothing_behind() {
    let bench = bench(1, shipping());
    let text = format!("{}wait\n{}", document(50), document(50));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    {
        let mut running = pin!(bench.processor.process_reader(request(), text.as_bytes(), &mut first));
        while bench.begun.try_recv().is_err() {
            assert!(poll!(&mut running).is_pending());
            tokio::task::yield_now().await;
        }
        // The only thread is busy: the first window of this one waits in the queue.
        let mut queued = pin!(bench.processor.process_reader(request(), text.as_bytes(), &mut second));
        assert!(poll!(&mut queued).is_pending());
        assert_eq!(bench.processor.get_pool_statistics().queue_depth, 1);
        assert_eq!(bench.processor.get_metrics().in_flight, 2);
    }
    let statistics = bench.processor.get_pool_statistics();
    assert_eq!((statistics.queue_depth, statistics.active_threads), (0, 1));
    assert_eq!(bench.processor.get_metrics().in_flight, 0);
    bench.gate.open();
    let report = bench.processor.shutdown(Duration::MAX).await;
    assert_eq!((report.cancelled, report.still_running), (0, 0));
    assert_eq!(bench.processor.memory_pool().statistics().bytes_out(), 0);
    assert!(second.is_empty() && text.to_uppercase().as_bytes().starts_with(&first));
    // Nobody has seen it through, so nothing is counted.
    assert_eq!(bench.processor.get_metrics().total_processed, 0);
}

#[tokio::test]
async fn each_window_waits_for_its_turn_as_a_document_does() {
    let bench = bench(2, ProcessorConfig { max_concurrent_per_tenant: 1, ..shipping() });
    let request = || request().with_tenant("acme");
    let text = format!("wait\n{}", document(50));
    let other = document(50);
    let (mut out, mut other_out) = (Vec::new(), Vec::new());
    {
        let mut holder = pin!(bench.processor.process_reader(request(), text.as_bytes(), &mut out));
        assert!(poll!(&mut holder).is_pending());
        bench.begun.recv().unwrap();
        // A thread is free, but the tenant has its one window under way.
        let mut waiting = pin!(bench.processor.process_reader(request(), other.as_bytes(), &mut other_out));
        assert!(poll!(&mut waiting).is_pending());
        bench.gate.open();
        waiting.await.unwrap();
        holder.await.unwrap();
    }
    assert_eq!(out, text.to_uppercase().as_bytes());
    assert_eq!(other_out, other.to_uppercase().as_bytes());
    let late = request().with_deadline(Instant::now());
    let (error, _) = failure(&bench, late, &other).await;
    assert!(matches!(error, ReaderError::Process { source: ProcessError::Expired, written: 0 }), "{error:?}");
    bench.processor.shutdown(Duration::MAX).await;
    for text in [document(1), document(50)] {
        let (error, _) = failure(&bench, request(), &text).await;
        assert!(
            matches!(error, ReaderError::Process { source: ProcessError::Closed, written: 0 }),
            "{error:?}"
        );
    }
}

#[test]
fn the_future_can_be_sent() {
    fn is_send(_: impl Future + Send) {}
    let bench = bench(1, shipping());
    is_send(bench.processor.process_reader(request(), tokio::io::empty(), tokio::io::sink()));
}
