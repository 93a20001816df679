//! Who is measured: every peer, and the pool in other settings, each beside a runtime of its own.

use std::sync::Mutex;
use std::time::Duration;

use millpond::{AdaptiveThreadPool, PoolConfig, time_slice};
use millpond_peers::lag::{Lag, Wake};
use millpond_peers::peer::{Peer, Workload};
use millpond_peers::peers::millpond::Millpond;
use millpond_peers::peers::{NAMES, OURS, Peers};
use millpond_peers::spin::Spin;
use millpond_peers::{cores, user_runtime};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::arrivals::{Arrivals, Seen};
use crate::crowd::Crowd;
use crate::neighbours::Saturated;

/// A pool and the runtime of its users.
pub(crate) struct Entrant {
    pub(crate) name: String,
    pub(crate) users: Runtime,
    who: Who,
}

enum Who {
    /// The number of a peer.
    Peer(usize, Box<Peers>),
    Variant(Millpond),
}

/// Something that is measured alike with all of them.
pub(crate) trait Measured {
    type Seen;

    fn measure<P: Peer>(&self, users: &Handle, peer: &P) -> Self::Seen;
}

impl Entrant {
    pub(crate) fn measure<M: Measured>(&self, what: &M) -> M::Seen {
        match &self.who {
            Who::Variant(pool) => what.measure(self.users.handle(), pool),
            Who::Peer(number, peers) => {
                let through = Through { users: self.users.handle(), what, seen: std::cell::Cell::new(None) };
                peers.measure(*number, &through);
                through.seen.into_inner().expect("it was measured")
            }
        }
    }
}

/// What is seen of a peer that is known by its number.
struct Through<'a, M: Measured> {
    users: &'a Handle,
    what: &'a M,
    seen: std::cell::Cell<Option<M::Seen>>,
}

impl<M: Measured> Workload for Through<'_, M> {
    fn measure<P: Peer>(&self, peer: &P) -> f64 {
        self.seen.set(Some(self.what.measure(self.users, peer)));
        0.0
    }
}

impl Measured for Arrivals {
    type Seen = Seen;

    fn measure<P: Peer>(&self, users: &Handle, peer: &P) -> Seen {
        self.measure(users, peer)
    }
}

impl Measured for Crowd {
    type Seen = Vec<f64>;

    fn measure<P: Peer>(&self, users: &Handle, peer: &P) -> Vec<f64> {
        self.measure(users, peer)
    }
}

impl Measured for Saturated {
    type Seen = f64;

    fn measure<P: Peer>(&self, users: &Handle, peer: &P) -> f64 {
        self.measure(users, peer)
    }
}

/// A handler beside 64 tasks that are kept under way.
pub(crate) struct Beside {
    pub(crate) wake: Wake,
    pub(crate) spin: Spin,
}

impl Measured for Beside {
    type Seen = Vec<f64>;

    fn measure<P: Peer>(&self, users: &Handle, peer: &P) -> Vec<f64> {
        let (wake, spin) = (self.wake, self.spin);
        let lag = Lag { users: users.clone(), wake, events: 500, spin, seen: Mutex::default() };
        Workload::measure(&lag, peer);
        lag.take()
    }
}

/// All peers that are wanted, ours first, and then the variants: `n3` (niceness 3), `s10` (the
/// workers' slice is 10 ms; `s0`: the kernel's own), `r0.1` (the slice of the runtime's threads is
/// 0.1 ms), `y200` (a worker yields after 200 us; `y0`: never), `t1` (one thread), and whatever is
/// put together of them, as `n3s10r0.1`.
pub(crate) fn entrants(variants: &[String], peers: &[usize]) -> Vec<Entrant> {
    let mut entrants: Vec<Entrant> = peers.iter().map(|&number| peer(number)).collect();
    entrants.extend(variants.iter().map(|variant| self::variant(variant)));
    entrants
}

fn peer(number: usize) -> Entrant {
    let users = user_runtime();
    // The others cost nothing: their threads sleep.
    let peers = Box::new(Peers::new(users.handle(), None));
    let name = NAMES[number].to_owned();
    Entrant { name, who: Who::Peer(number, peers), users }
}

/// The numbers of all peers.
pub(crate) fn all_peers() -> Vec<usize> {
    (OURS..NAMES.len()).collect()
}

fn variant(text: &str) -> Entrant {
    let mut config = PoolConfig { max_threads: cores(), ..PoolConfig::default() };
    let mut runtime = None;
    let mut rest = text;
    while let Some(what) = rest.chars().next() {
        let end = rest[1..].find(|c: char| c.is_ascii_alphabetic()).map_or(rest.len(), |at| at + 1);
        let value: f64 = rest[1..end].parse().unwrap_or_else(|_| panic!("a number after {what} in {text}"));
        let slice = Some(Duration::from_secs_f64(value / 1e3));
        match what {
            'n' => config.worker_niceness = value as u8,
            'y' => config.yield_interval = (value > 0.0).then(|| Duration::from_secs_f64(value / 1e6)),
            't' => config.max_threads = value as usize,
            's' => config.worker_slice = slice.filter(|slice| !slice.is_zero()),
            'r' => runtime = slice,
            _ => panic!("no setting {what} in {text}"),
        }
        rest = &rest[end..];
    }
    let pool = AdaptiveThreadPool::try_with_config(config).expect("a pool");
    let users = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || apply(runtime))
        .build()
        .expect("a runtime for the users");
    Entrant { name: format!("millpond {text}"), who: Who::Variant(Millpond(pool)), users }
}

fn apply(slice: Option<Duration>) {
    if let Some(slice) = slice {
        time_slice::set(slice).expect("a kernel with slices, for a variant that has one");
    }
}
