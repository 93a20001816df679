//! A name that is not a value.

use std::fmt::Display;

/// The error of `FromStr` for values with names, such as [`Priority`](crate::Priority): no value
/// has this name.
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

/// Implements `Display` and `FromStr` for an enum by the name of each value. `$what` is for the
/// [`ParseError`].
macro_rules! names {
    ($what:literal, $type:ident { $($value:ident: $name:literal),+ $(,)? }) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(match self {
                    $(Self::$value => $name,)+
                })
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::ParseError;

            /// Parses the names that `Display` writes, in upper or lower case.
            fn from_str(name: &str) -> Result<Self, Self::Err> {
                $crate::error::ParseError::find($what, name, &[$(Self::$value),+])
            }
        }
    };
}

pub(crate) use names;
