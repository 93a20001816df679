//! Counts by reason.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::RejectReason;
use crate::policy::scaling::Reason;

/// Declares the counts of an enum's variants, and the counters behind them.
macro_rules! counts {
    (
        $(#[$attribute:meta])* $counts:ident, $counters:ident, $reason:ident {
            $($(#[$more:meta])* $field:ident: $variant:ident,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        #[non_exhaustive]
        pub struct $counts {
            $(
                #[doc = concat!("[`", stringify!($reason), "::", stringify!($variant), "`].")]
                $(#[$more])*
                pub $field: u64,
            )*
        }

        impl $counts {
            /// Returns the sum over all reasons.
            #[must_use]
            pub fn total(&self) -> u64 {
                self.iter().map(|(_, count)| count).sum()
            }

            /// The names of the fields with their values.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field)),*].into_iter()
            }

            /// What came since `earlier`.
            #[must_use]
            pub fn diff(&self, earlier: &Self) -> Self {
                Self { $($field: self.$field.saturating_sub(earlier.$field),)* }
            }
        }

        #[derive(Debug, Default)]
        pub(in crate::pool) struct $counters {
            $($field: AtomicU64,)*
        }

        impl $counters {
            pub(in crate::pool) fn count(&self, reason: $reason) {
                let counter = match reason {
                    $($reason::$variant => &self.$field,)*
                };
                counter.fetch_add(1, Ordering::Relaxed);
            }

            /// The name of a reason: in the counts, as a label of metrics, and in events.
            pub(in crate::pool) fn name_of(reason: $reason) -> &'static str {
                match reason {
                    $($reason::$variant => stringify!($field),)*
                }
            }

            pub(in crate::pool) fn read(&self) -> $counts {
                $counts { $($field: self.$field.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counts! {
    /// How often work was refused, by [`RejectReason`].
    Refusals, RefusalCounters, RejectReason {
        queue_full: QueueFull,
        tenant_limit: TenantLimit,
        /// The deadline had passed when the work came. Work that was accepted and expired later is
        /// in [`tasks_expired`](crate::PoolStatistics::tasks_expired).
        expired: Expired,
        deadline_too_near: DeadlineTooNear,
        /// When the work came, or after it had waited too long.
        overloaded: Overloaded,
        evicted: Evicted,
        byte_budget: ByteBudget,
        never_fits: NeverFits,
        shutting_down: ShuttingDown,
    }
}

counts! {
    /// How often the number of threads was decided, by [`Reason`].
    Decisions, DecisionCounters, Reason {
        unchanged: Unchanged,
        settled: Settled,
        work_blocks: WorkBlocks,
        cores_taken: CoresTaken,
        no_gain: NoGain,
        surplus: Surplus,
        cores_changed: CoresChanged,
        trial: Trial,
        foreseen: Foreseen,
        all_blocked: AllBlocked,
    }
}
