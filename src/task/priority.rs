//! The priorities of tasks.

use std::time::Duration;

use crate::error::names;

/// How urgent a task is. The priority gives a task its slack: the task is due that long after it
/// was submitted, and the task that is due first runs first. So urgent tasks run first, and the
/// other tasks age until their turn comes.
///
/// `Bulk < Standard < Interactive`: the greater priority is the more urgent one.
///
/// ```
/// use millpond::Priority;
///
/// assert!(Priority::Interactive > Priority::Bulk);
/// assert_eq!("bulk".parse(), Ok(Priority::Bulk));
/// assert_eq!(Priority::Bulk.to_string(), "bulk");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Priority {
    /// Work that nobody waits for. The slack is 10 s.
    Bulk,
    /// Ordinary work. The slack is 1 s.
    #[default]
    Standard,
    /// Work that a person waits for now. The slack is 0.1 s.
    Interactive,
}

impl Priority {
    /// Returns the slack of the priority.
    #[must_use]
    pub const fn slack(self) -> Duration {
        Duration::from_nanos(self.slack_ns())
    }

    pub(crate) const fn slack_ns(self) -> u64 {
        match self {
            Self::Interactive => 100_000_000,
            Self::Standard => 1_000_000_000,
            Self::Bulk => 10_000_000_000,
        }
    }
}

names!("priority", Priority { Bulk: "bulk", Standard: "standard", Interactive: "interactive" });
