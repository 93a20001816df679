//! Short documents are converted on the caller's thread, until one of them turns out not to be short.

use std::thread;
use std::time::Duration;

use crate::processor_support::{Bench, bench, request};
use millpond::{Format, ProcessError, ProcessorConfig};

/// The widest budget, so that it is not used up by a moment's preemption; and 5 ms is a bad miss of it.
fn generous(limit: Option<usize>) -> Bench {
    generous_on(1, limit)
}

fn generous_on(threads: usize, limit: Option<usize>) -> Bench {
    let config = ProcessorConfig {
        inline_budget: Duration::from_millis(1),
        max_concurrent_per_tenant: limit.unwrap_or(usize::MAX),
        ..ProcessorConfig::default()
    };
    bench(threads, config)
}

/// Sends short documents until one is inlined: at least 8 are shipped, to learn from, and some more if one of those
/// happened to take long.
async fn warm_up(bench: &Bench) -> usize {
    for sent in 0..100_000 {
        let response = bench.processor.process_single(request("short")).await;
        assert_eq!(response.result.ok().as_deref(), Some(&b"SHORT"[..]));
        if response.inlined {
            return sent;
        }
    }
    panic!("never inlined");
}

#[tokio::test]
async fn the_first_are_shipped_and_then_the_caller_does_it() {
    let bench = generous(None);
    assert!(warm_up(&bench).await >= 8);
    let began = bench.seen.began.lock().unwrap();
    assert!(began[..8].iter().all(|(_, on)| *on != thread::current().id()));
    assert_eq!(began.last().unwrap().1, thread::current().id());
    drop(began);
    assert_eq!(bench.processor.get_metrics().inlined, 1);
}

#[tokio::test]
async fn an_inlined_document_is_looked_at_once() {
    let bench = generous(None);
    for _ in 0..100_000 {
        let before = bench.seen.looks();
        let response = bench.processor.process_single(request("short")).await;
        let looks = bench.seen.looks() - before;
        if response.inlined {
            assert_eq!((looks, response.from, response.to), (1, Some(Format::Markdown), Some(Format::Html)));
            return;
        }
    }
    panic!("never inlined");
}

#[tokio::test]
async fn a_bad_miss_sends_the_next_ones_to_the_pool() {
    let bench = generous(None);
    loop {
        warm_up(&bench).await;
        // Five times the budget, in the guise of a short one.
        if bench.processor.process_single(request("slow")).await.inlined {
            break;
        }
    }
    for _ in 0..16 {
        assert!(!bench.processor.process_single(request("short")).await.inlined);
    }
    warm_up(&bench).await;
}

#[tokio::test]
async fn no_budget_no_inlining() {
    let bench = bench(1, crate::processor_support::shipping());
    for _ in 0..100 {
        assert!(!bench.processor.process_single(request("short")).await.inlined);
    }
    assert_eq!(bench.processor.get_metrics().inlined, 0);
}

/// Of the limit of two, the one worker leaves one document for a caller's thread.
#[tokio::test]
async fn a_document_is_inlined_within_its_tenants_limit_and_its_panic_is_an_answer() {
    let bench = generous(Some(2));
    loop {
        warm_up(&bench).await;
        let response = bench.processor.process_single(request("panic").with_tenant("a")).await;
        assert!(matches!(response.result, Err(ProcessError::Panicked(_))));
        if response.inlined {
            break;
        }
    }
    assert!(bench.processor.process_single(request("short").with_tenant("a")).await.is_ok());
}

/// The caller's own tenant is at its limit: the document waits for its turn, however short it is.
#[tokio::test]
async fn a_short_document_does_not_jump_its_tenants_limit() {
    let bench = generous(Some(1));
    warm_up(&bench).await;
    let held = bench.processor.try_process_single(request("wait").with_tenant("a")).unwrap();
    let mut short = std::pin::pin!(bench.processor.process_single(request("short").with_tenant("a")));
    assert!(futures_util::poll!(&mut short).is_pending());
    bench.gate.open();
    assert!(!short.await.inlined);
    assert!(held.await.is_ok());
}

/// Whether two documents, one right after the other, were converted here, and a third a good while later. Each takes more
/// than callers who share a thread may have of a millisecond.
async fn three(bench: &Bench, of_two_callers: bool) -> [bool; 3] {
    let send = || {
        let processor = bench.processor.clone();
        async move { processor.process_single(request("brief")).await.inlined }
    };
    // The work of this test: while it goes on, a new millisecond begins.
    let later = || bench.processor.pool().run(|| thread::sleep(Duration::from_millis(2)));
    later().await.unwrap();
    let (first, second) = if of_two_callers {
        let (first, second) = (tokio::spawn(send()), tokio::spawn(send()));
        (first.await.unwrap(), second.await.unwrap())
    } else {
        (send().await, send().await)
    };
    later().await.unwrap();
    [first, second, send().await]
}

/// Whether a thread that has done its share ships the next document. Tried again and again: a moment's preemption, and the
/// next millisecond has begun, or the document seems too long. That the third is converted here shows that the second was
/// not shipped because its kind was barred: that would go on for 16.
async fn ships_the_second(bench: &Bench, of_two_callers: bool) -> bool {
    for _ in 0..100 {
        if three(bench, of_two_callers).await == [true, false, true] {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn callers_that_share_a_thread_do_not_take_it_over() {
    assert!(ships_the_second(&generous(None), true).await);
}

/// One caller, but a document of another is under way.
#[tokio::test]
async fn a_caller_who_is_not_alone_does_not_take_the_thread_over() {
    let bench = generous_on(2, None);
    let held = bench.processor.try_process_single(request("wait")).unwrap();
    assert!(ships_the_second(&bench, false).await);
    bench.gate.open();
    assert!(held.await.is_ok());
}

#[tokio::test]
async fn a_caller_who_is_alone_may_have_it() {
    let bench = generous(None);
    for _ in 0..100 {
        if three(&bench, false).await == [true; 3] {
            return;
        }
    }
    panic!("shipped for nobody's sake");
}

#[tokio::test]
async fn a_crowd_on_one_thread_is_answered() {
    let bench = generous(None);
    warm_up(&bench).await;
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let processor = bench.processor.clone();
            tokio::spawn(async move {
                for _ in 0..20 {
                    assert!(processor.process_single(request("short")).await.is_ok());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let metrics = bench.processor.get_metrics();
    assert_eq!(metrics.total_failed, 0);
    assert_eq!(metrics.in_flight, 0);
}
