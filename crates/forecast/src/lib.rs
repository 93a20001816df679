//! How much load there will be in a moment, so that threads are there before it comes.
//!
//! Two ways to forecast run side by side: level and trend alone, and the same on what is left when what is usual at this
//! time of the season is taken off. The one that was better recently is believed, if it is better than to expect that all stays as it
//! is. Everything is learnt online, in constant time a step and bounded memory.
//!
//! Use it through `millpond`, which re-exports it as `millpond::scaling` with the feature `forecast`.

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
