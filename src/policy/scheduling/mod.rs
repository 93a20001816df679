//! The run order decides which waiting task runs next.
//!
//! Times are nanoseconds since an epoch that the caller chooses. Service is processor time divided
//! by the tenant's weight, in nanoseconds.
//!
//! # Between tenants: start-time fair queueing
//!
//! The tenant that has received the least service is next (Goyal, Vin and Cheng, "Start-time fair
//! queueing", SIGCOMM 1996). The order charges an estimate when a task starts, and corrects it by
//! the measured cost when the task ends. A tenant that returns after a pause starts at the virtual
//! time: the service of the tenants that are next. So unused time is not saved, and a debt stays
//! until the others have caught up. The class of a tenant's next task gives the tenant a credit of
//! some milliseconds of service, so that a burst of urgent work does not wait for exact shares.
//!
//! # Within a tenant: earliest due time first
//!
//! A task is due at its deadline, or after its class's slack, counted from its arrival. Priorities,
//! ageing and deadlines are one rule.
//!
//! # Bounds
//!
//! While a tenant waits with a task, any other tenant is served at most its share, one more task,
//! and the credit of the classes. With `n` tenants of weight 1, whose tasks take at most `c`, at
//! most `(n - 1) x (c + 20 ms)` of work comes before the next task of this tenant. Within the
//! tenant, a task that arrives more than 10 s after another is due after it. So nothing starves.

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

pub(crate) use order::{Grant, Next, RunOrder};
pub(crate) use tenant::{TenantSum, Usage};

use crate::task::Priority;

/// The service, in nanoseconds, by which a tenant precedes others while its next task is of this
/// class. It is enough for a burst, and too little for other tenants to notice.
const fn priority_credit(priority: Priority) -> u64 {
    match priority {
        Priority::Interactive => MAX_PRIORITY_CREDIT,
        Priority::Standard => MAX_PRIORITY_CREDIT / 2,
        Priority::Bulk => 0,
    }
}

/// The credit of the most urgent class, in nanoseconds.
const MAX_PRIORITY_CREDIT: u64 = 20_000_000;
