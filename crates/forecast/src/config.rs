//! How a forecast looks ahead.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a [`Forecast`](crate::Forecast) looks ahead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForecastConfig {
    /// How far it looks ahead, and over how long a time the load is averaged. Default 1 s; accepted 10 ms to 1 hour, in a pool
    /// no less than its `sampling_interval`.
    #[serde(with = "humantime_serde")]
    pub step: Duration,
    /// After this time the pattern begins anew. Default 24 h; accepted ten steps to 366 days.
    #[serde(with = "humantime_serde")]
    pub season: Duration,
    /// Parts of the season that are told apart: 16 bytes each. Default 288, five minutes of a day; accepted 2 to 100,000, and
    /// none shorter than a step.
    pub parts: usize,
    /// The part of all steps in which there should be enough threads. Default 0.95; accepted 0.5 to 0.999.
    pub quantile: f64,
}

impl Default for ForecastConfig {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(1),
            season: Duration::from_secs(24 * 60 * 60),
            parts: 288,
            quantile: 0.95,
        }
    }
}

impl ForecastConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of its range, with the value and what is accepted.
    pub fn validate(&self) -> Result<(), ForecastError> {
        const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
        check(self.step, "step", Duration::from_millis(10), Duration::from_secs(3600))?;
        check(self.season, "season", self.step * 10, YEAR)?;
        let most = (self.season.as_nanos() / self.step.as_nanos()).min(100_000) as usize;
        check(self.parts, "parts", 2, most)?;
        check(self.quantile, "quantile", 0.5, 0.999)?;
        Ok(())
    }
}

/// A value of a forecast's configuration, or of its history, that is out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}, but must be {accepted}")]
#[non_exhaustive]
pub struct ForecastError {
    /// The field's name.
    pub field: &'static str,
    /// The value that was given.
    pub value: String,
    /// The range that is accepted, in words.
    pub accepted: String,
}

impl ForecastError {
    pub(crate) fn new(field: &'static str, value: impl fmt::Debug, accepted: impl Into<String>) -> Self {
        Self { field, value: format!("{value:?}"), accepted: accepted.into() }
    }
}

/// Both ends are accepted.
fn check<T: PartialOrd + fmt::Debug>(
    value: T,
    field: &'static str,
    least: T,
    most: T,
) -> Result<(), ForecastError> {
    // In this form what can't be compared, as "not a number", is refused as well.
    if value >= least && value <= most {
        return Ok(());
    }
    Err(ForecastError::new(field, value, format!("{least:?} to {most:?}")))
}
