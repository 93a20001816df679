//! The run order: which of the tasks that wait is next. Times are nanoseconds since an epoch of the caller's choice.
//!
//! # Between tenants: start-time fair queueing
//!
//! Every tenant has an account of the service that it has had, in nanoseconds of processor time divided by its weight. The
//! tenant that has had least is next (Goyal, Vin and Cheng, "Start-time fair queueing", SIGCOMM 1996). An estimate is
//! charged when a task begins, and put right by what was measured when it ends. Who comes back after a pause starts
//! where the others are: nothing is saved up, and debts stay until the others have caught up.
//!
//! The class of a tenant's next task gives it a lead of a few milliseconds of service before others, so that a burst of
//! urgent work is not held up for the sake of perfect shares.
//!
//! # Within a tenant: earliest due first
//!
//! A task is due at its deadline, or else its class's slack after it came. Priorities, ageing and deadlines are one rule.
//!
//! # Bounds
//!
//! While a tenant waits with a task, any other is served at most its share, one task more, and the lead of the classes: with `n`
//! tenants of weight 1, of which no task takes longer than `c`, at most `(n - 1) x (c + 20 ms)` of work comes before the next task
//! of this tenant. Within the tenant, whatever comes later than `10 s` after a task is due after it. So nothing starves.

mod accounts;
mod demand;
mod order;
#[cfg(test)]
mod order_tests;
mod queue;
#[cfg(test)]
mod simulation;
mod tenant;
#[cfg(test)]
mod together_tests;

pub(crate) use order::{Next, RunOrder, Took, Turn};

use crate::policy::smooth;
use crate::task::Priority;

/// A smoothed mean that begins with its first value.
fn mean(known: u64, newest: u64) -> u64 {
    if known == 0 { newest } else { smooth(known, newest) }
}

/// So much service, in nanoseconds, a tenant may be ahead of its share when work of this class is next: enough for a
/// burst, too little to be felt by the others.
const fn lead(priority: Priority) -> u64 {
    match priority {
        Priority::Interactive => MOST_LEAD,
        Priority::Standard => MOST_LEAD / 2,
        Priority::Bulk => 0,
    }
}

/// The lead of the most urgent class.
const MOST_LEAD: u64 = 20_000_000;
