//! What happens to a request for which the pool has no place is as was chosen, and each place comes back.

use std::time::Duration;

use crate::pool_support::{Tokens, in_paused_time, in_time};
use millpond::service::{Admission, CpuService, ServiceError};
use millpond::test_util::{self, Stepper, assert_no_leaks};
use millpond::{AdaptiveThreadPool, RejectReason, TaskOptions};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower::Service;
use tower_test::mock::Spawn;

/// A stepped pool with a single place.
fn single() -> (AdaptiveThreadPool, Stepper) {
    AdaptiveThreadPool::builder().max_queue_size(1).build_manual().unwrap()
}

fn double(n: u32) -> u32 {
    n * 2
}

#[test]
fn with_backpressure_a_service_is_ready_when_there_is_a_place_for_the_call() {
    in_time(|| {
        let (pool, stepper) = single();
        let mut first = Spawn::new(CpuService::new(pool.clone(), double));
        let mut second = first.clone();

        assert_ready_ok!(first.poll_ready::<u32>());
        assert_ready_ok!(first.poll_ready::<u32>());
        assert_pending!(second.poll_ready::<u32>());
        let mut answer = task::spawn(first.call(21));
        assert_pending!(answer.poll());
        assert_pending!(second.poll_ready::<u32>());
        assert!(!second.is_woken());

        assert!(stepper.step());
        assert_eq!(assert_ready_ok!(answer.poll()), 42);
        assert!(second.is_woken());
        assert_ready_ok!(second.poll_ready::<u32>());
        drop(second);
        assert_no_leaks(&pool);
    });
}

#[test]
fn one_that_is_called_without_having_been_ready_waits_within_its_future() {
    in_time(|| {
        let (pool, stepper) = single();
        let mut service = CpuService::new(pool.clone(), double);
        let (mut first, mut second) = (task::spawn(service.call(1)), task::spawn(service.call(2)));
        assert_pending!(first.poll());
        assert_pending!(second.poll());
        assert_eq!(stepper.run_until_idle(), 2);
        assert_eq!((assert_ready_ok!(first.poll()), assert_ready_ok!(second.poll())), (2, 4));
        assert_no_leaks(&pool);
    });
}

#[test]
fn with_shed_it_is_refused_at_once_and_told_when_to_come_again() {
    in_time(|| {
        let (pool, stepper) = single();
        let mut service = Spawn::new(CpuService::new(pool.clone(), double).admission(Admission::Shed));
        assert_ready_ok!(service.poll_ready::<u32>());
        let mut first = task::spawn(service.call(1));
        assert_ready_ok!(service.poll_ready::<u32>());
        let error = assert_ready_err!(task::spawn(service.call(2)).poll());
        let ServiceError::Overloaded { retry_after, rejection } = error else { panic!("{error}") };
        assert_eq!((rejection.reason, rejection.depth, rejection.limit), (RejectReason::QueueFull, 1, 1));
        assert!(retry_after.is_some_and(|after| after >= Duration::from_millis(1)));
        assert!(stepper.step());
        assert_eq!(assert_ready_ok!(first.poll()), 2);
        assert_no_leaks(&pool);
    });
}

#[test]
fn who_has_waited_in_vain_is_told_to_stay_away_for_as_long_again() {
    in_paused_time(|| async {
        let limit = Duration::from_millis(208);
        // Beyond the limit of the queue, beyond the tenant's share, and without the bytes.
        for (tenant, bytes, reason) in [
            ("", 0, RejectReason::QueueFull),
            ("a", 0, RejectReason::TenantLimit),
            ("", 10, RejectReason::ByteBudget),
        ] {
            let (pool, stepper) =
                AdaptiveThreadPool::builder().max_queue_size(1).byte_budget(10).build_manual().unwrap();
            let mut service = CpuService::new(pool.clone(), double)
                .classify(move |_: &u32| TaskOptions::new().tenant(tenant).bytes(bytes))
                .admission(Admission::WaitUpTo(limit));
            let (mut first, mut second) = (task::spawn(service.call(1)), task::spawn(service.call(2)));
            assert_pending!(first.poll());
            assert_pending!(second.poll());
            // It is polled late, and has waited for longer than it wanted to.
            advance(2 * limit).await;
            let error = assert_ready_err!(second.poll());
            let ServiceError::Overloaded { retry_after, rejection } = error else { panic!("{error}") };
            assert_eq!(rejection.reason, reason);
            let after = retry_after.unwrap();
            assert!(after >= 2 * limit && after <= 3 * limit, "{after:?}");
            assert!(stepper.step());
            assert_eq!(assert_ready_ok!(first.poll()), 2);
        }
    });
}

const A_SECOND: Duration = Duration::from_secs(1);

#[test]
fn with_wait_up_to_it_waits_for_a_place_as_long_as_that_and_no_longer() {
    in_paused_time(|| async {
        let (pool, stepper) = single();
        let tokens = Tokens::default();
        let mut service =
            CpuService::new(pool.clone(), |(n, _token)| double(n)).admission(Admission::WaitUpTo(A_SECOND));
        let mut call = |n| task::spawn(service.call((n, tokens.token())));

        let (mut placed, mut in_time, mut too_late) = (call(1), call(2), call(3));
        assert_pending!(placed.poll());
        assert_pending!(in_time.poll());
        assert_pending!(too_late.poll());
        advance(A_SECOND - Duration::from_millis(1)).await;
        assert!(!in_time.is_woken() && !too_late.is_woken());
        assert!(stepper.step());
        assert_eq!(assert_ready_ok!(placed.poll()), 2);

        // The second has the place now, and keeps it however long it takes.
        advance(Duration::from_millis(1)).await;
        assert_pending!(in_time.poll());
        let error = assert_ready_err!(too_late.poll());
        assert!(
            matches!(&error, ServiceError::Overloaded { rejection, .. }
            if rejection.reason == RejectReason::QueueFull),
            "{error}"
        );
        assert_eq!(tokens.alive(), 1, "the request is dropped that was refused");
        advance(60 * A_SECOND).await;
        assert_pending!(in_time.poll());
        assert_eq!(stepper.run_until_idle(), 1);
        assert_eq!(assert_ready_ok!(in_time.poll()), 4);
        assert_no_leaks(&pool);
    });
}

#[test]
fn and_sets_no_timer_where_there_is_a_place() {
    in_time(|| {
        // Without a runtime there are no timers.
        let pool = test_util::inline();
        let mut service =
            CpuService::new(pool.clone(), double).admission(Admission::WaitUpTo(Duration::ZERO));
        assert_eq!(assert_ready!(task::spawn(service.call(4)).poll()).unwrap(), 8);
        assert_no_leaks(&pool);
    });
}

#[test]
fn labelled_work_that_waits_in_the_order_is_withdrawn_too() {
    in_paused_time(|| async {
        let (pool, stepper) = single();
        let mut service = CpuService::new(pool.clone(), double)
            .classify(|n: &u32| millpond::TaskOptions::new().tenant(n.to_string()))
            .admission(Admission::WaitUpTo(A_SECOND));
        let (mut placed, mut too_late) = (task::spawn(service.call(1)), task::spawn(service.call(2)));
        assert_pending!(placed.poll());
        assert_pending!(too_late.poll());
        let start = Instant::now();
        assert!(too_late.await.is_err_and(|error| error.is_overload()));
        assert_eq!(start.elapsed(), A_SECOND);
        assert_eq!(stepper.run_until_idle(), 1);
        assert_eq!(assert_ready_ok!(placed.poll()), 2);
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_pool_that_is_shut_down_is_told_in_every_mode() {
    in_paused_time(|| async {
        for admission in [Admission::Backpressure, Admission::Shed, Admission::WaitUpTo(A_SECOND)] {
            let (pool, _stepper) = single();
            let mut service = Spawn::new(CpuService::new(pool.clone(), double).admission(admission));
            pool.shutdown(Duration::ZERO).await;
            let error = match assert_ready!(service.poll_ready::<u32>()) {
                Ok(()) => assert_ready_err!(task::spawn(service.call(1)).poll()),
                Err(error) => error,
            };
            assert!(matches!(error, ServiceError::ShuttingDown), "{admission:?}: {error}");
        }
    });
}
