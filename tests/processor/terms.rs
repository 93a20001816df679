//! Documents whose requests say whose they are, how urgent, and until when they are of use.

use std::time::{Duration, Instant};

use crate::processor_support::{Bench, bench, request, requests, shipping};
use futures_util::future::join_all;
use futures_util::poll;
use millpond::{
    ConversionRequest, Format, PoolConfig, Priority, ProcessError, ProcessorConfig, RejectReason,
};

/// One worker, which is held up by a document of its own.
async fn held(config: ProcessorConfig) -> (Bench, impl Future<Output = ()>) {
    let bench = bench(1, config);
    let processor = bench.processor.clone();
    let first = tokio::spawn(async move { assert!(processor.process_single(request("wait")).await.is_ok()) });
    while bench.seen.documents().is_empty() {
        tokio::task::yield_now().await;
    }
    (bench, async { first.await.unwrap() })
}

/// The order in which documents are begun, that are all there before the first is.
async fn order(config: ProcessorConfig, requests: Vec<ConversionRequest>) -> Vec<String> {
    let (bench, first) = held(config).await;
    let mut all: Vec<_> =
        requests.into_iter().map(|request| Box::pin(bench.processor.process_single(request))).collect();
    for one in &mut all {
        assert!(poll!(one).is_pending());
    }
    bench.gate.open();
    assert!(join_all(all).await.iter().all(|response| response.is_ok()));
    first.await;
    bench.seen.documents().split_off(1)
}

#[tokio::test]
async fn urgent_documents_go_first() {
    let requests = vec![
        request("bulk").with_priority(Priority::Bulk),
        request("standard").with_priority(Priority::Standard),
        request("interactive").with_priority(Priority::Interactive),
    ];
    assert_eq!(order(shipping(), requests).await, ["interactive", "standard", "bulk"]);
}

#[tokio::test]
async fn a_format_has_a_class_unless_the_request_says_otherwise() {
    let priorities = [(Format::Markdown, Priority::Bulk), (Format::Rtf, Priority::Interactive)].into();
    let requests = vec![
        // Detected; every document of this converter is Markdown.
        request("detected"),
        request("urgent all the same").with_priority(Priority::Standard),
        request("named").with_from(Format::Rtf),
    ];
    let order = order(ProcessorConfig { priorities, ..shipping() }, requests).await;
    assert_eq!(order, ["named", "urgent all the same", "detected"]);
}

#[tokio::test]
async fn a_tenant_does_not_wait_for_all_that_another_has_brought() {
    let mut requests: Vec<_> = (0..20).map(|n| request(&format!("a {n}")).with_tenant("a")).collect();
    requests.push(request("b").with_tenant("b"));
    let order = order(shipping(), requests).await;
    assert!(order.iter().position(|document| document == "b").unwrap() <= 2, "{order:?}");
}

#[tokio::test]
async fn a_document_is_not_begun_after_its_deadline() {
    let (bench, first) = held(shipping()).await;
    let late = request("late").with_deadline(Instant::now());
    assert!(matches!(bench.processor.process_single(late).await.result, Err(ProcessError::Expired)));
    // The worker is held up for longer. On a machine that stands still for a moment it is too late at once: then again.
    let mut within = Duration::from_millis(20);
    while let Err(error) = bench.processor.process_single(soon(within)).await.result {
        match error {
            ProcessError::Expired => break,
            ProcessError::Rejected(_) => within *= 2,
            other => panic!("{other}"),
        }
    }
    let refused = bench.processor.try_process_single(soon(Duration::ZERO)).unwrap_err();
    assert_eq!(refused.rejection().reason, RejectReason::Expired);
    assert_eq!(refused.into_inner().content, "soon");
    bench.gate.open();
    first.await;
    assert_eq!(bench.seen.documents(), ["wait"]);
}

/// A document that is of use for so long.
fn soon(within: Duration) -> ConversionRequest {
    request("soon").with_deadline(Instant::now() + within)
}

#[tokio::test]
async fn a_document_that_comes_too_late_is_counted_once_however_it_comes() {
    let bench = bench(1, shipping());
    let late = || request("late").with_deadline(Instant::now());
    let counted = || {
        let (metrics, pool) = (bench.processor.get_metrics(), bench.processor.get_pool_statistics());
        assert_eq!(metrics.backpressure_events, pool.backpressure_events);
        (metrics.total_failed, pool.tasks_expired, pool.backpressure_events)
    };
    let response = bench.processor.process_single(late()).await;
    assert!(matches!(response.result, Err(ProcessError::Expired)));
    assert_eq!(counted(), (1, 1, 1));
    // It is handed back, and not answered.
    assert!(bench.processor.try_process_single(late()).is_err());
    assert_eq!(counted(), (1, 2, 2));
    let responses = bench.processor.process_batch(vec![late()]).await;
    assert!(matches!(responses[0].result, Err(ProcessError::Expired)));
    assert_eq!(counted(), (2, 3, 3));
    assert_eq!(bench.seen.documents(), [""; 0]);
}

#[tokio::test]
async fn a_batch_keeps_to_the_terms_of_each_document() {
    let (bench, first) = held(shipping()).await;
    let soon = Instant::now() + Duration::from_millis(20);
    let requests = vec![
        request("bulk").with_priority(Priority::Bulk),
        request("urgent").with_priority(Priority::Interactive),
        request("late").with_deadline(soon),
        request("plain"),
    ];
    let gate = std::sync::Arc::clone(&bench.gate);
    let batch = bench.processor.process_batch(requests);
    let open = async {
        let mut now = bench.processor.get_pool_statistics();
        while now.tasks_expired + now.backpressure_events == 0 || Instant::now() < soon {
            tokio::task::yield_now().await;
            now = bench.processor.get_pool_statistics();
        }
        gate.open();
    };
    let (responses, ()) = tokio::join!(batch, open);
    let ok: Vec<bool> = responses.iter().map(|response| response.is_ok()).collect();
    assert_eq!(ok, [true, true, false, true]);
    let late = &responses[2].result;
    assert!(matches!(late, Err(ProcessError::Expired | ProcessError::Rejected(_))), "{late:?}");
    first.await;
    let order = bench.seen.documents();
    let place = |document: &str| order.iter().position(|other| other == document).unwrap();
    assert!(place("urgent") < place("bulk"), "{order:?}");
}

#[tokio::test]
async fn limits_of_tenants_and_the_order_hold_together() {
    let config = ProcessorConfig { max_concurrent_per_tenant: 2, ..shipping() };
    let mut requests: Vec<_> = (0..10).map(|n| request(&format!("a {n}")).with_tenant("a")).collect();
    requests.push(request("b").with_tenant("b").with_priority(Priority::Interactive));
    let order = order(config, requests).await;
    assert_eq!(order.len(), 11);
    assert!(order.iter().position(|document| document == "b").unwrap() <= 2, "{order:?}");
}

#[tokio::test]
async fn a_document_counts_for_what_its_conversion_may_hold() {
    let pool = PoolConfig { byte_budget: Some(10_000), ..PoolConfig::default() };
    let (bench, first) = held(ProcessorConfig { pool, coalesce_target: Duration::ZERO, ..shipping() }).await;
    // Alone it would be more than all.
    match bench.processor.process_single(request("large document")).await.result {
        Err(ProcessError::Rejected(why)) => assert_eq!(why.reason, RejectReason::NeverFits),
        other => panic!("{other:?}"),
    }
    let mut waits = Box::pin(bench.processor.process_single(request("large 1")));
    assert!(poll!(&mut waits).is_pending());
    let refused = bench.processor.try_process_single(request("large 2")).unwrap_err();
    assert_eq!(refused.rejection().reason, RejectReason::ByteBudget);
    let mut batch = Box::pin(bench.processor.process_batch(requests(["large 3", "small"])));
    assert!(poll!(&mut batch).is_pending());
    // The small one waits behind it: first come, first served.
    assert_eq!(bench.processor.get_pool_statistics().bytes_under_way, 7_000 + 4);
    bench.gate.open();
    assert!(waits.await.is_ok());
    assert!(batch.await.iter().all(|response| response.is_ok()));
    first.await;
    assert_eq!(bench.processor.get_pool_statistics().bytes_under_way, 0);
}
