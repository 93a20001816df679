//! How many retries are too many: the arithmetic of a budget, without its counter.

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
pub(crate) struct Tariff {
    deposit: u64,
    reserve: u64,
    ceiling: u64,
}

impl Tariff {
    pub(crate) fn new(config: &RetryBudgetConfig) -> Self {
        Self {
            // Rounded, because 0.29 of a million is a little less than 290,000 in binary.
            deposit: (config.ratio * TOKEN as f64).round() as u64,
            reserve: u64::from(config.reserve) * TOKEN,
            ceiling: u64::from(config.ceiling) * TOKEN,
        }
    }

    /// The balance before the first attempt of all.
    pub(crate) fn opening_balance(&self) -> u64 {
        self.reserve
    }

    /// The balance after a first attempt; `None` if it stays as it is.
    pub(crate) fn after_first_attempt(&self, balance: u64) -> Option<u64> {
        let more = balance.saturating_add(self.deposit).min(self.ceiling);
        (more != balance).then_some(more)
    }

    /// The balance after a retry; `None` if there can be none.
    pub(crate) fn after_retry(&self, balance: u64) -> Option<u64> {
        balance.checked_sub(TOKEN)
    }
}

/// How many retries a balance pays for.
pub(crate) fn retries_in(balance: u64) -> u64 {
    balance / TOKEN
}

#[cfg(test)]
mod tests {
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
}
