//! A task runs in its submitter's surroundings: the `tracing` span always, task-locals on request.
//! It has spans of its own if it has a name, or if the pool is told so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

#[path = "support/pool.rs"]
mod pool_support;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use millpond::convert::Report;
use millpond::pool::{CapturedContext, Propagate};
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionOptions, ConversionRequest, ConvertError, Converter,
    PoolConfig, ProcessorConfig, TaskContext, TaskOptions,
};
use pool_support::{block_on, fixed, hold, in_time, in_time_async, poll_once, until};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Metadata, Span, Subscriber, info_span};
use tracing_core::span::Current;

/// As little of a subscriber as can say which span is current, and which spans there were.
struct Spans;

/// A span that was made.
#[derive(Clone)]
struct Made {
    id: u64,
    metadata: &'static Metadata<'static>,
    parent: Option<u64>,
    fields: HashMap<&'static str, String>,
    handles: usize,
}

impl Visit for Made {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());

fn made() -> MutexGuard<'static, Vec<Made>> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn index(id: &Id) -> usize {
    id.into_u64() as usize - 1
}

/// The spans that were made within this one, in order.
fn within(span: &Span) -> Vec<Made> {
    children(span.id().expect("someone listens").into_u64())
}

fn children(parent: u64) -> Vec<Made> {
    made().iter().filter(|made| made.parent == Some(parent)).cloned().collect()
}

fn names(spans: &[Made]) -> Vec<&'static str> {
    spans.iter().map(|made| made.metadata.name()).collect()
}

thread_local! {
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span()
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let current =
            || attributes.is_contextual().then(|| self.current_span().id().map(Id::into_u64)).flatten();
        let parent = attributes.parent().map(Id::into_u64).or_else(current);
        let mut all = made();
        let (id, metadata) = (all.len() as u64 + 1, attributes.metadata());
        let mut made = Made { id, metadata, parent, fields: HashMap::new(), handles: 1 };
        attributes.record(&mut made);
        all.push(made);
        Id::from_u64(id)
    }
    fn record(&self, id: &Id, values: &Record<'_>) {
        values.record(&mut made()[index(id)]);
    }
    fn clone_span(&self, id: &Id) -> Id {
        made()[index(id)].handles += 1;
        id.clone()
    }
    fn try_close(&self, id: Id) -> bool {
        let handles = &mut made()[index(&id)].handles;
        *handles -= 1;
        *handles == 0
    }
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
        let id = Id::from_u64(id);
        let metadata = made()[index(&id)].metadata;
        Current::new(id, metadata)
    }
}

/// One subscriber for all tests of this file: workers are threads of their own.
fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Spans).unwrap();
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
                assert_eq!(response.result.unwrap(), "run");
                inlined |= response.inlined;
                let plain = processor.process_single(ConversionRequest::new("", "x")).await;
                assert_eq!(plain.result.unwrap(), "none");
            }
            assert_eq!(inlined, !inline_budget.is_zero());
        }
    });
}

#[test]
fn a_task_with_a_name_has_three_spans_within_that_of_its_submitter() {
    subscribe();
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let request = info_span!("request");
        let task = pool.task().name("report").tenant("ada").run(|| (name_here(), Span::current().id()));
        let (name, id) = task.instrument(request.clone()).await.unwrap();
        let spans = within(&request);
        assert_eq!(names(&spans), ["submit", "queued", "run"]);
        assert_eq!((name, id.map(|id| id.into_u64())), (Some("run"), Some(spans[2].id)));
        for span in &spans {
            assert_eq!(span.metadata.target(), "millpond::task");
            assert_eq!((&*span.fields["task"], &*span.fields["tenant"]), ("report", "ada"));
        }
        until(|| within(&request).iter().all(|span| span.handles == 0));
    });
}

#[test]
fn a_task_without_a_name_has_them_if_the_pool_is_told_so() {
    subscribe();
    in_time_async(|| async {
        for (told, expected) in [(false, &[][..]), (true, &["submit", "queued", "run"])] {
            let pool = fixed(1).task_spans(told).build().unwrap();
            let plain = info_span!("plain");
            pool.run(|| ()).instrument(plain.clone()).await.unwrap();
            let labelled = info_span!("labelled");
            pool.task().tenant("ada").run(|| ()).instrument(labelled.clone()).await.unwrap();
            assert_eq!(
                (names(&within(&plain)), names(&within(&labelled))),
                (expected.to_vec(), expected.to_vec())
            );
        }
    });
}

#[test]
fn work_that_does_not_run_has_no_span_of_a_run() {
    subscribe();
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let named = || pool.task().name("report");
        let (accepted, refused) = (info_span!("accepted"), info_span!("refused"));
        let waits = accepted.in_scope(|| named().try_spawn(|| ())).unwrap();
        refused.in_scope(|| named().try_spawn(|| ())).unwrap_err();
        assert_eq!(names(&within(&refused)), ["submit"]);
        let spans = within(&accepted);
        assert_eq!(names(&spans), ["submit", "queued"]);
        assert_eq!(spans.iter().map(|span| span.handles).collect::<Vec<_>>(), [0, 1], "it is queued");
        waits.abort();
        assert_eq!(within(&accepted)[1].handles, 0, "it is no longer queued");
        held.end();
        assert!(block_on(waits).unwrap_err().is_cancelled());
        assert_eq!(within(&accepted).len(), 2);
    });
}

#[test]
fn the_span_of_a_run_that_panicked_says_so() {
    subscribe();
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let request = info_span!("request");
        for panics in [false, true] {
            let work = move || assert!(!panics, "on purpose");
            let _ = pool.task().name("report").run(work).instrument(request.clone()).await;
        }
        let runs: Vec<_> =
            within(&request).into_iter().filter(|span| span.metadata.name() == "run").collect();
        let told: Vec<_> = runs.iter().map(|run| run.fields.get("panicked").map(String::as_str)).collect();
        assert_eq!(told, [None, Some("true")]);
    });
}

#[test]
fn the_spans_of_a_subtask_are_within_the_run_of_its_task_on_any_worker() {
    subscribe();
    in_time(|| {
        let pool = fixed(2).task_spans(true).build().unwrap();
        let request = info_span!("request");
        let family = || {
            let context = TaskContext::current().unwrap();
            let children: Vec<_> = (0..8).map(|_| context.spawn(|| Span::current().id())).collect();
            let ids = children.into_iter().map(|child| child.blocking_join().unwrap().unwrap().into_u64());
            (Span::current().id().unwrap().into_u64(), ids.collect::<Vec<_>>())
        };
        let (run, children_runs) = block_on(request.in_scope(|| pool.try_spawn(family)).unwrap()).unwrap();
        assert_eq!(within(&request).last().unwrap().id, run);
        let mut runs: Vec<_> = children(run)
            .into_iter()
            .filter(|span| span.metadata.name() == "run")
            .map(|span| span.id)
            .collect();
        runs.sort_unstable();
        let mut expected = children_runs;
        expected.sort_unstable();
        assert_eq!(runs, expected);
    });
}

/// Its future is polled by one worker after another.
#[cfg(feature = "tower")]
#[test]
fn every_poll_of_an_offloaded_future_is_within_the_span_of_its_call() {
    use std::convert::Infallible;

    use millpond::service::OffloadLayer;
    use tower::{Layer, Service, service_fn};

    subscribe();
    in_time_async(|| async {
        let pool = fixed(2).task_spans(true).build().unwrap();
        let inner = pool.clone();
        let handler = service_fn(move |polls: usize| {
            let pool = inner.clone();
            async move {
                let mut seen = Vec::new();
                for _ in 0..polls {
                    seen.push(Span::current().id().unwrap().into_u64());
                    pool_support::give_way().await;
                }
                let nested = pool.run(|| Span::current().id().unwrap().into_u64()).await.unwrap();
                Ok::<_, Infallible>((seen, nested))
            }
        });
        let request = info_span!("request");
        let mut service = OffloadLayer::new(pool).layer(handler);
        // Only the call is in the span: the future is polled outside of it.
        let answer = request.in_scope(|| service.call(3));
        let (seen, nested) = answer.await.unwrap();
        let runs: Vec<_> = within(&request)
            .into_iter()
            .filter(|span| span.metadata.name() == "run")
            .map(|span| span.id)
            .collect();
        assert_eq!(seen, runs[..3]);
        assert!(runs.len() > 3, "the answer came with a later poll");
        let parent = made()[nested as usize - 1].parent.unwrap();
        assert!(runs.contains(&parent), "work of the future is within the poll that has submitted it");
    });
}
