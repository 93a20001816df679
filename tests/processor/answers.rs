//! Each request gets its own answer, whatever becomes of the others.

use crate::processor_support::{bench, request, requests, shipping};
use millpond::processor::BatchProgress;
use millpond::{ConversionRequest, Format, ProcessError, ProcessorConfig};

#[tokio::test]
async fn a_batch_is_answered_in_the_order_of_its_requests() {
    let bench = bench(4, ProcessorConfig::default());
    // Of all sizes, so that they end in another order, and many share a task.
    let batch: Vec<_> = (0..2_000_usize)
        .map(|n| ConversionRequest::new(n.to_string(), format!("{n} {}", "x".repeat(n * n % 40_000))))
        .collect();
    let expected: Vec<_> = batch.iter().map(|r| (r.id.clone(), r.content.to_ascii_uppercase())).collect();
    let answers = bench.processor.process_batch(batch).await;
    let answers: Vec<_> = answers.into_iter().map(|r| (r.id, r.result.unwrap().to_vec())).collect();
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn one_failure_is_one_answer() {
    let bench = bench(2, shipping());
    let batch = requests(["a", "fail b", "c", "panic d", "e"]);
    let answers = bench.processor.process_batch(batch).await;
    let texts: Vec<_> = answers.iter().map(|r| r.result.as_deref().ok()).collect();
    assert_eq!(texts, [Some(&b"A"[..]), None, Some(b"C"), None, Some(b"E")]);
    assert!(matches!(answers[1].result, Err(ProcessError::Convert(_))));
    match &answers[3].result {
        Err(ProcessError::Panicked(panic)) => assert_eq!(panic.message(), Some("as the document says")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_panicking_converter_leaves_the_processor_usable() {
    let bench = bench(1, shipping());
    for _ in 0..100 {
        let response = bench.processor.process_single(request("panic")).await;
        assert!(matches!(response.result, Err(ProcessError::Panicked(_))));
    }
    assert_eq!(bench.processor.process_single(request("a")).await.result.unwrap(), "A");
    assert_eq!(bench.processor.get_pool_statistics().total_threads, 1);
}

#[tokio::test]
async fn a_document_over_the_limit_is_told_both_sizes() {
    let bench = bench(1, ProcessorConfig { max_document_size: 10, ..shipping() });
    let long = "elevenbytes";
    let told = |result: Result<_, ProcessError>| match result {
        Err(ProcessError::TooLarge { size: 11, limit: 10 }) => {}
        other => panic!("{other:?}"),
    };
    told(bench.processor.process_single(request(long)).await.result);
    told(bench.processor.try_process_single(request(long)).unwrap().await.result);
    let mut answers = bench.processor.process_batch(requests(["tenbytes10", long, "a"])).await;
    told(answers.remove(1).result);
    assert!(answers.iter().all(|answer| answer.is_ok()));
    let error = bench.processor.process_single(request(long)).await.result.unwrap_err();
    assert_eq!(error.to_string(), "the document has 11 bytes, but 10 are accepted");
}

#[tokio::test]
async fn a_response_says_what_was_done() {
    let bench = bench(1, shipping());
    let response = bench.processor.process_single(request("a").with_to(Format::Rtf)).await;
    assert_eq!((response.from, response.to), (Some(Format::Markdown), Some(Format::Rtf)));
    assert_eq!((response.id.as_str(), response.inlined, response.chunks), ("a", false, 1));
}

#[tokio::test]
async fn nothing_asked_is_nothing_answered() {
    let bench = bench(1, shipping());
    assert!(bench.processor.process_batch(Vec::new()).await.is_empty());
}

#[tokio::test]
async fn the_progress_of_a_batch_can_be_watched_to_its_end() {
    let bench = bench(2, ProcessorConfig { max_document_size: 10, ..shipping() });
    let mut batch = bench.processor.batch(requests(["a", "fail b", "cc", "over the limit"]));
    let mut progress = batch.progress();
    assert_eq!(progress.borrow().total, 4);
    let watcher = tokio::spawn(async move {
        let mut last = BatchProgress::default();
        while progress.changed().await.is_ok() {
            let now = *progress.borrow_and_update();
            assert!(now.done >= last.done);
            last = now;
        }
        last
    });
    assert_eq!(batch.await.len(), 4);
    let last = watcher.await.unwrap();
    assert_eq!((last.done, last.failed, last.total, last.bytes), (4, 2, 4, 9));
}

#[test]
fn a_batch_without_a_timeout_needs_no_runtime() {
    let bench = bench(2, ProcessorConfig { batch_timeout: std::time::Duration::MAX, ..shipping() });
    let answers = futures_executor::block_on(bench.processor.process_batch(requests(["a", "b"])));
    assert!(answers.iter().all(|answer| answer.is_ok()));
    let response = futures_executor::block_on(bench.processor.process_single(request("c")));
    assert_eq!(response.result.unwrap(), "C");
}
