//! What the benches share: the peers, interleaved measurement, counters and tables.
//!
//! Every bench is a program of its own and uses a part of this.
#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::new_without_default,
    reason = "it is read by those who write benches"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot measure ends")]

pub mod alloc;
pub mod args;
pub mod capacity;
pub mod conversion;
pub mod corpus;
pub mod cpu;
pub mod crowd;
pub mod lag;
pub mod load;
pub mod measure;
pub mod open_loop;
pub mod overload_contenders;
pub mod peer;
pub mod peers;
pub mod processor;
pub mod report;
pub mod saturation;
pub mod spin;
pub mod table;

/// The cores that this process may use: as many threads are given to every pool that takes a number.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The runtime that the users live on: two workers, as on a small service, whatever the machine.
///
/// # Panics
/// The operating system starts no threads: there is nothing to measure then.
pub fn user_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("user")
        .enable_all()
        // For the peer `spawn_blocking`: as many threads as every other pool has. With its default of 512 it is slower
        // in every section (each blocked-on task then starts or wakes a thread of its own).
        .max_blocking_threads(cores())
        .build()
        .expect("a runtime for the users")
}
