//! Counts by reason.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::RejectReason;
use crate::policy::scaling::Reason;

/// Declares the counts of an enum's variants, and the counters behind them.
macro_rules! counts {
    (
        $(#[$attribute:meta])* $counts:ident, $(#[$counters_attribute:meta])* $counters:ident, $reason:ident {
            $($(#[$field_attribute:meta])* $field:ident: $variant:ident,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        #[non_exhaustive]
        pub struct $counts {
            $($(#[$field_attribute])* pub $field: u64,)*
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

        $(#[$counters_attribute])*
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
    Refusals,
    /// Counts [`Refusals`].
    RefusalCounters,
    RejectReason {
        /// [`RejectReason::QueueFull`].
        queue_full: QueueFull,
        /// [`RejectReason::TenantLimit`].
        tenant_limit: TenantLimit,
        /// [`RejectReason::Expired`]: the deadline had passed when the work came. Work that was
        /// accepted and expired later is in
        /// [`tasks_expired`](crate::PoolStatistics::tasks_expired).
        expired: Expired,
        /// [`RejectReason::DeadlineTooNear`].
        deadline_too_near: DeadlineTooNear,
        /// [`RejectReason::Overloaded`], when the work came or after it had waited too long.
        overloaded: Overloaded,
        /// [`RejectReason::Evicted`].
        evicted: Evicted,
        /// [`RejectReason::ByteBudget`].
        byte_budget: ByteBudget,
        /// [`RejectReason::NeverFits`].
        never_fits: NeverFits,
        /// [`RejectReason::ShuttingDown`].
        shutting_down: ShuttingDown,
    }
}

counts! {
    /// How often the number of threads was decided, by [`Reason`].
    Decisions,
    /// Counts [`Decisions`].
    DecisionCounters,
    Reason {
        /// [`Reason::Unchanged`].
        unchanged: Unchanged,
        /// [`Reason::Settled`].
        settled: Settled,
        /// [`Reason::WorkBlocks`].
        work_blocks: WorkBlocks,
        /// [`Reason::CoresTaken`].
        cores_taken: CoresTaken,
        /// [`Reason::NoGain`].
        no_gain: NoGain,
        /// [`Reason::Surplus`].
        surplus: Surplus,
        /// [`Reason::CoresChanged`].
        cores_changed: CoresChanged,
        /// [`Reason::Trial`].
        trial: Trial,
        /// [`Reason::Foreseen`].
        foreseen: Foreseen,
        /// [`Reason::AllBlocked`].
        all_blocked: AllBlocked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_count_and_they_add_up() {
        let counters = RefusalCounters::default();
        counters.count(RejectReason::QueueFull);
        let earlier = counters.read();
        counters.count(RejectReason::QueueFull);
        counters.count(RejectReason::Evicted);
        let counts = counters.read();
        assert_eq!((counts.queue_full, counts.evicted, counts.total()), (2, 1, 3));
        assert_eq!(counts.diff(&earlier).iter().filter(|(_, count)| *count == 1).count(), 2);
    }
}
