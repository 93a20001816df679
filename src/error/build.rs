//! Why a pool or a processor could not be built.

use std::{fmt, io};

/// A configuration value out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field} is {value}, but must be {accepted}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The field's name.
    pub field: &'static str,
    /// The value that was given.
    pub value: String,
    /// The range that is accepted, in words.
    pub accepted: String,
}

impl ConfigError {
    pub(crate) fn new(field: &'static str, value: impl fmt::Debug, accepted: impl Into<String>) -> Self {
        Self { field, value: format!("{value:?}"), accepted: accepted.into() }
    }
}

#[cfg(feature = "forecast")]
impl From<millpond_forecast::ForecastError> for ConfigError {
    fn from(error: millpond_forecast::ForecastError) -> Self {
        Self { field: error.field, value: error.value, accepted: error.accepted }
    }
}

/// Why a pool could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A value of the configuration is out of its range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operating system refused one of the first `min_threads` threads. Those started before
    /// end again.
    #[error("could not start a worker thread")]
    Spawn(#[source] io::Error),
    /// The operating system refused the timer thread of a pool with a forecast. The pool's other
    /// threads end again.
    #[error("could not start the timer thread")]
    Timer(#[source] io::Error),
}

/// Returns the value, for constructors that panic on an error.
///
/// # Panics
/// On an error, with its text and that of its cause.
#[track_caller]
pub(crate) fn or_panic<T>(built: Result<T, BuildError>) -> T {
    match built {
        Ok(value) => value,
        Err(error @ BuildError::Config(_)) => panic!("invalid configuration: {error}"),
        Err(ref error @ (BuildError::Spawn(ref cause) | BuildError::Timer(ref cause))) => {
            panic!("{error}: {cause}")
        }
    }
}

/// For functions that return [`io::Result`]. An invalid configuration is
/// [`InvalidInput`](io::ErrorKind::InvalidInput). A thread that could not be started has the kind
/// of the operating system's error. The error itself is within.
impl From<BuildError> for io::Error {
    fn from(error: BuildError) -> Self {
        let kind = match &error {
            BuildError::Config(_) => io::ErrorKind::InvalidInput,
            BuildError::Spawn(cause) | BuildError::Timer(cause) => cause.kind(),
        };
        Self::new(kind, error)
    }
}
