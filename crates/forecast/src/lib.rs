//! Predicts the load of a pool, so that threads are started before the load arrives.
//!
//! Two forecasts run in parallel: level and trend of the load, and level and trend of the residual
//! after the seasonal mean is subtracted. The one with the smaller recent error is used, if it is
//! better than the naive forecast, which repeats the last value. Everything is learnt online, in
//! constant time for each step and in bounded memory.
//!
//! Use it through `millpond`, which re-exports it as `millpond::scaling` with the feature
//! `forecast`.

#![forbid(unsafe_code)]

mod config;
mod forecast;
mod holt;
mod observation;
mod season;
mod skill;

pub use self::{
    config::{ForecastConfig, ForecastError},
    forecast::{Forecast, History},
    observation::Observation,
};
