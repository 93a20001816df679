//! A task runs in its submitter's surroundings: the `tracing` span always, task-locals on request.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

#[path = "support/pool.rs"]
mod pool_support;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use millpond::convert::Report;
use millpond::pool::{CapturedContext, Propagate};
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionOptions, ConversionRequest, ConvertError, Converter,
    PoolConfig, ProcessorConfig, TaskContext, TaskOptions,
};
use pool_support::{block_on, fixed, hold, in_time, in_time_async, poll_once};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Metadata, Span, Subscriber, info_span};
use tracing_core::span::Current;

/// As little of a subscriber as can say which span is current.
struct Spans {
    next: AtomicU64,
    made: Mutex<HashMap<u64, &'static Metadata<'static>>>,
}

thread_local! {
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span()
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(id, attributes.metadata());
        Id::from_u64(id)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(id.into_u64()));
    }
    fn exit(&self, id: &Id) {
        assert_eq!(ENTERED.with_borrow_mut(Vec::pop), Some(id.into_u64()), "left out of turn");
    }
    fn current_span(&self) -> Current {
        let Some(id) = ENTERED.with_borrow(|entered| entered.last().copied()) else { return Current::none() };
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        Current::new(Id::from_u64(id), made[&id])
    }
}

/// One subscriber for all tests of this file: workers are threads of their own.
fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let spans = Spans { next: AtomicU64::new(1), made: Mutex::default() };
        tracing::subscriber::set_global_default(spans).unwrap();
    });
}

fn name_here() -> Option<&'static str> {
    Span::current().metadata().map(Metadata::name)
}

#[test]
fn the_submitters_span_is_current_in_the_task() {
    subscribe();
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let span = info_span!("request");
        let _entered = span.enter();
        let here = || (Span::current().id(), name_here());
        let wanted = (span.id(), Some("request"));
        assert_eq!(here(), wanted);
        assert_eq!(block_on(pool.run(here)).unwrap(), wanted);
        assert_eq!(block_on(block_on(pool.spawn(here)).unwrap()).unwrap(), wanted);
        assert_eq!(block_on(pool.try_spawn(here).unwrap()).unwrap(), wanted);
        assert_eq!(block_on(pool.try_acquire().unwrap().spawn(here)).unwrap(), wanted);
    });
}

#[test]
fn an_instrumented_run_takes_its_span_along() {
    subscribe();
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let (one, two) = futures_util::future::join(
            pool.run(name_here).instrument(info_span!("one")),
            pool.run(name_here).instrument(info_span!("two")),
        )
        .await;
        assert_eq!((one.unwrap(), two.unwrap()), (Some("one"), Some("two")));
        assert_eq!(pool.run(name_here).await.unwrap(), None, "the next task on the worker is in no span");
    });
}

#[test]
fn work_that_waited_in_line_has_its_span_all_the_same() {
    subscribe();
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let mut runs: Vec<_> =
            (0..3).map(|_| Box::pin(pool.run(name_here).instrument(info_span!("line")))).collect();
        runs.iter_mut().for_each(|run| assert!(poll_once(run).is_pending()));
        held.end();
        runs.into_iter().for_each(|run| assert_eq!(block_on(run).unwrap(), Some("line")));
    });
}

#[test]
fn subtasks_inherit_the_span_of_their_parent() {
    subscribe();
    in_time_async(|| async {
        for threads in [1, 2] {
            let pool = fixed(threads).build().unwrap();
            let family = || {
                let context = TaskContext::current().unwrap();
                let child = || {
                    let grandchild = TaskContext::current().unwrap().spawn(name_here);
                    (name_here(), grandchild.blocking_join().unwrap())
                };
                let inner = info_span!("inner").in_scope(|| context.spawn(name_here));
                (context.spawn(child).blocking_join().unwrap(), inner.blocking_join().unwrap(), name_here())
            };
            let (children, inner, parent) = pool.run(family).instrument(info_span!("outer")).await.unwrap();
            assert_eq!(children, (Some("outer"), Some("outer")));
            assert_eq!((inner, parent), (Some("inner"), Some("outer")));
        }
    });
}

#[test]
fn a_panic_leaves_the_span() {
    subscribe();
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let panics = pool.run(|| -> () { panic!("within the span") }).instrument(info_span!("request"));
        assert!(panics.await.unwrap_err().is_panic());
        assert_eq!(pool.run(name_here).await.unwrap(), None);
    });
}

tokio::task_local! {
    static USER: String;
    static DEPTH: u32;
}

fn user_here() -> Option<String> {
    USER.try_with(String::clone).ok()
}

fn carrying() -> AdaptiveThreadPool {
    fixed(1).propagate(&USER).propagate(&DEPTH).build().unwrap()
}

#[test]
fn task_locals_come_along_when_they_are_asked_for() {
    in_time_async(|| async {
        let pool = carrying();
        let both = || (user_here(), DEPTH.try_with(|depth| *depth).ok());
        let seen = USER.scope("ada".into(), DEPTH.scope(3, pool.run(both))).await.unwrap();
        assert_eq!(seen, (Some("ada".into()), Some(3)));
        let seen = USER.scope("ada".into(), async { pool.spawn(both).await.unwrap().await }).await.unwrap();
        assert_eq!(seen, (Some("ada".into()), None));
        let seen = DEPTH.scope(4, async { pool.acquire().await.unwrap().spawn(both).await }).await.unwrap();
        assert_eq!(seen, (None, Some(4)));
        assert_eq!(pool.run(both).await.unwrap(), (None, None), "nothing stays behind on the worker");

        let other = fixed(1).build().unwrap();
        assert_eq!(
            USER.scope("ada".into(), other.run(user_here)).await.unwrap(),
            None,
            "nobody asked for it"
        );
    });
}

#[test]
fn subtasks_inherit_task_locals() {
    in_time_async(|| async {
        let pool = carrying();
        let family = || {
            let context = TaskContext::current().unwrap();
            let child =
                context.spawn(|| TaskContext::current().unwrap().spawn(user_here).blocking_join().unwrap());
            let other = USER.sync_scope("grace".into(), || context.spawn(user_here));
            (child.blocking_join().unwrap(), other.blocking_join().unwrap(), user_here())
        };
        let (child, other, own) = USER.scope("ada".into(), pool.run(family)).await.unwrap();
        assert_eq!(
            (child.as_deref(), other.as_deref(), own.as_deref()),
            (Some("ada"), Some("grace"), Some("ada"))
        );
    });
}

#[test]
fn a_panic_leaves_no_task_local_behind() {
    in_time_async(|| async {
        let pool = carrying();
        let panics = USER.scope("ada".into(), pool.run(|| -> () { panic!("within the scope") }));
        assert_eq!(panics.await.unwrap_err().to_string(), "the task panicked: within the scope");
        assert_eq!(pool.run(user_here).await.unwrap(), None);
    });
}

/// Surroundings of a user's own.
struct Numbered;
struct Number(u32);

thread_local! {
    static NUMBER: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

impl Propagate for Numbered {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        NUMBER
            .with_borrow(|numbers| numbers.last().copied())
            .map(|n| Box::new(Number(n)) as Box<dyn CapturedContext>)
    }
}

impl CapturedContext for Number {
    fn scope(self: Box<Self>, task: &mut dyn FnMut()) {
        NUMBER.with_borrow_mut(|numbers| numbers.push(self.0));
        task();
        NUMBER.with_borrow_mut(Vec::pop);
    }
}

#[test]
fn anything_can_be_carried() {
    in_time_async(|| async {
        let pool = fixed(1).propagate(Numbered).propagate(&USER).build().unwrap();
        NUMBER.with_borrow_mut(|numbers| numbers.push(12));
        let here = || (NUMBER.with_borrow(|numbers| numbers.last().copied()), user_here());
        let task = USER.sync_scope("ada".into(), || pool.try_spawn(here).unwrap());
        NUMBER.with_borrow_mut(Vec::pop);
        assert_eq!(task.await.unwrap(), (Some(12), Some("ada".into())));
        assert_eq!(pool.run(here).await.unwrap(), (None, None));
    });
}

#[test]
fn a_carrier_that_forgets_the_task_is_an_error_and_no_hang() {
    struct Forgets;
    impl Propagate for Forgets {
        fn capture(&self) -> Option<Box<dyn CapturedContext>> {
            Some(Box::new(Self))
        }
    }
    impl CapturedContext for Forgets {
        fn scope(self: Box<Self>, _: &mut dyn FnMut()) {}
    }
    in_time_async(|| async {
        let pool = fixed(1).propagate(Forgets).build().unwrap();
        let error = pool.run(|| ()).await.unwrap_err();
        assert!(error.is_panic() && error.to_string().contains("did not call the task"), "{error}");
    });
}

/// On the thread of the one that waits, and yet not in its surroundings.
#[test]
fn a_task_that_another_waits_for_runs_in_its_own_surroundings() {
    subscribe();
    in_time(|| {
        let pool = carrying();
        let held = hold(&pool, 1);
        let (give, get) = std::sync::mpsc::channel::<millpond::JoinHandle<_>>();
        let waits = move || get.recv().unwrap().blocking_join().unwrap();
        let waits = info_span!("the waiting one")
            .in_scope(|| USER.sync_scope("ada".into(), || pool.try_spawn(waits)));
        let other = || (user_here(), name_here());
        let mine = info_span!("its own")
            .in_scope(|| USER.sync_scope("grace".into(), || pool.try_spawn(other)))
            .unwrap();
        give.send(mine).unwrap();
        held.end();
        assert_eq!(waits.unwrap().blocking_join().unwrap(), (Some("grace".into()), Some("its own")));
    });
}

/// Writes the name of the span that it is in.
struct Where;

impl Converter for Where {
    fn convert(&self, _: &[u8], _: &ConversionOptions, out: &mut BytesMut) -> Result<Report, ConvertError> {
        out.extend_from_slice(name_here().unwrap_or("none").as_bytes());
        Ok(Report::default())
    }
}

#[test]
fn a_document_with_a_name_is_converted_in_its_span_here_and_on_a_worker() {
    subscribe();
    in_time_async(|| async {
        for inline_budget in [Duration::ZERO, Duration::from_millis(1)] {
            let pool = PoolConfig { max_threads: 1, ..PoolConfig::default() };
            let config = ProcessorConfig { inline_budget, pool, ..ProcessorConfig::default() };
            let processor = ConcurrentProcessorV2::with_converter(Where, config);
            let mut inlined = false;
            for _ in 0..100 {
                let named = TaskOptions::new().name("report");
                let request = ConversionRequest::new("", "x").with_task(named);
                let response = processor.process_single(request).await;
                assert_eq!(response.result.unwrap(), "task");
                inlined |= response.inlined;
                let plain = processor.process_single(ConversionRequest::new("", "x")).await;
                assert_eq!(plain.result.unwrap(), "none");
            }
            assert_eq!(inlined, !inline_budget.is_zero());
        }
    });
}
