//! Threads for load that is foreseen. Without the feature `forecast` no load is.

#[cfg(feature = "forecast")]
use std::time::SystemTime;

#[cfg(feature = "forecast")]
use millpond_forecast::{Forecast, History, Observation};

use crate::policy::scaling::Sample;
#[cfg(feature = "forecast")]
use crate::sync::Mutex;

/// Called with the number of foreseen threads. Returns false to be called no more.
pub(crate) type Prepare = dyn FnMut(usize) -> bool + Send;

/// The pool's forecast, if it has one.
#[derive(Default)]
pub(in crate::pool) struct Foresight {
    #[cfg(feature = "forecast")]
    forecast: Option<Mutex<Forecast>>,
    /// Callbacks of others that prepare for the load.
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

    /// Returns whether the forecast needs every sample, also of an idle pool.
    pub(in crate::pool) fn learns(&self) -> bool {
        self.forecast.is_some()
    }

    /// Learns from a sample. Returns how many threads there should be for the next load.
    pub(in crate::pool) fn floor(&self, sample: &Sample) -> Option<usize> {
        let mut forecast = self.forecast.as_ref()?.lock();
        // A clock before 1970 gives times from 0; the forecast needs only that they increase.
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        forecast.observe(at, &observation(sample));
        let floor = forecast.floor()?;
        drop(forecast);
        self.others.lock().retain_mut(|prepare| prepare(floor));
        Some(floor)
    }

    /// Registers `prepare`. The timer thread calls it with every sample for which threads are
    /// foreseen. It must be brief.
    pub(in crate::pool) fn tell(&self, prepare: Box<Prepare>) {
        if self.learns() {
            self.others.lock().push(prepare);
        }
    }
}

/// Converts a sample for the forecast. A thread that is ready and has no core is not busy.
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
