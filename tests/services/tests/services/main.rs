//! The services of tower and axum with real servers and clients.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod admission;
mod axum;
mod contract;
mod conversion;
mod cpu;
mod dashboard;
mod handlers;
mod offload;
#[path = "../../../support/pool.rs"]
mod pool_support;
#[path = "../../../support/processor.rs"]
mod processor_support;
mod readme;
#[path = "support.rs"]
mod service_support;
mod tenant;
mod tonic;
