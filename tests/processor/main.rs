//! What a processor promises, one module a promise.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

mod answers;
#[cfg(feature = "documents")]
#[path = "../../crates/documents/tests/documents/chunked_support/mod.rs"]
mod chunked_support;
mod chunks;
mod conversions;
mod helping;
mod inlining;
mod long_batches;
mod memory;
mod metrics;
#[path = "../support/pool.rs"]
mod pool_support;
#[path = "../support/processor.rs"]
mod processor_support;
mod reader;
#[cfg(feature = "documents")]
mod reader_documents;
mod reader_support;
mod retry;
mod single;
mod stream;
mod tenants;
mod terms;
mod thread_end;
mod timeout;
mod user_code;
mod within_a_task;
