//! Other programs that compute, and how much of the machine a saturated pool has beside them.

use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use millpond_peers::cores;
use millpond_peers::peer::Peer;
use millpond_peers::saturation::Saturation;
use millpond_peers::spin::Spin;
use tokio::runtime::Handle;

/// One program that computes for each core. They end with this.
pub(crate) struct Neighbours(Vec<Child>);

impl Neighbours {
    pub(crate) fn start() -> std::io::Result<Self> {
        let mut started = Self(Vec::new());
        for _ in 0..cores() {
            started.0.push(Command::new("sh").args(["-c", "while :; do :; done"]).spawn()?);
        }
        Ok(started)
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It can't have ended by itself, and one that has needs no end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// One measurement.
pub(crate) struct Saturated {
    pub(crate) spin: Spin,
    /// What a task takes on a core of its own.
    pub(crate) task: Duration,
    pub(crate) time: Duration,
}

impl Saturated {
    /// The wall clock's time for each core's time of work, in microseconds per microsecond: 1 with
    /// a core for each worker.
    pub(crate) fn measure<P: Peer>(&self, users: &Handle, peer: &P) -> f64 {
        let start = Instant::now();
        let saturation = Saturation::start(users, peer, self.spin);
        thread::sleep(self.time);
        let worked = saturation.end(users) as f64 * self.task.as_secs_f64();
        cores() as f64 * start.elapsed().as_secs_f64() / worked
    }
}
