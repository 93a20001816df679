//! Users who ask for one task after the other, and wait for each.

use std::time::Instant;

use millpond_peers::peer::Peer;
use millpond_peers::spin::Spin;
use tokio::runtime::Handle;

/// One measurement.
pub(crate) struct Crowd {
    pub(crate) users: usize,
    /// Of each user.
    pub(crate) tasks: usize,
    pub(crate) spin: Spin,
}

impl Crowd {
    /// How long each task took, from its submission to the user's next line, in microseconds. The first tenth warms up.
    pub(crate) fn measure<P: Peer>(&self, users: &Handle, peer: &P) -> Vec<f64> {
        let (tasks, spin) = (self.tasks, self.spin);
        let user = |peer: P| async move {
            let mut latencies = Vec::with_capacity(tasks);
            for number in 0..tasks {
                let start = Instant::now();
                peer.run(move || spin.run()).await;
                if number >= tasks / 10 {
                    latencies.push(start.elapsed().as_secs_f64() * 1e6);
                }
            }
            latencies
        };
        let all: Vec<_> = (0..self.users).map(|_| users.spawn(user(peer.clone()))).collect();
        users.block_on(async {
            let mut latencies = Vec::with_capacity(self.users * tasks);
            for user in all {
                latencies.extend(user.await.expect("a user ends well"));
            }
            latencies
        })
    }
}
