//! Attempts and the pauses between them, with Tokio's clock.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::budget::RetryBudget;
use super::policy::{RetryPolicy, Schedule};
use crate::error::{Rejected, Rejection};

/// An error that may be gone the next time.
pub trait Retryable {
    /// Whether another attempt can be of use.
    fn is_retryable(&self) -> bool;

    /// The time before which another attempt is of no use, if the error tells.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

impl Retryable for Rejection {
    /// A refusal that says when to come again.
    fn is_retryable(&self) -> bool {
        self.retry_after.is_some()
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl<W> Retryable for Rejected<W> {
    fn is_retryable(&self) -> bool {
        self.rejection().is_retryable()
    }

    fn retry_after(&self) -> Option<Duration> {
        self.rejection().retry_after
    }
}

impl RetryPolicy {
    /// Calls `attempt` until it succeeds, fails for good, or the policy gives up.
    ///
    /// # Errors
    /// The error of the last attempt.
    ///
    /// # Panics
    /// If it has to wait outside of a Tokio runtime that has its timer enabled.
    ///
    /// # Cancel safety
    /// Dropping the future drops the attempt that is under way; no other follows.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use millpond::retry::{RetryPolicy, Retryable};
    ///
    /// #[derive(Debug)]
    /// struct Busy;
    /// impl Retryable for Busy {
    ///     fn is_retryable(&self) -> bool {
    ///         true
    ///     }
    /// }
    ///
    /// let mut attempts = 0;
    /// let result = RetryPolicy::default()
    ///     .retry(|| {
    ///         attempts += 1;
    ///         let done = attempts == 3;
    ///         async move { if done { Ok("done") } else { Err(Busy) } }
    ///     })
    ///     .await;
    /// assert_eq!(result.unwrap(), "done");
    /// # }
    /// ```
    pub async fn retry<T, E, A, F>(&self, attempt: A) -> Result<T, E>
    where
        A: FnMut() -> F,
        F: Future<Output = Result<T, E>>,
        E: Retryable,
    {
        Series::new(self, None).retry(attempt).await
    }

    /// Offers `work` until it is taken, is refused for good, or the policy gives up. Each attempt gets the work that the
    /// last refusal handed back, so nothing is cloned: for
    /// [`try_spawn`](crate::AdaptiveThreadPool::try_spawn) and
    /// [`try_process_single`](crate::ConcurrentProcessorV2::try_process_single).
    ///
    /// # Errors
    /// The last refusal, with the work.
    ///
    /// # Panics
    /// If it has to wait outside of a Tokio runtime that has its timer enabled.
    ///
    /// # Cancel safety
    /// Dropping the future while it waits drops the work. What was taken is no longer its concern.
    pub async fn submit<W, T, A>(&self, work: W, attempt: A) -> Result<T, Rejected<W>>
    where
        A: FnMut(W) -> Result<T, Rejected<W>>,
    {
        Series::new(self, None).submit(work, attempt).await
    }
}

/// A policy and the budget that its retries are paid from. Made by [`RetryPolicy::with_budget`].
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetedRetry {
    policy: RetryPolicy,
    budget: RetryBudget,
}

impl RetryPolicy {
    /// This policy, with every retry paid from `budget`, which others may share. (The field
    /// `budget` is time; this one is load.)
    #[must_use]
    pub fn with_budget(&self, budget: &RetryBudget) -> BudgetedRetry {
        BudgetedRetry { policy: self.clone(), budget: budget.clone() }
    }
}

impl BudgetedRetry {
    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// The budget.
    #[must_use]
    pub fn budget(&self) -> &RetryBudget {
        &self.budget
    }

    /// As [`RetryPolicy::retry`], until the budget is empty, too.
    ///
    /// # Errors
    /// The error of the last attempt. If no retry is left, that is at once, without a wait.
    ///
    /// # Panics
    /// If it has to wait outside of a Tokio runtime that has its timer enabled.
    ///
    /// # Cancel safety
    /// Dropping the future drops the attempt that is under way; no other follows. A retry that it
    /// waits to make stays paid.
    pub async fn retry<T, E, A, F>(&self, attempt: A) -> Result<T, E>
    where
        A: FnMut() -> F,
        F: Future<Output = Result<T, E>>,
        E: Retryable,
    {
        Series::new(&self.policy, Some(&self.budget)).retry(attempt).await
    }

    /// As [`RetryPolicy::submit`], until the budget is empty, too.
    ///
    /// # Errors
    /// The last refusal, with the work. If no retry is left, that is at once, without a wait.
    ///
    /// # Panics
    /// If it has to wait outside of a Tokio runtime that has its timer enabled.
    ///
    /// # Cancel safety
    /// Dropping the future while it waits drops the work; the retry stays paid. What was taken is
    /// no longer its concern.
    pub async fn submit<W, T, A>(&self, work: W, attempt: A) -> Result<T, Rejected<W>>
    where
        A: FnMut(W) -> Result<T, Rejected<W>>,
    {
        Series::new(&self.policy, Some(&self.budget)).submit(work, attempt).await
    }
}

/// One series of attempts: the first, which pays into the budget, if there is one, and those after pauses, which cost it.
struct Series<'p> {
    schedule: Schedule<'p>,
    budget: Option<&'p RetryBudget>,
    began: Instant,
}

impl<'p> Series<'p> {
    /// To be made when the first attempt is made, not before.
    fn new(policy: &'p RetryPolicy, budget: Option<&'p RetryBudget>) -> Self {
        if let Some(budget) = budget {
            budget.pay_in();
        }
        // The standard library's hasher is seeded from the system's entropy: random enough for a jitter.
        let schedule = policy.schedule(RandomState::new().hash_one(0));
        Self { schedule, budget, began: Instant::now() }
    }

    async fn retry<T, E, A, F>(mut self, mut attempt: A) -> Result<T, E>
    where
        A: FnMut() -> F,
        F: Future<Output = Result<T, E>>,
        E: Retryable,
    {
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if !self.pause_after(&error).await {
                return Err(error);
            }
        }
    }

    async fn submit<W, T, A>(mut self, mut work: W, mut attempt: A) -> Result<T, Rejected<W>>
    where
        A: FnMut(W) -> Result<T, Rejected<W>>,
    {
        loop {
            let rejected = match attempt(work) {
                Ok(taken) => return Ok(taken),
                Err(rejected) => rejected,
            };
            if !self.pause_after(rejected.rejection()).await {
                return Err(rejected);
            }
            work = rejected.into_inner();
        }
    }

    /// Waits; false if there is no further attempt.
    async fn pause_after(&mut self, error: &impl Retryable) -> bool {
        if !error.is_retryable() {
            return false;
        }
        let Some(delay) = self.schedule.after_failure(self.began.elapsed(), error.retry_after()) else {
            return false;
        };
        // Last, so that only what would be made is paid; and before the wait, which would be for nothing.
        if self.budget.is_some_and(|budget| !budget.take_out()) {
            return false;
        }
        sleep(delay).await;
        true
    }
}
