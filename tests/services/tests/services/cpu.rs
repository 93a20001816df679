//! A function on the pool is a service like any other.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::pool_support::{Tokens, block_on, fixed, in_time, in_time_async};
use millpond::TaskOptions;
use millpond::service::{Admission, CpuService, ServiceError};
use millpond::test_util::{self, assert_no_leaks};
use millpond::{AdaptiveThreadPool, Priority, TaskContext};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::load_shed::LoadShed;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

#[test]
fn each_call_is_one_task_of_the_pool() {
    in_time_async(|| async {
        let pool = fixed(2).build().unwrap();
        let service = CpuService::new(pool.clone(), |n: u32| (n + 1, TaskContext::current().is_some()));
        for n in 0..10 {
            assert_eq!(service.clone().oneshot(n).await.unwrap(), (n + 1, true));
        }
        assert_no_leaks(&pool);
        assert_eq!(pool.statistics().tasks_completed, 10);
    });
}

#[test]
fn a_panic_is_an_error_and_the_next_call_is_served() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let mut service = CpuService::new(pool.clone(), |ok: bool| assert!(ok, "spilt"));
        match service.ready().await.unwrap().call(false).await.unwrap_err() {
            ServiceError::Panicked(panic) => assert_eq!(panic.message(), Some("spilt")),
            other => panic!("{other}"),
        }
        service.ready().await.unwrap().call(true).await.unwrap();
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_response_that_is_dropped_cancels_what_has_not_begun_and_leaves_nothing() {
    in_time(|| {
        for admission in [Admission::Backpressure, Admission::Shed, Admission::WaitUpTo(Duration::MAX)] {
            for labelled in [false, true] {
                let (pool, stepper) = AdaptiveThreadPool::builder().max_queue_size(2).build_manual().unwrap();
                let tokens = Tokens::default();
                let urgent = TaskOptions::new().priority(Priority::Interactive);
                let terms = if labelled { urgent } else { TaskOptions::new() };
                let mut service = CpuService::new(pool.clone(), drop::<crate::pool_support::Token>)
                    .classify(move |_: &_| terms.clone())
                    .admission(admission);
                let mut calls: Vec<_> = (0..2)
                    .map(|_| {
                        block_on(service.ready()).unwrap();
                        task::spawn(service.call(tokens.token()))
                    })
                    .collect();
                calls.iter_mut().for_each(|call| assert_pending!(call.poll()));
                // Dropped before and after it was polled, in the queue, and in line for it if this mode has one.
                let mut unpolled = service.clone();
                let more = task::spawn(unpolled.call(tokens.token()));
                drop((more, calls));
                assert_eq!(tokens.alive(), 0, "{admission:?}");
                assert_eq!(stepper.run_until_idle(), 0);
                drop(service);
                assert_no_leaks(&pool);
            }
        }
    });
}

#[test]
fn the_terms_of_a_request_decide_on_its_turn() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        let mut service =
            CpuService::new(pool.clone(), |_: &'static str| TaskContext::current().unwrap().deadline())
                .classify(|&request: &&str| match request {
                    "urgent" => TaskOptions::new().priority(Priority::Interactive),
                    "late" => {
                        TaskOptions::new().deadline(Instant::now() + Duration::from_secs(3_600)).tenant("bob")
                    }
                    "hopeless" => TaskOptions::new().deadline(Instant::now() - Duration::from_millis(1)),
                    _ => TaskOptions::new().priority(Priority::Bulk),
                })
                .admission(Admission::WaitUpTo(Duration::ZERO));
        let mut calls: HashMap<_, _> =
            ["bulk", "urgent", "late"].map(|name| (name, task::spawn(service.call(name)))).into();
        let waiting = stepper.waiting();
        assert_eq!(waiting.len(), 3);
        assert!(waiting.iter().any(|task| task.tenant.as_deref() == Some("bob")));
        assert!(waiting.iter().any(|task| task.priority == Some(Priority::Interactive)));
        assert!(waiting.iter().any(|task| task.priority == Some(Priority::Bulk)));

        let hopeless = assert_ready_err!(task::spawn(service.call("hopeless")).poll());
        assert!(matches!(hopeless, ServiceError::DeadlineExceeded), "{hopeless}");
        assert_eq!(stepper.run_until_idle(), 3);
        let mut answer = |name| assert_ready_ok!(calls.get_mut(name).unwrap().poll());
        assert!(answer("late").is_some());
        assert!(answer("urgent").is_none() && answer("bulk").is_none());
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_request_that_comes_too_late_is_told_so_at_once_however_full_the_pool_is() {
    in_time(|| {
        for admission in [Admission::Backpressure, Admission::Shed, Admission::WaitUpTo(Duration::MAX)] {
            let (pool, stepper) =
                AdaptiveThreadPool::builder().max_queue_size(1).byte_budget(10).build_manual().unwrap();
            let mut service = CpuService::new(pool.clone(), |_: bool| ())
                .classify(|&late: &bool| match late {
                    true => TaskOptions::new().deadline(Instant::now() - Duration::from_millis(1)).bytes(10),
                    false => TaskOptions::new().bytes(10),
                })
                .admission(admission);
            let too_late = |service: &mut CpuService<_, _>| {
                let error = assert_ready_err!(task::spawn(service.call(true)).poll());
                assert!(matches!(error, ServiceError::DeadlineExceeded), "{admission:?}: {error}");
            };
            block_on(service.ready()).unwrap();
            too_late(&mut service);
            assert_eq!(pool.statistics().backpressure_events, 1, "{admission:?}: it is counted as refused");
            let mut first = task::spawn(service.call(false));
            too_late(&mut service);
            assert_eq!(pool.statistics().backpressure_events, 2, "{admission:?}: where it is full, too");
            assert_eq!(pool.statistics().tasks_expired, 2, "{admission:?}: and as expired");
            assert!(stepper.step());
            assert_ready_ok!(first.poll());
            assert_no_leaks(&pool);
        }
    });
}

#[test]
fn without_a_place_or_bytes_shed_refuses_at_once() {
    in_time(|| {
        for (places, bytes) in [(1, 100), (10, 10)] {
            let pool = AdaptiveThreadPool::builder().max_queue_size(places).byte_budget(bytes);
            let (pool, stepper) = pool.build_manual().unwrap();
            let mut service = CpuService::new(pool.clone(), |_: &str| ())
                .classify(|_: &&str| TaskOptions::new().bytes(10))
                .admission(Admission::Shed);
            let mut first = task::spawn(service.call("first"));
            let error = assert_ready_err!(task::spawn(service.call("second")).poll());
            assert!(error.is_overload(), "{error}");
            assert!(stepper.step());
            assert_ready_ok!(first.poll());
            assert_no_leaks(&pool);
        }
    });
}

#[test]
fn it_gets_on_with_the_middleware_of_tower() {
    in_time(|| {
        let (pool, stepper) = AdaptiveThreadPool::builder().max_queue_size(1).build_manual().unwrap();
        let service = CpuService::new(pool.clone(), |n: u32| n * 2);
        let mut service = LoadShed::new(service);
        block_on(service.ready()).unwrap();
        let mut first = task::spawn(service.call(1));
        block_on(service.ready()).unwrap();
        let mut second = task::spawn(service.call(2));
        assert!(assert_ready_err!(second.poll()).is::<tower::load_shed::error::Overloaded>());
        assert_pending!(first.poll());
        assert!(stepper.step());
        assert_eq!(assert_ready_ok!(first.poll()), 2);
        drop(service);
        assert_no_leaks(&pool);

        // As a trait object, with its error in a box.
        let boxed = ServiceBuilder::new()
            .boxed_clone()
            .map_err(|error: ServiceError| -> BoxError { error.into() })
            .service(CpuService::new(test_util::inline(), |n: u32| n * 2));
        assert_eq!(block_on(boxed.oneshot(4)).unwrap(), 8);
    });
}

#[test]
fn a_task_of_the_pool_may_call_a_service_of_the_same_pool() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        for admission in [Admission::Backpressure, Admission::Shed, Admission::WaitUpTo(Duration::MAX)] {
            for labelled in [false, true] {
                let service =
                    CpuService::new(pool.clone(), |n: u32| n + 1)
                        .classify(move |_: &u32| {
                            if labelled { TaskOptions::new().tenant("ada") } else { TaskOptions::new() }
                        })
                        .admission(admission);
                let answer = pool.run(move || block_on(service.oneshot(1))).await.unwrap();
                assert_eq!(answer.unwrap(), 2, "{admission:?}");
            }
        }
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_request_that_is_refused_may_panic_in_its_drop() {
    struct PanicsInDrop;
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("in a drop, on purpose");
        }
    }
    in_time(|| {
        let (pool, _stepper) = AdaptiveThreadPool::builder().max_queue_size(1).build_manual().unwrap();
        let _queued = pool.try_spawn(|| ()).unwrap();
        let mut service = CpuService::new(pool, |request: PanicsInDrop| std::mem::forget(request))
            .admission(Admission::Shed);
        let error = assert_ready_err!(task::spawn(service.call(PanicsInDrop)).poll());
        assert!(matches!(error, ServiceError::Overloaded { .. }), "{error}");
    });
}
