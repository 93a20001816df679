//! Failures on request: the next caller is refused, the next task panics or is late; each once, in any kind of pool.

#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::time::Duration;

use crate::pool_support::{block_on, in_paused_time, in_time, in_time_async};
use millpond::convert::Report;
use millpond::test_util::{Faults, Order, assert_no_leaks};
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionOptions, ConversionRequest, ConvertError, Converter,
    JoinError, PoolBuilder, ProcessError, ProcessorConfig, RejectReason, Rejection, TaskContext,
};
use tokio::time::{Instant, advance, timeout};
use tokio_test::{assert_pending, assert_ready_ok, task};

const HOUR: Duration = Duration::from_secs(3_600);

fn builder() -> (Faults, PoolBuilder) {
    let faults = Faults::default();
    let builder = AdaptiveThreadPool::builder().max_queue_size(10).faults(&faults);
    (faults, builder)
}

fn message(result: Result<(), JoinError>) -> String {
    let Err(JoinError::Panicked(panic)) = result else { panic!("{result:?}") };
    panic.message().unwrap().to_owned()
}

#[test]
fn a_refusal_has_the_facts_of_the_moment_and_comes_once() {
    in_time(|| {
        let (faults, builder) = builder();
        let (pool, _stepper) = builder.build_manual().unwrap();
        let _waits: Vec<_> = (0..3).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        let check = |reason, refused: Option<Rejection>| {
            let refused = refused.unwrap();
            assert_eq!((refused.reason, refused.depth, refused.limit), (reason, 3, 10));
            assert!(refused.load_factor > 0.0 && refused.retry_after.is_some());
            assert_eq!(faults.left(), 0);
        };
        faults.reject_next(RejectReason::QueueFull);
        check(RejectReason::QueueFull, pool.try_spawn(|| ()).err().map(|refused| *refused.rejection()));
        faults.reject_next(RejectReason::Overloaded);
        check(RejectReason::Overloaded, pool.try_acquire().err());
        faults.reject_next(RejectReason::TenantLimit);
        let refused = pool.task().tenant("ada").try_spawn(|| ());
        check(RejectReason::TenantLimit, refused.err().map(|refused| *refused.rejection()));
        faults.reject_next(RejectReason::DeadlineTooNear);
        let Err(JoinError::Rejected(refused)) = block_on(pool.task().run(|| ())) else { panic!("it ran") };
        check(RejectReason::DeadlineTooNear, Some(*refused));
        assert_eq!(pool.statistics().backpressure_events, 4);
        assert!(pool.try_spawn(|| ()).is_ok());
    });
}

#[test]
fn who_waits_its_turn_and_who_needs_no_place_is_not_refused() {
    in_time_async(|| async {
        let (faults, builder) = builder();
        let pool = builder.build_inline().unwrap();
        faults.reject_next(RejectReason::QueueFull);
        assert_eq!(pool.run(|| 1).await.unwrap(), 1);
        assert_eq!(pool.spawn(|| 2).await.unwrap().await.unwrap(), 2);
        drop(pool.acquire().await.unwrap());
        let inner = pool.clone();
        let subtask = pool.run(move || inner.try_spawn(|| 3).unwrap().blocking_join().unwrap()).await;
        assert_eq!(subtask.unwrap(), 3);
        assert_eq!(faults.left(), 1);
        assert!(pool.try_acquire().is_err());
    });
}

#[test]
fn a_panic_is_one_tasks_and_the_next_is_well() {
    in_time_async(|| async {
        let (faults, builder) = builder();
        let pool = builder.build().unwrap();
        faults.panic_next("first");
        faults.panic_next("second");
        assert_eq!(message(pool.run(|| ()).await), "first");
        assert_eq!(message(pool.task().name("n").run(|| ()).await), "second");
        pool.run(|| ()).await.unwrap();
        assert_eq!(pool.statistics().tasks_panicked, 2);
        assert_no_leaks(&pool);
    });
}

#[test]
fn subtasks_are_tasks_too() {
    in_time_async(|| async {
        let (faults, builder) = builder();
        let pool = builder.build_inline().unwrap();
        let own = faults.clone();
        let result = pool.run(move || {
            own.panic_next("below");
            TaskContext::current().unwrap().spawn(|| ()).blocking_join()
        });
        assert_eq!(message(result.await.unwrap()), "below");
    });
}

#[test]
fn a_failure_whose_task_never_began_is_for_the_next() {
    in_time(|| {
        let (faults, builder) = builder();
        let (pool, stepper) = builder.max_queue_size(1).build_manual().unwrap();
        faults.panic_next("kept");
        let aborted = pool.try_spawn(|| ()).unwrap();
        assert_eq!(faults.left(), 0);
        aborted.abort();
        assert_eq!(faults.left(), 1);

        faults.reject_next(RejectReason::QueueFull);
        assert!(pool.try_spawn(|| ()).is_err());
        assert_eq!(faults.left(), 1);

        // This one waits for its place before it is submitted.
        let permit = pool.try_acquire().unwrap();
        let mut spawn = task::spawn(pool.spawn(|| ()));
        assert_pending!(spawn.poll());
        drop(permit);
        let mut handle = task::spawn(assert_ready_ok!(spawn.poll()));
        assert!(stepper.step());
        assert_eq!(message(block_on(&mut *handle)), "kept");
        assert_eq!(faults.left(), 0);
    });
}

#[test]
fn a_late_task_is_late_by_the_paused_clock_and_no_more() {
    in_paused_time(|| async {
        let (faults, builder) = builder();
        let pool = builder.hold_clock().build().unwrap();
        for _ in 0..50 {
            let start = Instant::now();
            faults.delay_next(Duration::from_millis(99));
            assert_eq!(timeout(Duration::from_millis(100), pool.run(|| 1)).await.unwrap().unwrap(), 1);
            // Tokio's timers go by milliseconds.
            assert!((99..=100).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());

            faults.delay_next(HOUR);
            assert!(timeout(Duration::from_millis(100), pool.run(|| 1)).await.is_err());
            tokio::time::sleep(HOUR).await;
        }
        assert_no_leaks(&pool);
    });
}

#[test]
fn others_are_served_while_one_is_late() {
    in_paused_time(|| async {
        let (faults, builder) = builder();
        let pool = builder.min_threads(1).max_threads(2).hold_clock().build().unwrap();
        faults.delay_next(HOUR);
        let late = pool.spawn(|| "late").await.unwrap();
        let start = Instant::now();
        for n in 0..100 {
            assert_eq!(timeout(Duration::from_secs(1), pool.run(move || n)).await.unwrap().unwrap(), n);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(timeout(2 * HOUR, late).await.unwrap().unwrap(), "late");
    });
}

#[test]
fn a_step_returns_when_its_task_is_late_and_the_next_waits_for_its_end() {
    in_paused_time(|| async {
        let (faults, builder) = builder();
        let (pool, stepper) = builder.build_manual().unwrap();
        for order in [Order::Own, Order::Seeded(1)] {
            stepper.set_order(order);
            faults.delay_next(Duration::from_millis(50));
            let mut late = task::spawn(pool.run(|| "late"));
            assert_pending!(late.poll());
            assert!(stepper.step());
            let mut next = task::spawn(pool.run(|| "next"));
            assert_pending!(next.poll());
            assert!(!stepper.step());
            assert!(stepper.waiting().is_empty());

            advance(Duration::from_millis(49)).await;
            assert!(!stepper.step());
            assert!(!late.is_woken());

            advance(Duration::from_millis(2)).await;
            assert!(stepper.step());
            assert_eq!(assert_ready_ok!(late.poll()), "late");
            assert_eq!(assert_ready_ok!(next.poll()), "next");
        }
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_submission_to_an_inline_pool_returns_when_its_task_is_late() {
    in_paused_time(|| async {
        let (faults, builder) = builder();
        let pool = builder.hold_clock().build_inline().unwrap();
        faults.delay_next(HOUR);
        let late = pool.try_spawn(|| "late").unwrap();
        assert!(!late.is_finished());
        assert_eq!(timeout(2 * HOUR, late).await.unwrap().unwrap(), "late");
        assert!(pool.try_spawn(|| ()).unwrap().is_finished());
    });
}

#[test]
fn without_a_runtime_the_delay_is_real() {
    in_time(|| {
        let (faults, builder) = builder();
        let (pool, stepper) = builder.build_manual().unwrap();
        faults.delay_next(Duration::from_millis(20));
        let late = pool.try_spawn(|| ()).unwrap();
        let start = std::time::Instant::now();
        assert!(stepper.step());
        assert!(start.elapsed() >= Duration::from_millis(20) && late.is_finished());
    });
}

#[test]
fn a_runtime_that_ends_ends_its_delays() {
    in_time(|| {
        let (faults, builder) = builder();
        let (pool, stepper) = builder.hold_clock().build_manual().unwrap();
        let runtime = crate::pool_support::paused();
        faults.delay_next(HOUR);
        let late = runtime.block_on(pool.spawn(|| "late")).unwrap();
        assert!(stepper.step());
        drop(runtime);
        assert!(!stepper.step());
        assert_eq!(block_on(late).unwrap(), "late");
        assert_no_leaks(&pool);
    });
}

/// Gives back what it gets.
struct Echo;

impl Converter for Echo {
    fn convert(
        &self,
        input: &[u8],
        _: &ConversionOptions,
        out: &mut bytes::BytesMut,
    ) -> Result<Report, ConvertError> {
        out.extend_from_slice(input);
        Ok(Report::default())
    }
}

#[test]
fn a_processor_is_refused_and_survives_panics() {
    in_time_async(|| async {
        let (faults, builder) = builder();
        let config = ProcessorConfig { inline_budget: Duration::ZERO, ..ProcessorConfig::default() };
        let processor = ConcurrentProcessorV2::on_pool(builder.build_inline().unwrap(), Echo, config);
        let request = || ConversionRequest::new("id", "text");

        faults.reject_next(RejectReason::QueueFull);
        let refused = processor.try_process_single(request()).err().unwrap();
        assert_eq!(refused.rejection().reason, RejectReason::QueueFull);
        faults.panic_next("out of ink");
        let response = processor.process_single(request()).await;
        assert!(matches!(response.result, Err(ProcessError::Panicked(_))), "{:?}", response.result);
        let responses = processor.process_batch(vec![request(), request()]).await;
        assert!(responses.iter().all(|response| response.result.is_ok()));
    });
}

#[test]
fn a_batch_of_several_tasks_runs_on_an_inline_pool() {
    in_time_async(|| async {
        let (_, builder) = builder();
        let config = ProcessorConfig {
            inline_budget: Duration::ZERO,
            coalesce_target: Duration::from_nanos(1),
            ..ProcessorConfig::default()
        };
        let pool = builder.build_inline().unwrap();
        let processor = ConcurrentProcessorV2::on_pool(pool.clone(), Echo, config);
        let requests = (0..3).map(|n| ConversionRequest::new(n.to_string(), "text")).collect();
        let responses = processor.process_batch(requests).await;
        assert!(responses.iter().all(|response| response.result.is_ok()));
        assert_eq!(pool.statistics().tasks_completed, 3);
        assert_no_leaks(&pool);
    });
}
