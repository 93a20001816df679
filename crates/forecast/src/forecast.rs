//! The forecast: a state machine without a clock.

mod history;

use std::time::Duration;

pub use history::History;

use crate::config::{ForecastConfig, ForecastError};
use crate::holt::Holt;
use crate::observation::Observation;
use crate::season::{Mean, Season};
use crate::skill::{MOST, Quantile, Skill};

/// Predicts how many threads will be busy, and how many threads are needed. It is a pure state
/// machine: it reads no clock, and the caller passes the time.
///
/// ```
/// use std::time::Duration;
/// use millpond_forecast::{Forecast, ForecastConfig, Observation};
///
/// let second = Duration::from_secs(1);
/// let config = ForecastConfig { season: 60 * second, parts: 60, ..ForecastConfig::default() };
/// let mut forecast = Forecast::new(config)?;
/// // Every minute has a burst of ten seconds: each second, twenty tasks of one second arrive.
/// for time in 0..300 {
///     let tasks = if time % 60 < 10 { 20 } else { 1 };
///     let (arrivals, completions) = (tasks.into(), tasks.into());
///     let busy = Some(second * tasks);
///     let seen = Observation { interval: second, arrivals, completions, busy };
///     forecast.observe(time * second, &seen);
/// }
/// // In the last second before the next burst the forecast requests the threads for it.
/// assert!(forecast.floor().is_some_and(|threads| threads >= 18));
/// # Ok::<(), millpond_forecast::ForecastError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Forecast {
    config: ForecastConfig,
    season: Season,
    plain: Holt,
    /// Level and trend of the residual, without the seasonal mean.
    seasonal: Holt,
    skills: Skills,
    quantile: Quantile,
    step: Option<Step>,
    /// The mean service time of a task, in seconds.
    task_seconds: Option<f64>,
    /// Busy thread time since the last completion, in seconds.
    unended: f64,
    /// The predictions for the current step.
    expected: Expected,
    last: Option<f64>,
}

/// The sums of the current step.
#[derive(Debug, Clone, Copy)]
struct Step {
    number: u128,
    arrivals: u64,
    seconds: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Expected {
    plain: Option<f64>,
    seasonal: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Skills {
    plain: Skill,
    seasonal: Skill,
    /// The error of the naive forecast, which repeats the last value.
    naive: Skill,
}

/// The weight of one sample in the mean service time.
const TASK_WEIGHT: f64 = 0.2;

impl Forecast {
    /// Creates a forecast without history.
    ///
    /// # Errors
    /// A value of the configuration is out of range.
    pub fn new(config: ForecastConfig) -> Result<Self, ForecastError> {
        config.validate()?;
        Ok(Self {
            config,
            season: Season::new(vec![Mean::default(); config.parts]),
            plain: Holt::default(),
            seasonal: Holt::default(),
            skills: Skills::default(),
            quantile: Quantile::default(),
            step: None,
            task_seconds: None,
            unended: 0.0,
            expected: Expected::default(),
            last: None,
        })
    }

    /// Adds the observation of the interval that ended `at`. `at` is the time since a fixed moment
    /// that is the same after a restart, such as the Unix epoch. Observations without `busy` do not
    /// change the mean service time. After a gap, or if time goes backwards, the forecast continues
    /// from `at`.
    pub fn observe(&mut self, at: Duration, seen: &Observation) {
        let number = at.as_nanos() / self.config.step.as_nanos();
        self.learn_task(seen);
        if let Some(step) = self.step {
            if step.number != number {
                self.end_step(step);
            }
            if number != step.number && number != step.number + 1 {
                self.interrupted();
            }
        }
        if self.step.is_none_or(|step| step.number != number) {
            self.begin_step(number);
        }
        if let Some(step) = &mut self.step {
            step.arrivals = step.arrivals.saturating_add(seen.arrivals);
            step.seconds += seen.interval.as_secs_f64().min(MOST);
        }
    }

    /// Returns how many threads the predicted load needs; `None` if the naive forecast is as
    /// accurate.
    #[must_use]
    pub fn floor(&self) -> Option<usize> {
        let number = self.step?.number;
        if self.scaled_error()? >= 1.0 {
            return None;
        }
        let expected = self.best(self.ahead(number + 1))?;
        let threads = (expected + self.quantile.value().max(0.0)).clamp(0.0, MOST);
        Some(threads.ceil() as usize)
    }

    /// Returns the recent mean absolute error of the better forecast, divided by the error of the
    /// naive forecast: the MASE of Hyndman and Koehler ("Another look at measures of forecast
    /// accuracy", 2006). `None` while there are too few errors.
    #[must_use]
    pub fn scaled_error(&self) -> Option<f64> {
        let Skills { plain, seasonal, naive } = &self.skills;
        let best = [plain.mean(), seasonal.mean()].into_iter().flatten().min_by(f64::total_cmp)?;
        let naive = naive.mean()?;
        // If the load never changes, both errors are 0.
        Some(if naive > 0.0 { best / naive } else { 1.0 })
    }

    /// Checks that the forecast fits a pool with this sampling interval. If samples are longer than
    /// a step, every step has gaps, and the forecast never learns.
    ///
    /// # Errors
    /// The step is shorter than `sampling`.
    pub fn check_interval(&self, sampling: Duration) -> Result<(), ForecastError> {
        let step = self.config.step;
        if step < sampling {
            let accepted = format!("{sampling:?} (`sampling_interval`) or more");
            return Err(ForecastError::new("step", step, accepted));
        }
        Ok(())
    }

    fn learn_task(&mut self, seen: &Observation) {
        let Some(busy) = seen.busy else { return };
        // Time that long tasks take in samples without a completion counts for these tasks, too.
        self.unended += busy.as_secs_f64().min(MOST);
        if seen.completions == 0 {
            return;
        }
        let seconds = (std::mem::take(&mut self.unended) / seen.completions as f64).min(MOST);
        let mean = self.task_seconds.get_or_insert(seconds);
        *mean += (seconds - *mean) * TASK_WEIGHT;
    }

    fn begin_step(&mut self, number: u128) {
        self.expected = self.ahead(number);
        self.step = Some(Step { number, arrivals: 0, seconds: 0.0 });
    }

    /// The predictions of both forecasts for the next step.
    fn ahead(&self, number: u128) -> Expected {
        let usual = self.season.usual(self.part(number));
        // Without a complete season there is no residual yet.
        let seasonal = usual.map(|usual| usual + self.seasonal.next().unwrap_or(0.0));
        Expected { plain: self.plain.next(), seasonal }
    }

    /// The prediction of the forecast with the smaller recent error.
    fn best(&self, expected: Expected) -> Option<f64> {
        let Skills { plain, seasonal, .. } = &self.skills;
        match (plain.mean(), seasonal.mean()) {
            (Some(plain), Some(seasonal)) if seasonal <= plain => expected.seasonal.or(expected.plain),
            (None, Some(_)) => expected.seasonal,
            _ => expected.plain,
        }
    }

    fn end_step(&mut self, step: Step) {
        self.step = None;
        let Some(task_seconds) = self.task_seconds else { return };
        if step.seconds <= 0.0 {
            return;
        }
        // Little's law: arrival rate times mean service time.
        let load = (step.arrivals as f64 / step.seconds * task_seconds).min(MOST);
        let expected = std::mem::take(&mut self.expected);
        if let (Some(best), Some(naive)) = (self.best(expected), self.skills.naive.mean()) {
            self.quantile.learn(load - best, self.config.quantile, naive.max(1e-3));
        }
        let learn = |skill: &mut Skill, expected: Option<f64>| {
            if let Some(expected) = expected {
                skill.learn(load - expected);
            }
        };
        learn(&mut self.skills.plain, expected.plain);
        learn(&mut self.skills.seasonal, expected.seasonal);
        learn(&mut self.skills.naive, self.last.replace(load));
        self.plain.learn(load);
        let part = self.part(step.number);
        if let Some(usual) = self.season.usual(part) {
            self.seasonal.learn(load - usual);
        }
        self.season.learn(part, load);
    }

    /// Starts a new step after a gap. The load during the gap is unknown, so only the seasonal
    /// means are kept.
    fn interrupted(&mut self) {
        self.season.end_part();
        (self.plain, self.seasonal) = (Holt::default(), Holt::default());
        (self.last, self.expected) = (None, Expected::default());
    }

    fn part(&self, number: u128) -> usize {
        let season = self.config.season.as_nanos();
        let within = number.wrapping_mul(self.config.step.as_nanos()) % season;
        (within * self.config.parts as u128 / season) as usize
    }
}
