//! The processor is a service: it refuses as the others do, and what is wrong with a document is in its response.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::pool_support::{in_paused_time, in_time, in_time_async};
use crate::processor_support::Scripted;
use millpond::service::{Admission, ConversionService, ServiceError};
use millpond::test_util::{Stepper, assert_no_leaks};
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionRequest, PoolBuilder, ProcessError, ProcessorConfig,
    RejectReason, TaskOptions,
};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{Service, ServiceExt};

type Processor = ConcurrentProcessorV2<Scripted>;

/// A stepped pool, and a processor on it that ships every document.
fn shipping(pool: PoolBuilder, config: ProcessorConfig) -> (Processor, Stepper) {
    let (pool, stepper) = pool.build_manual().unwrap();
    let config = ProcessorConfig { inline_budget: Duration::ZERO, ..config };
    let (converter, ..) = Scripted::new();
    (ConcurrentProcessorV2::on_pool(pool, converter, config), stepper)
}

fn pool() -> PoolBuilder {
    AdaptiveThreadPool::builder()
}

fn document(text: &'static str) -> ConversionRequest {
    ConversionRequest::new(text, text)
}

#[test]
fn a_document_is_converted_and_what_is_wrong_with_it_is_in_the_response() {
    in_time(|| {
        let (processor, stepper) = shipping(pool(), ProcessorConfig::default());
        let mut service = ConversionService::new(processor.clone());
        for (text, wanted) in [("hello", Ok("HELLO")), ("fail", Err("")), ("panic", Err(""))] {
            let mut ready = task::spawn(service.ready());
            let service = assert_ready_ok!(ready.poll());
            let mut answer = task::spawn(service.call(document(text)));
            assert_pending!(answer.poll());
            assert!(stepper.step());
            let response = assert_ready_ok!(answer.poll());
            assert_eq!(response.id, text);
            match (response.result, wanted) {
                (Ok(converted), Ok(wanted)) => assert_eq!(converted, wanted),
                (Err(ProcessError::Convert(_) | ProcessError::Panicked(_)), Err(_)) => {}
                (other, _) => panic!("{text}: {other:?}"),
            }
        }
        let too_long = ConversionRequest::new("long", vec![b'a'; (64 << 20) + 1]);
        let response = assert_ready_ok!(task::spawn(service.call(too_long)).poll());
        assert!(matches!(response.result, Err(ProcessError::TooLarge { .. })));
        assert_eq!(processor.get_metrics().total_processed, 4);
        assert_eq!(processor.get_metrics().in_flight, 0);
        drop(service);
        assert_no_leaks(processor.pool());
    });
}

#[test]
fn a_short_document_needs_no_place() {
    in_time_async(|| async {
        let (pool, stepper) = pool().max_queue_size(1).build_manual().unwrap();
        let (converter, ..) = Scripted::new();
        let config =
            ProcessorConfig { inline_budget: Duration::from_millis(1), ..ProcessorConfig::default() };
        let processor = ConcurrentProcessorV2::on_pool(pool, converter, config);
        let mut service = ConversionService::new(processor.clone()).admission(Admission::Shed);
        // Until it is known how long such documents take, they are shipped; and now and then on a machine that is busy with other things.
        let mut occupied = false;
        loop {
            let mut answer = task::spawn(service.call(document("hello")));
            let polled = match answer.poll() {
                Poll::Pending if occupied => answer.await,
                Poll::Pending => {
                    stepper.run_until_idle();
                    answer.await
                }
                Poll::Ready(result) => result,
            };
            match polled {
                Ok(response) if response.inlined && occupied => break,
                Ok(response) if response.inlined => {
                    processor.pool().try_spawn(|| ()).unwrap();
                    occupied = true;
                }
                Ok(_) => assert!(!occupied, "there was no place for it"),
                Err(error) => {
                    assert!(occupied && error.is_overload(), "{error}");
                    occupied = false;
                    stepper.run_until_idle();
                }
            }
        }
        assert_eq!(processor.get_metrics().in_flight, 0);
    });
}

#[test]
fn without_a_place_it_is_refused_or_waits_as_was_chosen() {
    in_paused_time(|| async {
        let second = Duration::from_secs(1);
        for admission in [Admission::Backpressure, Admission::Shed, Admission::WaitUpTo(second)] {
            let (processor, stepper) = shipping(pool().max_queue_size(1), ProcessorConfig::default());
            let mut service = ConversionService::new(processor.clone()).admission(admission);
            service.ready().await.unwrap();
            let mut first = task::spawn(service.call(document("first")));
            assert_pending!(first.poll());
            let mut other = service.clone();
            match admission {
                Admission::Backpressure => {
                    let mut ready = task::spawn(other.ready());
                    assert_pending!(ready.poll());
                    assert!(stepper.step());
                    assert_ready_ok!(ready.poll());
                }
                Admission::Shed => {
                    let error = assert_ready_err!(task::spawn(other.call(document("second"))).poll());
                    assert!(error.is_overload() && error.retry_after().is_some(), "{error}");
                    assert!(stepper.step());
                }
                _ => {
                    let began = tokio::time::Instant::now();
                    let error = other.call(document("second")).await.unwrap_err();
                    assert!(error.is_overload(), "{error}");
                    assert_eq!(began.elapsed(), second);
                    assert!(stepper.step());
                }
            }
            assert!(assert_ready_ok!(first.poll()).is_ok());
            drop((service, other));
            assert_eq!(processor.get_metrics().in_flight, 0);
            assert_no_leaks(processor.pool());
        }
    });
}

#[test]
fn so_it_is_with_a_tenants_share_of_the_places() {
    in_paused_time(|| async {
        let second = Duration::from_secs(1);
        // Of two places, one tenant may have one.
        let (processor, stepper) = shipping(pool().max_queue_size(2), ProcessorConfig::default());
        let of = |text| document(text).with_tenant("ada");
        let service = ConversionService::new(processor.clone());
        let mut first = task::spawn(service.clone().oneshot(of("first")));
        assert_pending!(first.poll());

        let is_limit = |error: ServiceError| match error {
            ServiceError::Overloaded { rejection, .. } => {
                assert_eq!(
                    (rejection.reason, rejection.depth, rejection.limit),
                    (RejectReason::TenantLimit, 1, 1)
                );
            }
            other => panic!("{other}"),
        };
        let mut shed = service.clone().admission(Admission::Shed);
        is_limit(assert_ready_err!(task::spawn(shed.call(of("shed"))).poll()));
        let mut waits = service.clone().admission(Admission::WaitUpTo(second));
        is_limit(waits.call(of("waits")).await.unwrap_err());

        // Without a limit of time its turn comes after the first.
        let mut next = task::spawn(service.clone().oneshot(of("next")));
        assert_pending!(next.poll());
        assert_eq!(processor.pool().statistics().reserved_permits, 0, "the place is for others");
        assert!(stepper.step());
        assert!(assert_ready_ok!(first.poll()).is_ok());
        assert!(stepper.step());
        assert!(assert_ready_ok!(next.poll()).is_ok());
        assert_no_leaks(processor.pool());
    });
}

#[test]
fn a_response_that_is_dropped_cancels_its_document() {
    in_time(|| {
        let (processor, stepper) = shipping(pool().max_running_per_tenant(1), ProcessorConfig::default());
        let service = ConversionService::new(processor.clone());
        let memory = Arc::new(());
        let mut calls: Vec<_> = [None, Some("ada"), Some("ada")]
            .into_iter()
            .map(|tenant| {
                let content = bytes::Bytes::from_owner(Owned(Arc::clone(&memory)));
                let request = ConversionRequest { content, ..document("") };
                let task = TaskOptions { tenant: tenant.map(Arc::from), ..TaskOptions::new() };
                let request = request.with_task(task);
                task::spawn(service.clone().oneshot(request))
            })
            .collect();
        calls.iter_mut().for_each(|call| assert_pending!(call.poll()));
        drop(calls);
        assert_eq!(Arc::strong_count(&memory), 1);
        assert_eq!(stepper.run_until_idle(), 0);
        assert_eq!(processor.get_metrics().in_flight, 0);
        assert_no_leaks(processor.pool());
    });
}

struct Owned(#[expect(dead_code, reason = "it is counted")] Arc<()>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        b"hello"
    }
}

#[test]
fn what_is_late_and_what_comes_after_the_end_is_an_error() {
    in_time_async(|| async {
        let (processor, _stepper) = shipping(pool(), ProcessorConfig::default());
        let service = ConversionService::new(processor.clone()).admission(Admission::Shed);
        let late = document("late").with_deadline(Instant::now() - Duration::from_millis(1));
        let error = service.clone().oneshot(late).await.unwrap_err();
        assert!(matches!(error, ServiceError::DeadlineExceeded), "{error}");
        processor.shutdown(Duration::ZERO).await;
        for admission in [Admission::Backpressure, Admission::Shed, Admission::WaitUpTo(Duration::MAX)] {
            let error = service.clone().admission(admission).oneshot(document("")).await.unwrap_err();
            assert!(matches!(error, ServiceError::ShuttingDown), "{error}");
        }
    });
}

#[test]
fn a_document_that_comes_too_late_is_counted_once() {
    in_time(|| {
        let (processor, _stepper) = shipping(pool(), ProcessorConfig::default());
        let mut service = ConversionService::new(processor.clone());
        let late = document("late").with_deadline(Instant::now());
        let error = assert_ready_err!(task::spawn(service.call(late)).poll());
        assert!(matches!(error, ServiceError::DeadlineExceeded), "{error}");
        let (metrics, pool) = (processor.get_metrics(), processor.get_pool_statistics());
        assert_eq!((metrics.total_processed, metrics.total_failed, metrics.backpressure_events), (1, 1, 1));
        assert_eq!((pool.tasks_expired, pool.backpressure_events), (1, 1));
    });
}
