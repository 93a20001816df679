//! Threads ahead of load that is foreseen. Without the feature `forecast` nothing is.

#[cfg(feature = "forecast")]
use std::time::SystemTime;

#[cfg(feature = "forecast")]
use crate::policy::forecast::{Forecast, History};
use crate::policy::scaling::Sample;
#[cfg(feature = "forecast")]
use crate::sync::Mutex;

/// The pool's forecast, if it has one.
#[derive(Debug, Default)]
pub(super) struct Foresight {
    #[cfg(feature = "forecast")]
    forecast: Option<Mutex<Forecast>>,
}

#[cfg(feature = "forecast")]
impl Foresight {
    pub(super) fn new(forecast: Option<Forecast>) -> Self {
        Self { forecast: forecast.map(Mutex::new) }
    }

    pub(super) fn history(&self) -> Option<History> {
        self.forecast.as_ref().map(|forecast| forecast.lock().history())
    }

    /// Whether it wants every sample, busy or not.
    pub(super) fn learns(&self) -> bool {
        self.forecast.is_some()
    }

    /// Learns from a sample, and says how many threads there should be for what comes next.
    pub(super) fn floor(&self, sample: &Sample) -> Option<usize> {
        let mut forecast = self.forecast.as_ref()?.lock();
        // A clock before 1970 is as good as any other, as long as it goes on.
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        forecast.observe(at, sample);
        forecast.floor()
    }
}

#[cfg(not(feature = "forecast"))]
impl Foresight {
    pub(super) fn learns(&self) -> bool {
        false
    }

    pub(super) fn floor(&self, _sample: &Sample) -> Option<usize> {
        None
    }
}
