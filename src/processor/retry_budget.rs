//! A budget for the retries of many callers: the counter, and the retrying that heeds it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::retry::{Retryable, Series};
use crate::error::ConfigError;
use crate::error::Rejected;
use crate::policy::retry::RetryPolicy;
use crate::policy::retry_budget::{RetryBudgetConfig, Tariff, retries_in};

/// How many retries all callers together may make, so that retrying can't multiply an overload.
///
/// A policy bounds the attempts of one call; with ten attempts each, a pool that refuses everything is asked ten times as
/// often as before, by callers who each keep to their policy. With a budget every first attempt pays in a part of a retry
/// and every retry takes a whole one out; where there is none left, the last refusal is final, at once. So at any time
///
/// > retries <= `reserve` + `ratio` x first attempts
///
/// A value of this type is a handle: a clone is another handle to the same budget, and two handles are equal if they are of
/// the same one. Share one among all who call the same service, whatever their policies, and no wider: a service in need
/// should not cost another its retries.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::retry::{RetryBudget, RetryPolicy};
/// use millpond::AdaptiveThreadPool;
///
/// let pool = AdaptiveThreadPool::new();
/// // 10 % more load by retries at most, beside a reserve of 10.
/// let budget = RetryBudget::default();
/// let policy = RetryPolicy::default().with_budget(&budget);
/// let task = policy.submit(|| 6 * 7, |work| pool.try_spawn(work)).await?;
/// assert_eq!(task.await?, 42);
/// assert_eq!(budget.exhausted(), 0, "nobody had to go without a retry");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct RetryBudget(Arc<Account>);

#[derive(Debug)]
struct Account {
    tariff: Tariff,
    balance: AtomicU64,
    exhausted: AtomicU64,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::open(&RetryBudgetConfig::default())
    }
}

impl PartialEq for RetryBudget {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for RetryBudget {}

impl RetryBudget {
    /// A budget of its own.
    ///
    /// # Errors
    /// The first field that is out of its range, with the value and what is accepted.
    pub fn new(config: RetryBudgetConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self::open(&config))
    }

    fn open(config: &RetryBudgetConfig) -> Self {
        let tariff = Tariff::new(config);
        let balance = AtomicU64::new(tariff.opening_balance());
        Self(Arc::new(Account { tariff, balance, exhausted: AtomicU64::new(0) }))
    }

    /// How many retries could be made now.
    #[must_use]
    pub fn available(&self) -> u64 {
        retries_in(self.0.balance.load(Ordering::Relaxed))
    }

    /// How many calls got no further attempt because the budget was empty.
    #[must_use]
    pub fn exhausted(&self) -> u64 {
        self.0.exhausted.load(Ordering::Relaxed)
    }

    // The balance is one number and nothing else is read by it: no order beside its own is needed.

    /// A first attempt is made. Writes nothing while the budget is full, so callers for whom all goes well share no more than
    /// a line that they read.
    pub(super) fn pay_in(&self) {
        let Account { tariff, balance, .. } = &*self.0;
        let more = |balance| tariff.after_first_attempt(balance);
        let _ = balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Whether there is a retry left; it is taken.
    pub(super) fn take_out(&self) -> bool {
        let Account { tariff, balance, exhausted } = &*self.0;
        let less = |balance| tariff.after_retry(balance);
        let taken = balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        if !taken {
            exhausted.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}

/// A policy and the budget that its retries are paid from. Made by [`RetryPolicy::with_budget`].
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetedRetry {
    policy: RetryPolicy,
    budget: RetryBudget,
}

impl RetryPolicy {
    /// This policy, with every retry paid from `budget`, which others may share. (The field `budget` is time; this one is
    /// load.)
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
    /// Dropping the future drops the attempt that is under way; no other follows. A retry that it waits to make stays paid.
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
    /// Dropping the future while it waits drops the work; the retry stays paid. What was taken is no longer its concern.
    pub async fn submit<W, T, A>(&self, work: W, attempt: A) -> Result<T, Rejected<W>>
    where
        A: FnMut(W) -> Result<T, Rejected<W>>,
    {
        Series::new(&self.policy, Some(&self.budget)).submit(work, attempt).await
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn on_many_threads_no_retry_is_made_and_none_is_lost() {
        let config = RetryBudgetConfig { ratio: 0.25, reserve: 3, ceiling: 1_000_000 };
        let budget = RetryBudget::new(config).unwrap();
        let one = || {
            (0..4_000)
                .map(|n| {
                    budget.pay_in();
                    u64::from(n % 2 == 0 && budget.take_out())
                })
                .sum::<u64>()
        };
        let retries: u64 = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // 16,000 first attempts have paid for 4,000.
        assert_eq!(retries + budget.available(), 4_003);
        assert_eq!(retries + budget.exhausted(), 8_000);
    }

    #[test]
    fn clones_are_the_same_budget_and_others_are_not() {
        let budget = RetryBudget::default();
        assert!(budget.clone().take_out());
        assert_eq!(budget.available(), 9);
        assert_eq!(budget, budget.clone());
        assert_ne!(budget, RetryBudget::default());
    }
}
