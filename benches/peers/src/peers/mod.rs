//! Every pool under test, built once and kept warm, each used as its own documentation advises.

pub mod millpond;
mod pools;
pub mod rayon;
pub mod tokio;

use ::tokio::runtime::Handle;

use super::peer::Workload;

/// The peers' names, in the order of their numbers. Ours comes first.
pub const NAMES: [&str; 7] = [
    "millpond",
    "spawn_blocking",
    "rayon + oneshot",
    "tokio-rayon",
    "affinitypool",
    "rusty_pool",
    "second runtime",
];

/// The number of our own pool.
pub const OURS: usize = 0;

/// One pool of each kind.
pub struct Peers {
    pub millpond: millpond::Millpond,
    blocking: tokio::SpawnBlocking,
    rayon: rayon::RayonOneshot,
    tokio_rayon: rayon::TokioRayon,
    affinity: pools::AffinityPool,
    rusty: pools::RustyPool,
    second: tokio::SecondRuntime,
}

impl Peers {
    /// All of them, beside the runtime of the users; `niceness` is that of our workers.
    pub fn new(users: &Handle, niceness: Option<u8>) -> Self {
        Self {
            millpond: millpond::Millpond::new(niceness),
            blocking: tokio::SpawnBlocking(users.clone()),
            rayon: rayon::RayonOneshot::new(),
            tokio_rayon: rayon::TokioRayon::new(),
            affinity: pools::AffinityPool::new(),
            rusty: pools::RustyPool::new(),
            second: tokio::SecondRuntime::new(),
        }
    }

    /// One sample of `workload` on the peer of this number.
    pub fn measure(&self, peer: usize, workload: &impl Workload) -> f64 {
        match peer {
            0 => workload.measure(&self.millpond),
            1 => workload.measure(&self.blocking),
            2 => workload.measure(&self.rayon),
            3 => workload.measure(&self.tokio_rayon),
            4 => workload.measure(&self.affinity),
            5 => workload.measure(&self.rusty),
            6 => workload.measure(&self.second),
            _ => unreachable!("there is no peer {peer}"),
        }
    }
}
