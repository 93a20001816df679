//! A pool that is kept saturated.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::peer::Peer;
use super::spin::Spin;

/// Tasks that are kept under way.
const OUTSTANDING: usize = 64;

/// Users who ask for one task after the other, until the end.
pub struct Saturation {
    stop: Arc<AtomicBool>,
    users: Vec<JoinHandle<u64>>,
}

impl Saturation {
    pub fn start<P: Peer>(users: &Handle, peer: &P, spin: Spin) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let user = |peer: P, stop: Arc<AtomicBool>| async move {
            let mut tasks = 0;
            while !stop.load(Relaxed) {
                peer.run(move || spin.run()).await;
                tasks += 1;
            }
            tasks
        };
        let users = (0..OUTSTANDING).map(|_| users.spawn(user(peer.clone(), Arc::clone(&stop)))).collect();
        Self { stop, users }
    }

    /// Waits for the tasks that are under way. Returns how many ended since the start.
    pub fn end(self, users: &Handle) -> u64 {
        self.stop.store(true, Relaxed);
        let tasks = self.users.into_iter().map(|user| users.block_on(user).expect("a user ends well"));
        tasks.sum()
    }
}
