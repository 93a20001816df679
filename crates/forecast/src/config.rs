//! The configuration of a forecast.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The horizon, season and target level of a [`Forecast`](crate::Forecast).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForecastConfig {
    /// The length of one step: the forecast horizon, and the time over which the load is averaged.
    /// Default 1 s; accepted 10 ms to 1 hour, and in a pool at least its `sampling_interval`.
    #[serde(with = "humantime_serde")]
    pub step: Duration,
    /// The length of the season, after which the pattern repeats. Default 24 h; accepted ten steps
    /// to 366 days.
    #[serde(with = "humantime_serde")]
    pub season: Duration,
    /// The number of parts of the season, each with a mean of its own (16 bytes). Default 288, five
    /// minutes of a day; accepted 2 to 100,000, each at least one step long.
    pub parts: usize,
    /// The fraction of all steps in which the number of threads should suffice. Default 0.95;
    /// accepted 0.5 to 0.999.
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
    /// Checks the range of every field.
    ///
    /// # Errors
    /// The first field that is out of range, with its value and the accepted range.
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

/// A value of a forecast's configuration or history is out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}, but must be {accepted}")]
#[non_exhaustive]
pub struct ForecastError {
    /// The name of the field.
    pub field: &'static str,
    /// The given value.
    pub value: String,
    /// The accepted range, in words.
    pub accepted: String,
}

impl ForecastError {
    pub(crate) fn new(field: &'static str, value: impl fmt::Debug, accepted: impl Into<String>) -> Self {
        Self { field, value: format!("{value:?}"), accepted: accepted.into() }
    }
}

/// Checks that `value` is within the range, both ends included.
fn check<T: PartialOrd + fmt::Debug>(
    value: T,
    field: &'static str,
    least: T,
    most: T,
) -> Result<(), ForecastError> {
    // Written in this form, the check also rejects "not a number".
    if value >= least && value <= most {
        return Ok(());
    }
    Err(ForecastError::new(field, value, format!("{least:?} to {most:?}")))
}
