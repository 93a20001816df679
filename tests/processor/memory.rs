//! The answers' memory comes from the processor's buffer pool, and goes back there.

use std::time::Duration;

use crate::processor_support::{Bench, bench, request, shipping};
use millpond::memory::BufferPoolConfig;
use millpond::{ConversionOptions, ConversionRequest, ProcessorConfig};

/// Nothing is given up for want of use, however slow the machine is.
fn with(threads: usize, memory: BufferPoolConfig) -> Bench {
    let memory = BufferPoolConfig { trim_after: Duration::MAX, ..memory };
    bench(threads, ProcessorConfig { memory, ..shipping() })
}

fn document(length: usize) -> ConversionRequest {
    request(&"x".repeat(length))
}

#[tokio::test]
async fn an_answer_holds_a_buffer_until_it_is_dropped() {
    let bench = with(1, BufferPoolConfig::default());
    let memory = bench.processor.memory_pool().clone();
    let answer = bench.processor.process_single(document(3_000)).await.result.unwrap();
    assert_eq!((memory.statistics().bytes_out(), memory.statistics().bytes_held()), (4 << 10, 0));
    let clone = answer.clone();
    drop(answer);
    assert_eq!(clone, "X".repeat(3_000));
    assert_eq!(memory.statistics().bytes_out(), 4 << 10);
    drop(clone);
    assert_eq!((memory.statistics().bytes_out(), memory.statistics().bytes_held()), (0, 4 << 10));
}

#[tokio::test]
async fn next_to_all_buffers_come_from_the_pool() {
    let bench = with(2, BufferPoolConfig::default());
    for round in 0..100_usize {
        let lengths = (0..8).map(|n| 100 + (n * 7_919 + round * 104_729) % 200_000);
        let answers = bench.processor.process_batch(lengths.map(document).collect()).await;
        assert!(answers.iter().all(|answer| answer.is_ok()));
    }
    let metrics = bench.processor.get_metrics();
    assert_eq!(metrics.memory_pool_hits + metrics.memory_pool_misses, 800);
    assert!(metrics.memory_pool_hits >= 760, "{metrics:?}");
    assert_eq!(bench.processor.memory_pool().statistics().bytes_out(), 0);
}

#[tokio::test]
async fn documents_that_fail_keep_no_buffer() {
    let bench = with(1, BufferPoolConfig::default());
    for text in ["fail", "panic"] {
        assert!(!bench.processor.process_single(request(text)).await.is_ok());
    }
    let statistics = bench.processor.memory_pool().statistics();
    assert_eq!((statistics.bytes_out(), statistics.hits(), statistics.misses()), (0, 1, 1));
}

#[tokio::test]
async fn parts_and_what_they_make_come_from_the_pool_too() {
    let bench = with(2, BufferPoolConfig::default());
    let options = ConversionOptions { parallel_chunks: true, chunk_size: Some(1_000), ..Default::default() };
    for _ in 0..2 {
        let answer = bench.processor.process_single(document(20_000).with_options(options.clone())).await;
        assert_eq!((answer.chunks, answer.result.unwrap().len()), (20, 20_000));
    }
    let statistics = bench.processor.memory_pool().statistics();
    // 20 parts and the whole, twice; the second time nothing had to be allocated.
    assert_eq!(statistics.hits() + statistics.misses(), 42);
    assert_eq!(statistics.medium.misses, 1);
    assert!(statistics.misses() <= 21, "{statistics:?}");
    assert_eq!((statistics.bytes_out(), statistics.small.discarded), (0, 0));
}

#[tokio::test]
async fn a_batch_that_is_held_holds_little_more_than_its_bytes() {
    let bench = with(2, BufferPoolConfig { max_medium_bytes: 128 << 10, ..BufferPoolConfig::default() });
    // Outputs that need a medium buffer, and take up an eighth of it.
    let documents = || (0..200).map(|_| document(8 << 10)).collect();
    let answers = bench.processor.process_batch(documents()).await;
    let bytes: usize = answers.iter().map(|answer| answer.result.as_ref().unwrap().len()).sum();
    assert_eq!(bytes, 200 * (8 << 10));
    let out = bench.processor.memory_pool().statistics().bytes_out();
    assert!(out <= 128 << 10, "{out} bytes of buffers for {bytes} of documents");
}

#[tokio::test]
async fn documents_can_be_read_into_buffers_of_the_pool() {
    let bench = with(1, BufferPoolConfig::default());
    let mut upload = bench.processor.memory_pool().take(3_000);
    upload.resize(3_000, b'x');
    let answer = bench.processor.process_single(ConversionRequest::new("upload", upload.freeze())).await;
    assert!(answer.is_ok());
    drop(answer);
    let statistics = bench.processor.memory_pool().statistics();
    assert_eq!((statistics.bytes_out(), statistics.small.buffers_held), (0, 2));
}

#[tokio::test]
async fn sensitive_documents_are_overwritten_not_copied() {
    let bench = with(1, BufferPoolConfig { zero_on_return: true, ..BufferPoolConfig::default() });
    let answer = bench.processor.process_single(document(10)).await;
    // Ten bytes would be copied otherwise.
    assert_eq!(bench.processor.memory_pool().statistics().bytes_out(), 4 << 10);
    drop(answer);
    assert_eq!(bench.processor.memory_pool().statistics().bytes_out(), 0);
}
