//! How long an async handler sleeps on after it was woken, while a pool beside its runtime is saturated.
//!
//! `cargo bench -p millpond-peers --bench runtime_lag -- --help`
#![allow(unsafe_code, clippy::expect_used)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use millpond_peers::args::Args;
use millpond_peers::lag::{Lag, Wake};
use millpond_peers::measure::{interleave, quantile};
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
