//! The service over real connections: what it answers, how it is configured, and how it ends.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod answers;
mod clients;
mod config;
#[path = "../../src/main.rs"]
#[allow(dead_code, reason = "the test is another program than the service")]
mod document_service;
mod end;
mod files;
mod heads;
mod index;
mod negotiation;
#[path = "../../../../tests/support/pool.rs"]
mod pool_support;
#[path = "../../../../tests/services/tests/services/support.rs"]
mod service_support;
mod stream;
mod support;
