//! Threads ahead of load that is foreseen. Without the feature `forecast` nothing is.

#[cfg(feature = "forecast")]
use std::time::SystemTime;

#[cfg(feature = "forecast")]
use millpond_forecast::{Forecast, History, Observation};

use crate::policy::scaling::Sample;
#[cfg(feature = "forecast")]
use crate::sync::Mutex;

/// Told how many threads are foreseen; says whether it wants to be told again.
pub(crate) type Prepare = dyn FnMut(usize) -> bool + Send;

/// The pool's forecast, if it has one.
#[derive(Default)]
pub(in crate::pool) struct Foresight {
    #[cfg(feature = "forecast")]
    forecast: Option<Mutex<Forecast>>,
    /// Others who prepare for the load.
    #[cfg(feature = "forecast")]
    others: Mutex<Vec<Box<Prepare>>>,
}

impl std::fmt::Debug for Foresight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Foresight").field("learns", &self.learns()).finish_non_exhaustive()
    }
}

#[cfg(feature = "forecast")]
impl Foresight {
    pub(in crate::pool) fn new(forecast: Option<Forecast>) -> Self {
        Self { forecast: forecast.map(Mutex::new), others: Mutex::default() }
    }

    pub(in crate::pool) fn history(&self) -> Option<History> {
        self.forecast.as_ref().map(|forecast| forecast.lock().history())
    }

    /// Whether it wants every sample, busy or not.
    pub(in crate::pool) fn learns(&self) -> bool {
        self.forecast.is_some()
    }

    /// Learns from a sample, and says how many threads there should be for what comes next.
    pub(in crate::pool) fn floor(&self, sample: &Sample) -> Option<usize> {
        let mut forecast = self.forecast.as_ref()?.lock();
        // A clock before 1970 is as good as any other, as long as it goes on.
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        forecast.observe(at, &observation(sample));
        let floor = forecast.floor()?;
        drop(forecast);
        self.others.lock().retain_mut(|prepare| prepare(floor));
        Some(floor)
    }

    /// `prepare` is called on the timer thread with every sample for which threads are foreseen. It must be brief.
    pub(in crate::pool) fn tell(&self, prepare: Box<Prepare>) {
        if self.learns() {
            self.others.lock().push(prepare);
        }
    }
}

/// What a forecast is told of a sample. A thread that is ready and has no core is not busy.
#[cfg(feature = "forecast")]
fn observation(sample: &Sample) -> Observation {
    Observation {
        interval: sample.interval,
        arrivals: sample.arrivals,
        completions: sample.completions,
        busy: sample.clocks.map(|clocks| clocks.busy.saturating_sub(clocks.runnable)),
    }
}

#[cfg(not(feature = "forecast"))]
impl Foresight {
    pub(in crate::pool) fn learns(&self) -> bool {
        false
    }

    pub(in crate::pool) fn floor(&self, _sample: &Sample) -> Option<usize> {
        None
    }

    pub(in crate::pool) fn tell(&self, _prepare: Box<Prepare>) {}
}
