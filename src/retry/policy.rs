//! When to try again after a refusal: a schedule, without a clock.

use std::time::Duration;

use crate::config::check;
use crate::error::ConfigError;
use crate::policy::splitmix64;

/// How the delays of a [`RetryPolicy`] are spread, so that callers who were refused together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Jitter {
    /// Not at all: for tests.
    None,
    /// Evenly around the delay: `Proportional(0.2)` is up to 20 % less or more. Accepted 0 to 1.
    Proportional(f64),
    /// Evenly between nothing and the delay ("full jitter", Brooker 2015): the least work for a crowd of callers.
    Full,
}

/// A policy of retrying: exponential delays, jittered, bounded in number and in time, never sooner than the refusal asks.
///
/// The delay before attempt *n* + 1 is `first_delay` x `factor`^(*n* - 1), at most `max_delay`, jittered. If the refusal
/// says when to come again ([`Rejection::retry_after`](crate::Rejection::retry_after)), the delay is not under that; then
/// the jitter comes on top of it. When a delay would lead past `budget`, counted from the first attempt, there is no
/// further attempt. How much load the retries of all callers may add together is the matter of a
/// [`RetryBudget`](crate::retry::RetryBudget).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// By how much each delay is longer than the last. Default 2; accepted 1 to 100.
    pub factor: f64,
    /// No delay of the schedule is longer, before jitter; a refusal may ask for more. Default 5 s; accepted 0 to 1 hour.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max_delay: Duration,
    /// Default: 20 % around the delay.
    pub jitter: Jitter,
    /// The time that attempts and delays may take together. Default 30 s; `Duration::MAX` is no bound.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub budget: Duration,
    /// Makes the jitter the same every time. Default `None`: a new one for each schedule.
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
    /// Checks every field. A policy that was not checked is harmless: values out of range are brought into it.
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

    /// The delays of one series of attempts; `entropy` seeds the jitter where the policy has no seed of its own.
    pub(super) fn schedule(&self, entropy: u64) -> Schedule<'_> {
        Schedule { policy: self, attempts: 0, seed: self.seed.unwrap_or(entropy) }
    }
}

/// One series of attempts.
#[derive(Debug)]
pub(super) struct Schedule<'p> {
    policy: &'p RetryPolicy,
    attempts: u32,
    seed: u64,
}

impl Schedule<'_> {
    /// An attempt has failed, `elapsed` after the first began; it was told to come again after `floor`. The delay before
    /// the next one, or `None`: give up.
    pub(super) fn after_failure(&mut self, elapsed: Duration, floor: Option<Duration>) -> Option<Duration> {
        let policy = self.policy;
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts >= policy.max_attempts {
            return None;
        }
        let factor = if policy.factor >= 1.0 { policy.factor } else { 1.0 };
        // Clamped, because zero times infinity would be no number.
        let grown = policy.first_delay.as_secs_f64() * factor.powi(self.attempts as i32 - 1).min(1e12);
        let plain = grown.min(policy.max_delay.as_secs_f64());
        let dice = splitmix64::nth(self.seed, u64::from(self.attempts));
        let jittered = match policy.jitter {
            Jitter::None => plain,
            Jitter::Proportional(share) => plain * (1.0 + unit(share) * (2.0 * dice - 1.0)),
            Jitter::Full => plain * dice,
        };
        let asked = floor.map_or(0.0, |floor| {
            let spread = match policy.jitter {
                Jitter::None => 0.0,
                Jitter::Proportional(share) => unit(share),
                Jitter::Full => 1.0,
            };
            floor.as_secs_f64() * (1.0 + spread * dice)
        });
        let delay = Duration::try_from_secs_f64(jittered.max(asked)).ok()?;
        // Rounding must not bring it under what was asked for.
        let delay = delay.max(floor.unwrap_or(Duration::ZERO));
        (elapsed.checked_add(delay)? <= policy.budget).then_some(delay)
    }
}

fn unit(share: f64) -> f64 {
    if share >= 0.0 { share.min(1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policies() -> impl Strategy<Value = RetryPolicy> {
        let jitter = prop_oneof![
            Just(Jitter::None),
            (0.0..=1.0_f64).prop_map(Jitter::Proportional),
            Just(Jitter::Full)
        ];
        (1_u32..50, 0_u64..10_000, 1.0..10.0_f64, 0_u64..60_000, jitter, 0_u64..600_000).prop_map(
            |(max_attempts, first, factor, max, jitter, budget)| RetryPolicy {
                max_attempts,
                first_delay: Duration::from_millis(first),
                factor,
                max_delay: Duration::from_millis(max),
                jitter,
                budget: Duration::from_millis(budget),
                seed: None,
            },
        )
    }

    proptest! {
        #[test]
        fn every_bound_holds(
            policy in policies(), entropy: u64,
            floors in proptest::collection::vec(proptest::option::of(0_u64..5_000), 60),
        ) {
            prop_assert!(policy.validate().is_ok());
            let mut schedule = policy.schedule(entropy);
            let (mut elapsed, mut attempts) = (Duration::ZERO, 1);
            for floor in floors {
                let floor = floor.map(Duration::from_millis);
                let Some(delay) = schedule.after_failure(elapsed, floor) else { break };
                attempts += 1;
                prop_assert!(delay >= floor.unwrap_or_default());
                let most = (policy.max_delay * 2).max(floor.unwrap_or_default() * 2);
                prop_assert!(delay <= most + Duration::from_nanos(1));
                elapsed += delay;
                prop_assert!(elapsed <= policy.budget);
            }
            prop_assert!(attempts <= policy.max_attempts);
        }

        #[test]
        fn unchecked_values_do_no_harm(
            max_attempts: u32, factor: f64, share: f64, first: u64, max: u64, floor: u64, entropy: u64,
        ) {
            let policy = RetryPolicy {
                max_attempts, factor, jitter: Jitter::Proportional(share),
                first_delay: Duration::from_secs(first), max_delay: Duration::from_secs(max),
                budget: Duration::MAX, seed: None,
            };
            let mut schedule = policy.schedule(entropy);
            for _ in 0..5 {
                schedule.after_failure(Duration::ZERO, Some(Duration::from_secs(floor)));
            }
        }
    }

    #[test]
    fn without_jitter_the_delays_double_up_to_the_longest() {
        let policy = RetryPolicy {
            jitter: Jitter::None,
            first_delay: Duration::from_millis(10),
            max_delay: Duration::from_millis(50),
            max_attempts: 6,
            ..RetryPolicy::default()
        };
        let mut schedule = policy.schedule(0);
        let delays: Vec<_> = std::iter::from_fn(|| schedule.after_failure(Duration::ZERO, None))
            .map(|delay| delay.as_millis())
            .collect();
        assert_eq!(delays, [10, 20, 40, 50, 50]);
    }

    #[test]
    fn the_same_seed_gives_the_same_delays_and_another_gives_others() {
        let delays = |seed| {
            let policy = RetryPolicy { seed: Some(seed), jitter: Jitter::Full, ..RetryPolicy::default() };
            let mut schedule = policy.schedule(99);
            std::iter::from_fn(|| schedule.after_failure(Duration::ZERO, None)).collect::<Vec<_>>()
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }

    #[test]
    fn a_field_out_of_range_is_named() {
        let error = RetryPolicy { factor: 0.5, ..RetryPolicy::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "factor is 0.5, but must be 1.0 to 100.0");
    }
}
