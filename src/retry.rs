//! Trying again after a refusal: when, and how often at most.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::check;
use crate::error::{ConfigError, Rejected, Rejection};
use crate::policy::splitmix64;

/// The spread of a [`RetryPolicy`]'s delays, so that callers who were refused together do not
/// return together.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Jitter {
    /// No spread: for tests.
    None,
    /// Evenly around the delay: `Proportional(0.2)` is up to 20 % less or more. Accepted 0 to 1.
    Proportional(f64),
    /// Evenly between nothing and the delay ("full jitter", Brooker 2015): the least load by many
    /// callers.
    Full,
}

/// A policy of retrying: exponential delays, jittered, bounded in number and in time, never sooner
/// than the refusal asks.
///
/// The delay before attempt *n* + 1 is `first_delay` x `factor`^(*n* - 1), at most `max_delay`,
/// jittered. If the refusal has a time ([`Rejection::retry_after`](crate::Rejection::retry_after)),
/// the delay is not shorter, and the jitter is added to it. There is no further attempt if a delay
/// would lead past `budget`, counted from the first attempt. A [`RetryBudget`] limits the load that
/// the retries of all callers add together.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::retry::RetryPolicy;
/// use millpond::AdaptiveThreadPool;
///
/// let pool = AdaptiveThreadPool::new();
/// let policy = RetryPolicy { max_attempts: 8, ..RetryPolicy::default() };
/// // The work that a refusal hands back is what the next attempt takes: nothing is cloned.
/// let task = policy.submit(|| 6 * 7, |work| pool.try_spawn(work)).await?;
/// assert_eq!(task.await?, 42);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct RetryPolicy {
    /// Attempts in all, the first included. Default 5; accepted 1 to 1,000,000.
    pub max_attempts: u32,
    /// The delay after the first attempt. Default 5 ms; accepted 0 to 1 hour.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub first_delay: Duration,
    /// The factor between one delay and the next. Default 2; accepted 1 to 100.
    pub factor: f64,
    /// The longest delay of the schedule, before jitter; a refusal may ask for more. Default 5 s;
    /// accepted 0 to 1 hour.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max_delay: Duration,
    /// Default: 20 % around the delay.
    pub jitter: Jitter,
    /// The time that attempts and delays may take together. Default 30 s; `Duration::MAX` is no
    /// bound.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub budget: Duration,
    /// Makes the jitter the same every time. Default `None`: a new one for each series.
    pub seed: Option<u64>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            first_delay: Duration::from_millis(5),
            factor: 2.0,
            max_delay: Duration::from_secs(5),
            jitter: Jitter::Proportional(0.2),
            budget: Duration::from_secs(30),
            seed: None,
        }
    }
}

impl RetryPolicy {
    /// Checks every field. An unchecked policy is harmless: values out of range are clamped.
    ///
    /// # Errors
    /// The first field that is out of its range, with the value and what is accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        check(self.max_attempts, "max_attempts", 1, 1_000_000)?;
        check(self.first_delay, "first_delay", Duration::ZERO, HOUR)?;
        if !(1.0..=100.0).contains(&self.factor) {
            return Err(ConfigError::new("factor", self.factor, "1.0 to 100.0"));
        }
        check(self.max_delay, "max_delay", Duration::ZERO, HOUR)?;
        match self.jitter {
            Jitter::Proportional(share) if !(0.0..=1.0).contains(&share) => {
                Err(ConfigError::new("jitter", share, "0.0 to 1.0"))
            }
            _ => Ok(()),
        }
    }

    /// Returns the delay after the `attempts`th attempt, which failed `elapsed` after the first
    /// started, with a refusal that asked for `floor`; `None` to give up. `entropy` seeds the
    /// jitter if the policy has no seed.
    fn delay_after(
        &self,
        attempts: u32,
        elapsed: Duration,
        floor: Option<Duration>,
        entropy: u64,
    ) -> Option<Duration> {
        if attempts >= self.max_attempts {
            return None;
        }
        let factor = if self.factor >= 1.0 { self.factor } else { 1.0 };
        // Clamped, because zero times infinity would be no number.
        let grown = factor.powi(i32::try_from(attempts).unwrap_or(i32::MAX) - 1).min(1e12);
        let plain = (self.first_delay.as_secs_f64() * grown).min(self.max_delay.as_secs_f64());
        let random = splitmix64::nth(self.seed.unwrap_or(entropy), u64::from(attempts));
        let (jittered, spread) = match self.jitter {
            Jitter::None => (plain, 0.0),
            Jitter::Proportional(share) => {
                let share = if share >= 0.0 { share.min(1.0) } else { 0.0 };
                (plain * (1.0 + share * (2.0 * random - 1.0)), share)
            }
            Jitter::Full => (plain * random, 1.0),
        };
        let floor = floor.unwrap_or(Duration::ZERO);
        let asked = floor.as_secs_f64() * (1.0 + spread * random);
        // Rounding must not make it shorter than the floor.
        let delay = Duration::try_from_secs_f64(jittered.max(asked)).ok()?.max(floor);
        (elapsed.checked_add(delay)? <= self.budget).then_some(delay)
    }
}

/// The cost of one retry. A token has parts, so that small deposits add up exactly.
const TOKEN: u64 = 1_000_000;

/// How much load retries may add, for [`RetryBudget::new`](crate::retry::RetryBudget::new).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct RetryBudgetConfig {
    /// The part of a retry that each first attempt pays for, in steps of a millionth. Default 0.1:
    /// one retry for ten first attempts, so at most 10 % more load. Accepted 0 to 1.
    pub ratio: f64,
    /// Retries at the start, so that a caller who sends little can retry. Default 10; accepted 0 to
    /// 1,000,000.
    pub reserve: u32,
    /// The largest number of saved retries, so that no storm follows a long time without refusals.
    /// Default 100; accepted `reserve` to 1,000,000.
    pub ceiling: u32,
}

impl Default for RetryBudgetConfig {
    fn default() -> Self {
        Self { ratio: 0.1, reserve: 10, ceiling: 100 }
    }
}

impl RetryBudgetConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of its range, with the value and what is accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        const MOST: u32 = 1_000_000;
        check(self.ratio, "ratio", 0.0, 1.0)?;
        check(self.reserve, "reserve", 0, MOST)?;
        if self.ceiling < self.reserve || self.ceiling > MOST {
            let accepted = format!("reserve ({}) to {MOST}", self.reserve);
            return Err(ConfigError::new("ceiling", self.ceiling, accepted));
        }
        Ok(())
    }
}

/// Limits the retries of all callers together, so that retries can't multiply an overload.
///
/// A policy bounds the attempts of one call. With ten attempts each, a pool that refuses everything
/// gets ten times as many calls. With a budget every first attempt pays in a part of a retry, and
/// every retry takes a whole one out. If none is left, the last refusal is final, at once. So at
/// any time
///
/// > retries <= `reserve` + `ratio` x first attempts
///
/// A value of this type is a handle: a clone is another handle to the same budget, and two handles
/// are equal if they belong to the same one. Share one among all callers of the same service, with
/// any policies, and with no other service: a service in need should not use up another's retries.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::retry::{RetryBudget, RetryPolicy};
/// use millpond::AdaptiveThreadPool;
///
/// let pool = AdaptiveThreadPool::new();
/// // 10 % more load by retries at most, beside a reserve of 10.
/// let budget = RetryBudget::default();
/// let policy = RetryPolicy::default().with_budget(&budget);
/// let task = policy.submit(|| 6 * 7, |work| pool.try_spawn(work)).await?;
/// assert_eq!(task.await?, 42);
/// assert_eq!(budget.exhausted(), 0, "every caller that asked for a retry got one");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct RetryBudget(Arc<Account>);

/// Amounts are in parts of a [`TOKEN`].
#[derive(Debug)]
struct Account {
    /// What a first attempt pays in.
    deposit: u64,
    ceiling: u64,
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
        Self(Arc::new(Account {
            // Rounded, because 0.29 of a million is a little less than 290,000 in binary.
            deposit: (config.ratio * TOKEN as f64).round() as u64,
            ceiling: u64::from(config.ceiling) * TOKEN,
            balance: AtomicU64::new(u64::from(config.reserve) * TOKEN),
            exhausted: AtomicU64::new(0),
        }))
    }

    /// How many retries could be made now.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.0.balance.load(Ordering::Relaxed) / TOKEN
    }

    /// How many calls got no further attempt because the budget was empty.
    #[must_use]
    pub fn exhausted(&self) -> u64 {
        self.0.exhausted.load(Ordering::Relaxed)
    }

    // Nothing else is read by the balance, so it needs no order beside its own.

    /// Records a first attempt. Writes nothing while the budget is full, so successful callers
    /// share no contended cache line.
    fn pay_in(&self) {
        let Account { deposit, ceiling, balance, .. } = &*self.0;
        let more = |now: u64| Some((now + deposit).min(*ceiling)).filter(|&more| more != now);
        let _ = balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Takes out a retry. Returns whether there was one.
    fn take_out(&self) -> bool {
        let less = |now: u64| now.checked_sub(TOKEN);
        let taken = self.0.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        if !taken {
            self.0.exhausted.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}

/// An error for which another attempt may succeed.
pub trait Retryable {
    /// Returns whether another attempt can succeed.
    fn is_retryable(&self) -> bool;

    /// Returns the time before which another attempt can't succeed, if the error knows it.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

impl Retryable for Rejection {
    /// A rejection that has a `retry_after`.
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
    /// Dropping the future drops the current attempt; no other follows.
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

    /// Submits `work` until it is accepted, is refused for good, or the policy gives up. Each
    /// attempt gets the work that the last refusal handed back, so nothing is cloned: for
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
    /// Dropping the future while it waits drops the work. Accepted work goes on.
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
    /// Dropping the future drops the current attempt; no other follows. A retry that it
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
    /// Dropping the future while it waits drops the work; the retry stays paid. Accepted work goes
    /// on.
    pub async fn submit<W, T, A>(&self, work: W, attempt: A) -> Result<T, Rejected<W>>
    where
        A: FnMut(W) -> Result<T, Rejected<W>>,
    {
        Series::new(&self.policy, Some(&self.budget)).submit(work, attempt).await
    }
}

/// One series of attempts. The first pays into the budget, if there is one. The others follow after
/// pauses and cost a retry.
struct Series<'p> {
    policy: &'p RetryPolicy,
    budget: Option<&'p RetryBudget>,
    entropy: u64,
    began: Instant,
    attempts: u32,
}

impl<'p> Series<'p> {
    /// Call it with the first attempt, not before.
    fn new(policy: &'p RetryPolicy, budget: Option<&'p RetryBudget>) -> Self {
        if let Some(budget) = budget {
            budget.pay_in();
        }
        // The standard library's hasher is seeded from the system's entropy: random enough for
        // jitter.
        let entropy = RandomState::new().hash_one(0);
        Self { policy, budget, entropy, began: Instant::now(), attempts: 0 }
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

    /// Waits before the next attempt. Returns whether there is one.
    async fn pause_after(&mut self, error: &impl Retryable) -> bool {
        if !error.is_retryable() {
            return false;
        }
        self.attempts = self.attempts.saturating_add(1);
        let (elapsed, floor) = (self.began.elapsed(), error.retry_after());
        let Some(delay) = self.policy.delay_after(self.attempts, elapsed, floor, self.entropy) else {
            return false;
        };
        // Last, so that only a retry that follows is paid; and before the wait, which would be in
        // vain.
        if self.budget.is_some_and(|budget| !budget.take_out()) {
            return false;
        }
        sleep(delay).await;
        true
    }
}

#[cfg(test)]
mod tests;
