//! The learnt state of a forecast, saved across restarts.

use serde::{Deserialize, Serialize};

use super::{Forecast, Skills};
use crate::config::{ForecastConfig, ForecastError};
use crate::season::{Mean, Season};
use crate::skill::{MOST, Quantile, Skill};

/// The seasonal means in a form that can be saved. The fields are for serde only: a newer version
/// may load an old file, and rejects one with invalid values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    version: u32,
    season_ms: u64,
    /// The mean load of each part, in threads, and the number of seasons in the mean.
    parts: Vec<(f64, u32)>,
    /// Mean errors and their counts: of level and trend, of the seasonal forecast, and of the naive
    /// forecast.
    errors: [(f64, u32); 3],
    margin: f64,
}

const VERSION: u32 = 1;

impl Forecast {
    /// Returns the seasonal means so far, without the current part.
    #[must_use]
    pub fn history(&self) -> History {
        let parts = self.season.means().iter().map(|mean| (mean.mean, mean.seasons)).collect();
        let Skills { plain, seasonal, naive } = self.skills;
        let errors = [plain, seasonal, naive].map(Skill::into_parts);
        History {
            version: VERSION,
            season_ms: millis(&self.config),
            parts,
            errors,
            margin: self.quantile.value(),
        }
    }

    /// Creates a forecast that starts with a known season.
    ///
    /// # Errors
    /// The configuration is out of range, or the history does not match it: another version, season
    /// or number of parts, or invalid load values.
    pub fn with_history(config: ForecastConfig, history: &History) -> Result<Self, ForecastError> {
        let mut forecast = Self::new(config)?;
        let refuse = |value: std::fmt::Arguments<'_>, accepted: String| {
            Err(ForecastError::new("history", value, accepted))
        };
        if history.version != VERSION {
            return refuse(format_args!("of version {}", history.version), format!("of version {VERSION}"));
        }
        if history.season_ms != millis(&config) || history.parts.len() != config.parts {
            return refuse(
                format_args!("of {} parts of a season of {} ms", history.parts.len(), history.season_ms),
                format!("of {} parts of a season of {} ms", config.parts, millis(&config)),
            );
        }
        let figures = history.parts.iter().chain(&history.errors).map(|(mean, _)| *mean);
        if let Some(figure) =
            figures.chain([history.margin.abs()]).find(|figure| !(0.0..=MOST).contains(figure))
        {
            return refuse(format_args!("with a figure of {figure}"), format!("with figures of 0 to {MOST}"));
        }
        let means = history.parts.iter().map(|&(mean, seasons)| Mean { mean, seasons });
        forecast.season = Season::new(means.collect());
        let [plain, seasonal, naive] = history.errors.map(Skill::from_parts);
        forecast.skills = Skills { plain, seasonal, naive };
        forecast.quantile = Quantile::of(history.margin);
        Ok(forecast)
    }
}

fn millis(config: &ForecastConfig) -> u64 {
    u64::try_from(config.season.as_millis()).unwrap_or(u64::MAX)
}
