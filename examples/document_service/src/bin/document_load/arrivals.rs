//! When clients come.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_local};
use tokio::time::{Instant, interval, sleep_until, timeout_at};

use super::connection::Connection;
use super::request::Request;
use super::tally::Tally;

/// A client that came then, with its request.
type Arrival = (Instant, Rc<Request>);

/// Connections that have nothing to do. The last that became idle is used first, so that there are no more than it takes.
pub(crate) struct Idle {
    waiting: Rc<RefCell<Vec<oneshot::Sender<Arrival>>>>,
    tally: Rc<Tally>,
}

impl Idle {
    pub(crate) fn new(address: SocketAddr, connections: usize, tally: Rc<Tally>) -> Self {
        let waiting = Rc::<RefCell<Vec<_>>>::default();
        for _ in 0..connections {
            let (waiting, tally) = (Rc::clone(&waiting), Rc::clone(&tally));
            spawn_local(async move {
                let mut connection = Connection::new(address);
                loop {
                    let (sender, next) = oneshot::channel::<Arrival>();
                    waiting.borrow_mut().push(sender);
                    let Ok((came, request)) = next.await else { return };
                    tally.count(came, connection.ask(&request).await.ok());
                }
            });
        }
        Self { waiting, tally }
    }
}

/// Poisson arrivals until `end`. When they are late they are made up for, and no client's time begins later for that.
pub(crate) async fn open(rate: f64, seed: u64, requests: &[Rc<Request>], idle: &Idle, end: Instant) {
    let (mut chance, mut next) = (Chance(seed), Instant::now());
    let mut tick = interval(Duration::from_millis(1));
    while next < end {
        tick.tick().await;
        while next <= Instant::now() && next < end {
            idle.tally.arrive(next);
            let arrival = (next, Rc::clone(chance.one_of(requests)));
            let connection = idle.waiting.borrow_mut().pop();
            if connection.is_none_or(|connection| connection.send(arrival).is_err()) {
                idle.tally.count(next, None);
            }
            next += Duration::from_secs_f64(-(1.0 - chance.unit()).ln() / rate);
        }
    }
    sleep_until(idle.tally.close()).await;
}

/// So many connections, each of which asks as soon as it was answered.
pub(crate) async fn closed(
    address: SocketAddr,
    connections: usize,
    seed: u64,
    requests: &[Rc<Request>],
    tally: &Rc<Tally>,
) {
    let mut clients = JoinSet::new();
    for n in 0..connections {
        let (tally, requests) = (Rc::clone(tally), requests.to_vec());
        clients.spawn_local(async move {
            let (mut connection, mut chance) = (Connection::new(address), Chance(seed + n as u64));
            while Instant::now() < tally.end {
                let came = Instant::now();
                tally.arrive(came);
                let request: &Rc<Request> = chance.one_of(&requests);
                tally.count(came, connection.ask(request).await.ok());
            }
        });
    }
    // Who has no answer by then is dropped, and counted as unanswered.
    let _ = timeout_at(tally.close(), async { while clients.join_next().await.is_some() {} }).await;
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn one_of<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[(self.next() % of.len() as u64) as usize]
    }
}
