//! Retrying: when, how often, and with what. On a paused clock, which jumps over the pauses.

use std::time::Duration;

use millpond::{Jitter, RetryPolicy, Retryable};
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
