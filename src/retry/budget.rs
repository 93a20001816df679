//! How many retries are too many: a budget that callers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::check;
use crate::error::ConfigError;

/// What one retry costs. In whole parts of a token, so that many small deposits add up to what they should.
const TOKEN: u64 = 1_000_000;

/// How much load retries may add, for [`RetryBudget::new`](crate::retry::RetryBudget::new).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct RetryBudgetConfig {
    /// Retries that each first attempt pays for, in steps of a millionth. Default 0.1: one retry for ten first attempts,
    /// that is at most 10 % more load. Accepted 0 to 1.
    pub ratio: f64,
    /// Retries that are there from the start, so that a caller who sends little may retry at all. Default 10; accepted 0 to
    /// 1,000,000.
    pub reserve: u32,
    /// No more retries are saved up, so that a long time in which all went well is not followed by a storm. Default 100;
    /// accepted `reserve` to 1,000,000.
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

/// What is paid in and out. The balance is kept by whoever asks, in parts of a token.
#[derive(Debug, Clone, Copy)]
struct Tariff {
    deposit: u64,
    reserve: u64,
    ceiling: u64,
}

impl Tariff {
    fn new(config: &RetryBudgetConfig) -> Self {
        Self {
            // Rounded, because 0.29 of a million is a little less than 290,000 in binary.
            deposit: (config.ratio * TOKEN as f64).round() as u64,
            reserve: u64::from(config.reserve) * TOKEN,
            ceiling: u64::from(config.ceiling) * TOKEN,
        }
    }

    /// The balance before the first attempt of all.
    fn opening_balance(&self) -> u64 {
        self.reserve
    }

    /// The balance after a first attempt; `None` if it stays as it is.
    fn after_first_attempt(&self, balance: u64) -> Option<u64> {
        let more = balance.saturating_add(self.deposit).min(self.ceiling);
        (more != balance).then_some(more)
    }

    /// The balance after a retry; `None` if there can be none.
    fn after_retry(&self, balance: u64) -> Option<u64> {
        balance.checked_sub(TOKEN)
    }
}

/// How many retries a balance pays for.
fn retries_in(balance: u64) -> u64 {
    balance / TOKEN
}

/// How many retries all callers together may make, so that retrying can't multiply an overload.
///
/// A policy bounds the attempts of one call; with ten attempts each, a pool that refuses everything
/// is asked ten times as often as before, by callers who each keep to their policy. With a budget
/// every first attempt pays in a part of a retry and every retry takes a whole one out; where there
/// is none left, the last refusal is final, at once. So at any time
///
/// > retries <= `reserve` + `ratio` x first attempts
///
/// A value of this type is a handle: a clone is another handle to the same budget, and two handles
/// are equal if they are of the same one. Share one among all who call the same service, whatever
/// their policies, and no wider: a service in need should not cost another its retries.
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

    /// A first attempt is made. Writes nothing while the budget is full, so callers for whom all
    /// goes well share no more than a line that they read.
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

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    /// Ratios in thousandths, so that the test can count in whole numbers.
    fn config(thousandths: u64, reserve: u32, ceiling: u32) -> RetryBudgetConfig {
        RetryBudgetConfig { ratio: thousandths as f64 / 1_000.0, reserve, ceiling }
    }

    proptest! {
        /// In every order, at every moment: no more retries than were paid for, and while the ceiling is far, no fewer.
        #[test]
        fn retries_are_what_first_attempts_have_paid_for(
            thousandths in 0_u64..=1_000, reserve in 0_u32..20, room in prop_oneof![0_u32..20, Just(900_000)],
            steps in proptest::collection::vec(any::<bool>(), 0..2_000),
        ) {
            let config = config(thousandths, reserve, reserve + room);
            prop_assert!(config.validate().is_ok());
            let tariff = Tariff::new(&config);
            let (mut balance, mut first, mut retries) = (tariff.opening_balance(), 0, 0);
            let paid_for = |first: u64| u64::from(reserve) * 1_000 + thousandths * first;
            for is_retry in steps {
                if !is_retry {
                    first += 1;
                    balance = tariff.after_first_attempt(balance).unwrap_or(balance);
                } else if let Some(rest) = tariff.after_retry(balance) {
                    retries += 1;
                    balance = rest;
                } else if room == 900_000 {
                    prop_assert!((retries + 1) * 1_000 > paid_for(first), "one was refused that was paid for");
                }
                prop_assert!(retries * 1_000 <= paid_for(first));
                prop_assert!(retries_in(balance) <= u64::from(config.ceiling));
            }
        }
    }

    #[test]
    fn what_is_saved_up_is_bounded() {
        let tariff = Tariff::new(&RetryBudgetConfig::default());
        let balance = (0..1_000_000).fold(tariff.opening_balance(), |balance, _| {
            tariff.after_first_attempt(balance).unwrap_or(balance)
        });
        assert_eq!(retries_in(balance), 100);
        assert_eq!(tariff.after_first_attempt(balance), None, "nothing to be written");
    }

    #[test]
    fn a_field_out_of_range_is_named() {
        let told = |config: RetryBudgetConfig| config.validate().unwrap_err().to_string();
        let default = RetryBudgetConfig::default();
        default.validate().unwrap();
        assert_eq!(
            told(RetryBudgetConfig { ratio: f64::NAN, ..default }),
            "ratio is NaN, but must be 0.0 to 1.0"
        );
        assert_eq!(
            told(RetryBudgetConfig { reserve: 500, ..default }),
            "ceiling is 100, but must be reserve (500) to 1000000"
        );
    }

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
