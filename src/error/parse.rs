//! A name that is not a value.

use std::fmt::Display;

/// The error of `FromStr` for [`Priority`](crate::Priority), [`Shedding`](crate::Shedding) and
/// [`Pressure`](crate::Pressure): no value has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {name:?}, but it must be one of {accepted}")]
#[non_exhaustive]
pub struct ParseError {
    /// What was to be parsed.
    pub what: &'static str,
    /// The name that was given, cut to 64 characters.
    pub name: String,
    /// The names that are accepted.
    pub accepted: String,
}

impl ParseError {
    /// The value among `all` that displays as `name`, in any case.
    pub(crate) fn find<T: Copy + Display>(what: &'static str, name: &str, all: &[T]) -> Result<T, Self> {
        let found = all.iter().find(|value| value.to_string().eq_ignore_ascii_case(name));
        found.copied().ok_or_else(|| Self {
            what,
            name: name.chars().take(64).collect(),
            accepted: all.iter().map(T::to_string).collect::<Vec<_>>().join(", "),
        })
    }
}
