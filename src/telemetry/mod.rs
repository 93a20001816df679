//! The figures of pools and processors, for monitoring systems.
//!
//! | Feature | Exporter | |
//! |---|---|---|
//! | `prometheus` | [`PoolCollector`], [`ProcessorCollector`] | collectors for a registry of [`prometheus_client`]: they read the figures when the registry is encoded |
//! | `metrics` | [`Reporter`] | reads the figures at an interval, and sets those of the recorder of the facade [`metrics`] |
//!
//! [`guide::metrics`](crate::guide::metrics) lists every metric with its type, unit and labels.
//!
//! No exporter keeps a pool open: when the last handle of a pool is dropped, the pool closes.
//! Labels hold what the program itself named: tenants, and the labels of an exporter. No metric
//! shows a document's content.

mod family;
#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(feature = "metrics")]
mod reporter;
mod source;
mod tenants;

#[cfg(feature = "prometheus")]
pub use prometheus::{PoolCollector, ProcessorCollector};
#[cfg(feature = "metrics")]
pub use reporter::Reporter;
