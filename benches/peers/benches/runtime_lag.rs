//! How long an async handler sleeps on after it was woken, while a pool beside its runtime is saturated.
//!
//! `cargo bench -p millpond-peers --bench runtime_lag -- --help`
#![allow(unsafe_code, clippy::expect_used)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use millpond_peers::args::Args;
use millpond_peers::measure::{interleave, quantile};
use millpond_peers::peer::{Peer, Workload};
use millpond_peers::peers::{NAMES, OURS, Peers};
use millpond_peers::report::Report;
use millpond_peers::spin::Spin;
use millpond_peers::table::{Table, figure};
use millpond_peers::user_runtime;

const ABOUT: &str = "How late an async handler runs while 64 tasks of 200 us are kept under way in a pool.";

const SECTIONS: [(&str, &str); 2] = [
    ("message", "woken by a message of another thread: from just before the send to the handler's next line"),
    (
        "timer",
        "woken by the runtime's timer: from the deadline (which Tokio rounds up to a whole millisecond)",
    ),
];

/// How often the handler is woken.
const PERIOD: Duration = Duration::from_millis(1);

/// Tasks that are kept under way.
const OUTSTANDING: usize = 64;

/// The number of the competitor that saturates nothing.
const IDLE: usize = NAMES.len();

fn main() -> ExitCode {
    let args = Args::parse(ABOUT, &SECTIONS);
    let mut report = Report::open("runtime_lag", &args);
    let runtime = user_runtime();
    let peers = Peers::new(runtime.handle(), args.niceness);
    let events = if args.quick { 300 } else { 1000 };
    let spin = Spin::calibrated(Duration::from_micros(200));
    for wake in [Wake::Message, Wake::Timer] {
        if args.wants(wake.name()) {
            let lag = Lag { users: runtime.handle().clone(), wake, events, spin, seen: Mutex::default() };
            compare(&args, &mut report, &peers, &lag);
        }
    }
    report.close()
}

fn compare(args: &Args, report: &mut Report, peers: &Peers, lag: &Lag) {
    // The lags of every competitor, a list a round. A sample, which is what the ratios are taken of, is a round's p99.
    let mut rounds = vec![Vec::new(); NAMES.len() + 1];
    let samples = interleave(NAMES.len() + 1, args.rounds(15), args.seed, |who| {
        let p99 = if who == IDLE { lag.beside_nothing() } else { peers.measure(who, lag) };
        rounds[who].push(lag.take());
        p99
    });
    // The first round is the one that warms up.
    let all: Vec<Vec<f64>> = rounds.iter().map(|rounds| rounds[1..].concat()).collect();
    println!("\nlag of a handler, woken by a {} (us)", lag.wake.name());
    let mut table = Table::new(["", "p50", "p99", "p99.9", "p99 of a round", "/ idle"]);
    for who in (0..=IDLE).rev() {
        table.row([
            NAMES.get(who).copied().unwrap_or("(idle)").to_owned(),
            figure(quantile(all[who].clone(), 0.5)),
            figure(quantile(all[who].clone(), 0.99)),
            figure(quantile(all[who].clone(), 0.999)),
            figure(samples.median(who)),
            format!("{:.2}", samples.ratio(who, IDLE)),
        ]);
    }
    table.print();
    let best = samples.best(OURS + 1..IDLE);
    let ratio = samples.ratio(OURS, IDLE);
    let what = format!(
        "p99 lag, woken by a {}: {ratio:.2} x idle ({}, the best peer: {:.2})",
        lag.wake.name(),
        NAMES[best],
        samples.ratio(best, IDLE)
    );
    report.at_most(&what, ratio, 2.0);
}

/// What wakes the handler.
#[derive(Clone, Copy)]
enum Wake {
    Message,
    Timer,
}

impl Wake {
    fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Timer => "timer",
        }
    }
}

/// A handler that is woken once a millisecond, on the runtime whose tasks saturate a pool.
struct Lag {
    users: Handle,
    wake: Wake,
    events: u32,
    spin: Spin,
    /// The lags of the last measurement, in microseconds.
    seen: Mutex<Vec<f64>>,
}

impl Workload for Lag {
    /// The p99, in microseconds.
    fn measure<P: Peer>(&self, peer: &P) -> f64 {
        let stop = Arc::new(AtomicBool::new(false));
        let user = |peer: P, stop: Arc<AtomicBool>, spin: Spin| async move {
            while !stop.load(Relaxed) {
                peer.run(move || spin.run()).await;
            }
        };
        let users: Vec<_> = (0..OUTSTANDING)
            .map(|_| self.users.spawn(user(peer.clone(), Arc::clone(&stop), self.spin)))
            .collect();
        let p99 = self.beside_nothing();
        stop.store(true, Relaxed);
        for user in users {
            self.users.block_on(user).expect("a user ends well");
        }
        p99
    }
}

impl Lag {
    /// The p99, in microseconds, beside whatever runs.
    fn beside_nothing(&self) -> f64 {
        // What was just started, or has just ended, comes to its steady state first.
        thread::sleep(Duration::from_millis(50));
        let events = self.events;
        let lags = match self.wake {
            Wake::Message => {
                let (sender, receiver) = mpsc::unbounded_channel();
                let handler = self.users.spawn(messages(receiver));
                // This thread is the one that sends.
                for _ in 0..events {
                    thread::sleep(PERIOD);
                    let _ = sender.send(Instant::now());
                }
                drop(sender);
                self.users.block_on(handler)
            }
            Wake::Timer => self.users.block_on(self.users.spawn(ticks(events))),
        };
        let lags = lags.expect("the handler ends well");
        let p99 = quantile(lags.clone(), 0.99);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = lags;
        p99
    }

    fn take(&self) -> Vec<f64> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The lag behind every message. Those that queue up behind a late one are late, too, and counted so.
async fn messages(mut receiver: mpsc::UnboundedReceiver<Instant>) -> Vec<f64> {
    let mut lags = Vec::new();
    while let Some(sent) = receiver.recv().await {
        lags.push(micros(sent));
    }
    lags
}

/// The lag behind every deadline; one that is missed does not move the next.
async fn ticks(events: u32) -> Vec<f64> {
    let mut clock = interval(PERIOD);
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    clock.tick().await;
    let mut lags = Vec::new();
    for _ in 0..events {
        lags.push(micros(clock.tick().await));
    }
    lags
}

fn micros(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}
