//! Documents that come one after another: in order or not, no more of them than there is room for, and nothing left behind.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::processor_support::{Bench, bench, request, shipping};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, poll, stream};
use millpond::{ConversionRequest, PoolConfig, ProcessError, ProcessorConfig};
use proptest::prelude::*;

fn with_queue(threads: usize, max_queue_size: usize) -> Bench {
    let pool = PoolConfig { max_queue_size, ..PoolConfig::default() };
    bench(threads, ProcessorConfig { pool, ..shipping() })
}

fn at_most(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN)
}

/// Counts how many are pulled.
fn counted<'a>(
    documents: impl IntoIterator<Item = &'a str>,
) -> (impl Stream<Item = ConversionRequest>, Rc<Cell<usize>>) {
    let pulled = Rc::new(Cell::new(0));
    let count = Rc::clone(&pulled);
    let documents: Vec<_> = documents.into_iter().map(request).collect();
    (stream::iter(documents).inspect(move |_| count.set(count.get() + 1)), pulled)
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_requests() {
    let bench = with_queue(2, 100);
    let (requests, _) = counted(["wait", "b", "c"]);
    let mut responses = bench.processor.process_stream(requests);
    assert!(poll!(responses.next()).is_pending());
    // The other two are done, as far as their worker is concerned, while the first one waits.
    assert_eq!(BTreeSet::from_iter(bench.begun.iter().take(3)), ["b", "c", "wait"].map(String::from).into());
    assert!(poll!(responses.next()).is_pending());
    bench.gate.open();
    let ids: Vec<_> = responses.map(|response| response.id).collect().await;
    assert_eq!(ids, ["wait", "b", "c"]);
}

#[tokio::test]
async fn unordered_they_come_as_they_are_there() {
    let bench = with_queue(2, 100);
    let (requests, _) = counted(["wait", "b", "c"]);
    let mut responses = bench.processor.process_stream(requests).unordered();
    let two = [responses.next().await.unwrap().id, responses.next().await.unwrap().id];
    assert_eq!(BTreeSet::from(two), ["b", "c"].map(String::from).into());
    bench.gate.open();
    assert_eq!(responses.next().await.unwrap().id, "wait");
    assert!(responses.next().await.is_none());
    assert!(responses.next().await.is_none(), "the end stays the end");
}

#[tokio::test]
async fn one_failure_is_one_answer() {
    let bench = with_queue(1, 100);
    let (requests, _) = counted(["a", "fail", "panic", "d"]);
    let results: Vec<_> = bench.processor.process_stream(requests).map(|r| r.result).collect().await;
    assert!(matches!(
        &results[..],
        [Ok(_), Err(ProcessError::Convert(_)), Err(ProcessError::Panicked(_)), Ok(_)]
    ));
}

#[tokio::test]
async fn no_more_are_pulled_than_may_be_in_flight() {
    let bench = with_queue(1, 100);
    let (requests, pulled) = counted(["wait 1", "wait 2", "wait 3", "wait 4", "wait 5"]);
    let mut responses = bench.processor.process_stream(requests).max_in_flight(at_most(3));
    assert_eq!(pulled.get(), 0, "nothing happens before the first poll");
    assert!(poll!(responses.next()).is_pending());
    assert_eq!((pulled.get(), responses.in_flight()), (3, 3));
    bench.gate.admit(1);
    assert_eq!(responses.next().await.unwrap().id, "wait 1");
    assert_eq!((pulled.get(), responses.in_flight()), (3, 2), "whoever does not ask for more gets no more");
    assert!(poll!(responses.next()).is_pending());
    assert_eq!(pulled.get(), 4);
    bench.gate.open();
    assert_eq!(responses.count().await, 4);
}

/// The document that runs has given its place back.
#[tokio::test]
async fn no_more_are_pulled_than_there_is_room_for() {
    let bench = with_queue(1, 2);
    let (requests, pulled) = counted(["wait 1", "2", "3", "4", "5", "6"]);
    let mut responses = bench.processor.process_stream(requests).max_in_flight(at_most(100));
    assert!(poll!(responses.next()).is_pending());
    bench.begun.recv().unwrap();
    assert!(poll!(responses.next()).is_pending());
    assert_eq!(pulled.get(), 3, "one runs, two are in the queue");
    bench.gate.open();
    assert_eq!(responses.count().await, 6);
}

/// Others have the whole queue: one document stands in line, so that its turn comes.
#[tokio::test]
async fn a_full_pool_holds_a_stream_up_and_does_not_stop_it() {
    let bench = with_queue(1, 1);
    let running = bench.processor.try_process_single(request("wait")).unwrap();
    bench.begun.recv().unwrap();
    let queued = bench.processor.try_process_single(request("other")).unwrap();
    let (requests, pulled) = counted(["1", "2", "3"]);
    let mut responses = bench.processor.process_stream(requests);
    assert!(poll!(responses.next()).is_pending());
    assert_eq!(pulled.get(), 1);
    bench.gate.open();
    assert_eq!(responses.map(|response| response.id).collect::<Vec<_>>().await, ["1", "2", "3"]);
    assert!(running.await.is_ok() && queued.await.is_ok());
}

#[tokio::test]
async fn it_goes_on_when_requests_come_late() {
    let bench = with_queue(1, 100);
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let requests = stream::poll_fn(move |cx| receiver.poll_recv(cx));
    let mut responses = bench.processor.process_stream(requests);
    assert!(poll!(responses.next()).is_pending());
    for document in ["a", "b"] {
        sender.send(request(document)).await.unwrap();
        assert_eq!(responses.next().await.unwrap().id, document);
    }
    drop(sender);
    assert!(responses.next().await.is_none());
}

#[tokio::test]
async fn a_stream_dropped_half_way_leaves_nothing_behind() {
    /// Tells when the last clone of a document goes.
    struct Owned(#[allow(dead_code)] Arc<()>);
    impl AsRef<[u8]> for Owned {
        fn as_ref(&self) -> &[u8] {
            b"document"
        }
    }
    let bench = with_queue(1, 100);
    let held = Arc::new(());
    let owned = Arc::clone(&held);
    let rest = stream::repeat_with(move || {
        ConversionRequest::new("queued", Bytes::from_owner(Owned(Arc::clone(&owned))))
    });
    let requests = stream::iter([request("a"), request("wait")]).chain(rest);
    let mut responses = Box::pin(bench.processor.process_stream(requests).max_in_flight(at_most(10)));
    assert_eq!(responses.next().await.unwrap().id, "a");
    assert!(poll!(responses.next()).is_pending());
    while bench.begun.recv().unwrap() != "wait" {}
    assert_eq!(Arc::strong_count(&held), 2 + 9);

    drop(responses);
    assert_eq!(Arc::strong_count(&held), 1, "what had not begun is gone, and the stream");
    let statistics = bench.processor.get_pool_statistics();
    assert_eq!((statistics.queue_depth, statistics.tasks_cancelled), (0, 9));
    assert_eq!(bench.processor.get_metrics().in_flight, 0);
    bench.gate.open();
    let report = bench.processor.shutdown(Duration::MAX).await;
    assert_eq!((report.still_running, report.cancelled), (0, 0));
    assert_eq!(bench.processor.memory_pool().statistics().bytes_out(), 0);
}

#[tokio::test]
async fn a_pool_that_closes_answers_every_request() {
    let bench = with_queue(1, 100);
    bench.processor.shutdown(Duration::ZERO).await;
    let (requests, _) = counted(["a", "b"]);
    let responses: Vec<_> = bench.processor.process_stream(requests).collect().await;
    assert!(responses.iter().all(|response| matches!(response.result, Err(ProcessError::Closed))));
    assert_eq!(responses.len(), 2);
}

#[tokio::test]
async fn it_tells_how_many_are_to_come() {
    let bench = with_queue(1, 100);
    let (requests, _) = counted(["a", "wait", "c"]);
    let mut responses = bench.processor.process_stream(requests).max_in_flight(at_most(1));
    assert_eq!(responses.size_hint(), (3, Some(3)));
    responses.next().await;
    assert_eq!(responses.size_hint(), (2, Some(2)));
    assert!(poll!(responses.next()).is_pending());
    assert_eq!(responses.size_hint(), (2, Some(2)));
    bench.gate.open();
    assert_eq!(responses.count().await, 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every request is answered once, in order, whoever is late.
    #[test]
    fn every_request_is_answered_once(
        late in proptest::collection::vec(any::<bool>(), 0..40),
        queue in 1_usize..5,
        in_flight in 1_usize..20,
        ordered in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let all: Vec<String> = (0..late.len()).map(|n| format!("document {n}")).collect();
        let ids = runtime.block_on(async {
            let bench = with_queue(2, queue);
            let mut documents = all.iter().zip(&late).map(|(document, &late)| (request(document), late)).peekable();
            let requests = stream::poll_fn(|cx| match documents.peek_mut() {
                Some((_, late @ true)) => {
                    *late = false;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                _ => Poll::Ready(documents.next().map(|(request, _)| request)),
            });
            let mut responses = bench.processor.process_stream(requests).max_in_flight(at_most(in_flight));
            if !ordered {
                responses = responses.unordered();
            }
            responses.map(|response| response.id).collect::<Vec<_>>().await
        });
        if ordered {
            prop_assert_eq!(ids, all);
        } else {
            prop_assert_eq!(BTreeSet::from_iter(ids), BTreeSet::from_iter(all));
        }
    }
}
