//! Retrying: when, how often, and with what. On a paused clock, which jumps over the pauses.

use std::cell::Cell;
use std::time::Duration;

use crate::pool_support::{fixed, hold};
use futures_util::future::join_all;
use millpond::retry::{Jitter, RetryBudget, RetryBudgetConfig, RetryPolicy, Retryable};
use tokio::time::Instant;

#[derive(Debug, PartialEq, Clone, Copy)]
enum Error {
    Busy(Option<Duration>),
    Final,
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy(_))
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(after) => *after,
            Self::Final => None,
        }
    }
}

const MS: Duration = Duration::from_millis(1);

fn exact() -> RetryPolicy {
    RetryPolicy { first_delay: 10 * MS, jitter: Jitter::None, ..RetryPolicy::default() }
}

/// The times of the attempts, in milliseconds, and how it ended.
async fn attempts(policy: &RetryPolicy, error: Error) -> (Vec<u128>, Result<(), Error>) {
    let (start, mut times) = (Instant::now(), Vec::new());
    let result = policy
        .retry(|| {
            times.push(start.elapsed().as_millis());
            async move { Err(error) }
        })
        .await;
    (times, result)
}

#[tokio::test(start_paused = true)]
async fn the_pauses_grow() {
    let (times, result) = attempts(&exact(), Error::Busy(None)).await;
    assert_eq!(times, [0, 10, 30, 70, 150]);
    assert_eq!(result, Err(Error::Busy(None)));
}

#[tokio::test(start_paused = true)]
async fn nobody_comes_sooner_than_asked() {
    let (times, _) = attempts(&exact(), Error::Busy(Some(25 * MS))).await;
    assert_eq!(times, [0, 25, 50, 90, 170]);
}

#[tokio::test(start_paused = true)]
async fn the_budget_ends_it() {
    let policy = RetryPolicy { max_attempts: 1_000, budget: 100 * MS, ..exact() };
    let (times, _) = attempts(&policy, Error::Busy(None)).await;
    assert_eq!(times, [0, 10, 30, 70]);
    let (times, _) = attempts(&policy, Error::Busy(Some(101 * MS))).await;
    assert_eq!(times, [0], "a wait beyond the budget is not begun");
}

#[tokio::test(start_paused = true)]
async fn a_final_error_is_final() {
    let (times, result) = attempts(&exact(), Error::Final).await;
    assert_eq!((times.len(), result), (1, Err(Error::Final)));
}

#[tokio::test(start_paused = true)]
async fn success_ends_it_and_attempts_may_borrow() {
    let mut left = 3;
    let result: Result<_, Error> = exact()
        .retry(|| {
            left -= 1;
            std::future::ready(if left == 0 { Ok("done") } else { Err(Error::Busy(None)) })
        })
        .await;
    assert_eq!((result, left), (Ok("done"), 0));
}

#[tokio::test(start_paused = true)]
async fn jitter_spreads_callers_who_were_refused_together() {
    let policy = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let asked = Error::Busy(Some(1_000 * MS));
    let mut times = Vec::new();
    for seed in 0..50 {
        let (at, _) = attempts(&RetryPolicy { seed: Some(seed), ..policy.clone() }, asked).await;
        assert!((1_000..=1_201).contains(&at[1]), "{at:?}");
        times.push(at[1]);
    }
    times.sort_unstable();
    times.dedup();
    assert!(times.len() > 25, "{times:?}");
}

/// Without a budget there would be ten times the load.
#[tokio::test(start_paused = true)]
async fn a_budget_bounds_what_retries_add_to_an_overload() {
    let pool = fixed(1).max_queue_size(1).build().unwrap();
    let held = hold(&pool, 1);
    let queued = pool.try_spawn(|| ()).unwrap();
    let budget = RetryBudget::default();
    let attempts = Cell::new(0);
    let calls = (0..1_000).map(|n| {
        let policy = RetryPolicy { max_attempts: 10, seed: Some(n), ..RetryPolicy::default() };
        let (pool, policy, attempts) = (&pool, policy.with_budget(&budget), &attempts);
        async move {
            let offer = |work| {
                attempts.set(attempts.get() + 1);
                pool.try_spawn(work)
            };
            policy.submit(|| (), offer).await.is_err()
        }
    });
    assert!(join_all(calls).await.into_iter().all(|refused| refused));
    // 1,000 x 1.1, and the reserve of 10: that much, and that much was of use.
    assert_eq!(attempts.get(), 1_110);
    assert_eq!((budget.available(), budget.exhausted()), (0, 1_000));
    held.end();
    queued.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_ends_it_without_a_wait() {
    let budget = RetryBudget::new(RetryBudgetConfig { ratio: 0.0, reserve: 2, ceiling: 2 }).unwrap();
    let policy = exact().with_budget(&budget);
    let start = Instant::now();
    let mut times = Vec::new();
    for _ in 0..2 {
        let result: Result<(), _> = policy
            .clone()
            .retry(|| {
                times.push(start.elapsed().as_millis());
                std::future::ready(Err(Error::Busy(None)))
            })
            .await;
        assert_eq!(result, Err(Error::Busy(None)));
    }
    assert_eq!(times, [0, 10, 30, 30], "the second call finds nothing left, and is told at once");
    assert_eq!(budget.exhausted(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_a_retry_that_is_made_is_paid() {
    let budget = RetryBudget::default();
    let policy = RetryPolicy { max_attempts: 2, ..exact() }.with_budget(&budget);
    for (error, left) in [(Error::Final, 10), (Error::Busy(Some(Duration::MAX)), 10), (Error::Busy(None), 9)]
    {
        let result: Result<(), _> = policy.retry(|| std::future::ready(Err(error))).await;
        assert_eq!((result, budget.available()), (Err(error), left));
    }
    let taken: Result<_, Error> = policy.retry(|| std::future::ready(Ok("done"))).await;
    assert_eq!((taken, budget.available(), budget.exhausted()), (Ok("done"), 9, 0));
}

#[test]
fn policies_with_the_same_budget_are_equal() {
    let (one, other) = (RetryBudget::default(), RetryBudget::default());
    assert_eq!(exact().with_budget(&one), exact().with_budget(&one.clone()));
    assert_ne!(exact().with_budget(&one), exact().with_budget(&other));
}
