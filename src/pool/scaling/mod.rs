//! The sizing of a pool: samples for the controller, checks for blocked workers, the forecast.

pub(super) mod blocked_detector;
pub(super) mod foresight;
pub(super) mod sampler;
pub(super) mod scaler;
pub(super) mod state;
