//! What every pool is asked to do.

use std::future::Future;

/// A pool that runs closures for async code. A clone is another handle to the same pool.
pub trait Peer: Clone + Send + Sync + 'static {
    /// Runs `work` and yields its result; as a handler would await it.
    fn run<F, T>(&self, work: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;

    /// Starts `work` at once; what is returned waits for the result.
    fn submit<F, T>(&self, work: F) -> impl Future<Output = T> + Send + 'static
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;
}

/// Something measured alike on every peer, in whatever unit the section says.
pub trait Workload {
    /// One sample.
    fn measure<P: Peer>(&self, peer: &P) -> f64;
}
