//! What can be read of a pool beside its statistics: by class, worker, tenant and reason, and from
//! one reading to the next.

pub(super) mod counts;
pub(super) mod intervals;
pub(super) mod latencies;
pub(super) mod observer;
pub(super) mod tenants;
pub(super) mod workers;
