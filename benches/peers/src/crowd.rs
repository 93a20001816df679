//! Concurrent users of a pool.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::peer::{Peer, Workload};

/// So many users, each of them a Tokio task that awaits one `work` after the other.
pub struct Crowd<F> {
    pub runtime: Handle,
    pub users: usize,
    /// Of all users together, about.
    pub tasks: usize,
    pub work: F,
}

impl<F> Crowd<F> {
    fn each(&self) -> usize {
        self.tasks.div_ceil(self.users)
    }

    /// How many tasks that makes exactly.
    pub fn total(&self) -> usize {
        self.each() * self.users
    }
}

impl<F, T> Crowd<F>
where
    F: FnOnce() -> T + Copy + Send + Sync + 'static,
    T: Send + 'static,
{
    /// From the first user's arrival to the last one's end.
    pub fn pass(&self, peer: &impl Peer) -> Duration {
        let (each, work) = (self.each(), self.work);
        let start = Instant::now();
        self.runtime.block_on(async {
            let users: Vec<_> = (0..self.users)
                .map(|_| {
                    let peer = peer.clone();
                    tokio::spawn(async move {
                        for _ in 0..each {
                            peer.run(work).await;
                        }
                    })
                })
                .collect();
            for user in users {
                user.await.expect("a user ends well");
            }
        });
        start.elapsed()
    }
}

impl<F, T> Workload for Crowd<F>
where
    F: FnOnce() -> T + Copy + Send + Sync + 'static,
    T: Send + 'static,
{
    /// Microseconds a task.
    fn measure<P: Peer>(&self, peer: &P) -> f64 {
        self.pass(peer).as_secs_f64() * 1e6 / self.total() as f64
    }
}
