//! Long documents in parts, with a converter that can split them.

use std::pin::pin;
use std::time::Duration;

use crate::processor_support::{bench, request, shipping};
use futures_util::poll;
use millpond::{ConversionOptions, ConversionRequest, ProcessError, ProcessorConfig};

fn in_parts(document: &str, chunk_size: usize) -> ConversionRequest {
    request(document).with_options(ConversionOptions {
        parallel_chunks: true,
        chunk_size: Some(chunk_size),
        ..ConversionOptions::default()
    })
}

#[tokio::test]
async fn the_parts_are_joined_in_order() {
    for threads in [1, 4] {
        let bench = bench(threads, shipping());
        let document: String = (0..1_000).map(|n| format!("{n};")).collect();
        let response = bench.processor.process_single(in_parts(&document, 7)).await;
        assert_eq!(response.chunks, document.len().div_ceil(7));
        assert_eq!(response.result.unwrap(), document.to_uppercase());
        let answers = bench.processor.process_batch(vec![in_parts(&document, 50), request("a")]).await;
        assert_eq!(answers[0].result.as_ref().unwrap(), &document.to_uppercase());
        assert_eq!((answers[0].chunks, answers[1].chunks), (document.len().div_ceil(50), 1));
        let metrics = bench.processor.get_metrics();
        assert_eq!(metrics.chunked, 2);
        assert_eq!(metrics.chunks as usize, document.len().div_ceil(7) + document.len().div_ceil(50));
    }
}

#[tokio::test]
async fn parts_run_at_the_same_time() {
    let bench = bench(2, shipping());
    let mut response = pin!(bench.processor.process_single(in_parts("wait 1wait 2", 6)));
    assert!(poll!(&mut response).is_pending());
    // Neither can end before the other has begun.
    let mut begun = [bench.begun.recv().unwrap(), bench.begun.recv().unwrap()];
    begun.sort();
    assert_eq!(begun, ["wait 1", "wait 2"]);
    bench.gate.open();
    assert_eq!(response.await.result.unwrap(), "WAIT 1WAIT 2");
}

#[tokio::test]
async fn only_long_documents_that_may_be_are_split() {
    let bench = bench(1, ProcessorConfig { chunk_size: 1 << 10, ..shipping() });
    let long = "x".repeat(3 << 10);
    let asks = |parallel_chunks| ConversionOptions { parallel_chunks, ..ConversionOptions::default() };
    assert_eq!(bench.processor.process_single(request(&long).with_options(asks(false))).await.chunks, 1);
    assert_eq!(bench.processor.process_single(request(&long).with_options(asks(true))).await.chunks, 3);
    assert_eq!(bench.processor.process_single(request("short").with_options(asks(true))).await.chunks, 1);
}

#[tokio::test]
async fn a_part_that_fails_leaves_it_to_the_whole() {
    let bench = bench(1, shipping());
    let response = bench.processor.process_single(in_parts("12345 fail 67890 ", 6)).await;
    assert_eq!((response.result.unwrap(), response.chunks), ("12345 FAIL 67890 ".into(), 1));
    let response = bench.processor.process_single(in_parts("fail 67890 ", 6)).await;
    assert!(matches!(response.result, Err(ProcessError::Convert(_))), "{response:?}");
    assert_eq!(bench.processor.get_metrics().chunked, 0);
}

#[tokio::test]
async fn a_part_that_panics_is_a_document_that_panics() {
    let bench = bench(1, shipping());
    let response = bench.processor.process_single(in_parts("12345 panic 67890 ", 6)).await;
    assert!(matches!(response.result, Err(ProcessError::Panicked(_))), "{response:?}");
    assert_eq!(bench.processor.process_single(request("a")).await.result.unwrap(), "A");
}

#[tokio::test]
async fn dropping_the_future_stops_the_parts_that_have_not_begun() {
    let bench = bench(1, shipping());
    {
        let mut response = pin!(bench.processor.process_single(in_parts("wait 1wait 2wait 3", 6)));
        assert!(poll!(&mut response).is_pending());
        bench.begun.recv().unwrap();
    }
    bench.gate.open();
    bench.processor.shutdown(Duration::MAX).await;
    assert_eq!(bench.seen.documents().len(), 1);
}

#[tokio::test]
async fn and_asks_those_that_run_to_stop() {
    for threads in [1, 2] {
        let bench = bench(threads, shipping());
        {
            let mut response = pin!(bench.processor.process_single(in_parts("patient 1patient 2", 9)));
            assert!(poll!(&mut response).is_pending());
            (0..threads).for_each(|_| drop(bench.begun.recv().unwrap()));
        }
        let report = bench.processor.shutdown(Duration::MAX).await;
        assert_eq!((bench.seen.documents().len(), report.still_running), (threads, 0));
    }
}
