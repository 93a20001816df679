//! How long tasks take at the loads that services have, and how late the handlers beside them run.
//!
//! `cargo bench -p millpond-peers --bench latency -- --help`
#![allow(clippy::expect_used, reason = "a bench that cannot measure ends")]

#[path = "latency/arrivals.rs"]
mod arrivals;
#[path = "latency/crowd.rs"]
mod crowd;
#[path = "latency/entrants.rs"]
mod entrants;
#[path = "latency/neighbours.rs"]
mod neighbours;

use std::process::ExitCode;
use std::time::Duration;

use millpond_peers::args::Args;
use millpond_peers::lag::Wake;
use millpond_peers::measure::{Samples, interleave, quantile};
use millpond_peers::peers::{NAMES, OURS};
use millpond_peers::report::Report;
use millpond_peers::spin::Spin;
use millpond_peers::table::{Table, figure};

use crate::arrivals::{Arrivals, Kind};
use crate::crowd::Crowd;
use crate::entrants::{Beside, Entrant, all_peers, entrants};
use crate::neighbours::{Neighbours, Saturated};

const ABOUT: &str = "How long tasks take at ordinary loads, from Poisson arrivals and from a few users, and how late handlers run.";

const SECTIONS: [(&str, &str); 8] = [
    ("20us", "tasks of 20 us come at random, at 30, 50, 70 and 90 % of what can be done"),
    ("200us", "the same of 200 us"),
    ("1ms", "the same of 1 ms"),
    ("mixed", "99 % of 20 us, 1 % of 5 ms"),
    ("closed", "4, 16 and 64 users of tasks of 1 us and of 20 us, one after the other"),
    ("message", "how late a handler is woken by a message, beside a saturated pool"),
    ("timer", "how late a handler is woken by a timer, beside a saturated pool"),
    ("share", "how much a saturated pool gets done beside as many programs that compute as there are cores"),
];

const KINDS: [Kind; 4] = [
    Kind::plain("20us", Duration::from_micros(20)),
    Kind::plain("200us", Duration::from_micros(200)),
    Kind::plain("1ms", Duration::from_millis(1)),
    Kind::mixed("mixed", Duration::from_micros(20), Duration::from_millis(5), 100),
];

const LOADS: [f64; 4] = [0.3, 0.5, 0.7, 0.9];

/// The tasks that saturate the pool beside a handler, and what part of the best peer's lag is the
/// goal. Of long ones there is none: a worker can hand its core over between two tasks only.
const BESIDE: [(Duration, f64); 2] =
    [(Duration::from_micros(200), 0.3), (Duration::from_millis(5), f64::INFINITY)];

/// The neutral peer that says what can be done: rayon with a oneshot channel.
const NEUTRAL: usize = 2;

fn main() -> ExitCode {
    let args = Args::parse(ABOUT, &SECTIONS);
    let mut report = Report::open("latency", &args);
    let peers = if args.ours_only { vec![OURS, NEUTRAL] } else { all_peers() };
    let bench = Bench { entrants: entrants(&args.variants, &peers), args };
    for kind in KINDS {
        if bench.args.wants(kind.name) {
            bench.open(&mut report, kind);
        }
    }
    if bench.args.wants("closed") {
        bench.closed(&mut report);
    }
    for wake in [Wake::Message, Wake::Timer] {
        if bench.args.wants(wake.name()) {
            bench.beside(&mut report, wake);
        }
    }
    if bench.args.wants("share") {
        bench.share(&mut report);
    }
    report.close()
}

struct Bench {
    args: Args,
    entrants: Vec<Entrant>,
}

impl Bench {
    /// What the machine gets done of these tasks from the same generator, which takes a part of it: tasks a second.
    fn capacity(&self, kind: Kind) -> f64 {
        let work = kind.calibrated();
        let most = millpond_peers::cores() as f64 / kind.mean();
        let neutral = self.entrants.iter().find(|entrant| entrant.name == NAMES[NEUTRAL]);
        let neutral = neutral.expect("the neutral peer is always there");
        let ended = |seed| {
            let arrivals = Arrivals { work, rate: 1.3 * most, time: Duration::from_millis(300), seed };
            neutral.measure(&arrivals).ended
        };
        quantile((0..5).map(ended).collect(), 0.5)
    }

    fn open(&self, report: &mut Report, kind: Kind) {
        let work = kind.calibrated();
        let capacity = self.capacity(kind);
        println!("\n{}: {} tasks a second can be done", kind.name, figure(capacity));
        let time = self.args.time(Duration::from_millis(1_000));
        for load in LOADS {
            let what = |seed| Arrivals { work, rate: load * capacity, time, seed };
            let title = format!("{} at {:.0} %", kind.name, 100.0 * load);
            let limit = if load > 0.8 { 1.1 } else { 1.0 };
            let rows = self.rows(|who, seed| who.measure(&what(seed)).latencies);
            self.contest(report, (&title, "us"), &rows, (limit, limit));
        }
    }

    fn closed(&self, report: &mut Report) {
        for micros in [1, 20] {
            let spin = Spin::calibrated(Duration::from_micros(micros));
            for users in [4, 16, 64] {
                let tasks = if self.args.quick { 4_000 } else { 20_000 } / users;
                let crowd = Crowd { users, tasks, spin };
                let rows = self.rows(|who, _| who.measure(&crowd));
                let title = format!("{users} users of {micros} us");
                self.contest(report, (&title, "us"), &rows, (f64::INFINITY, 1.2));
            }
        }
    }

    fn beside(&self, report: &mut Report, wake: Wake) {
        for (task, limit) in BESIDE {
            let spin = Spin::calibrated(task);
            let rows = self.rows(|who, _| who.measure(&Beside { wake, spin }));
            let title = format!("handler woken by a {} beside tasks of {task:?}, late by", wake.name());
            self.contest(report, (&title, "us"), &rows, (f64::INFINITY, limit));
        }
    }

    fn share(&self, report: &mut Report) {
        let neighbours = Neighbours::start().expect("a shell");
        for task in [Duration::from_micros(200), Duration::from_millis(1)] {
            let time = self.args.time(Duration::from_millis(500));
            let saturated = Saturated { spin: Spin::calibrated(task), task, time };
            let rows = self.rows(|who, _| vec![who.measure(&saturated)]);
            let title = format!("tasks of {task:?} beside programs that compute");
            self.contest(report, (&title, "us per us of work"), &rows, (f64::INFINITY, f64::INFINITY));
        }
        drop(neighbours);
    }

    /// Of every entrant, of every round: p50, p99, p99.9.
    fn rows(&self, mut measure: impl FnMut(&Entrant, u64) -> Vec<f64>) -> [Samples; 3] {
        let mut seen = Vec::new();
        let mut round = 0;
        let p50 = interleave(self.entrants.len(), self.args.rounds(11), self.args.seed, |who| {
            // Every entrant of a round meets the same arrivals.
            let seed = self.args.seed + (round / self.entrants.len()) as u64;
            round += 1;
            let latencies = measure(&self.entrants[who], seed);
            let of = |q| quantile(latencies.clone(), q);
            seen.push((who, [of(0.5), of(0.99), of(0.999)]));
            of(0.5)
        });
        let count = self.entrants.len();
        let row = |at: usize| {
            // The first round is the one that warms up.
            let rounds = seen[count..].chunks(count);
            Samples::new(
                rounds
                    .map(|round| {
                        let mut row = vec![0.0; count];
                        round.iter().for_each(|(who, figures)| row[*who] = figures[at]);
                        row
                    })
                    .collect(),
            )
        };
        [p50, row(1), row(2)]
    }

    fn contest(
        &self,
        report: &mut Report,
        (title, unit): (&str, &str),
        rows: &[Samples; 3],
        limits: (f64, f64),
    ) {
        println!("\n{title} ({unit})");
        let rivals: Vec<usize> = (0..self.entrants.len()).filter(|&who| self.is_rival(who)).collect();
        let best = [0, 1].map(|at| rows[at].best(rivals.iter().copied()));
        let mut table = Table::new(["", "p50", "/ best", "p99", "/ best", "p99 quartiles", "p99.9"]);
        for (who, entrant) in self.entrants.iter().enumerate() {
            table.row([
                entrant.name.clone(),
                figure(rows[0].median(who)),
                format!("{:.2}", rows[0].ratio(who, best[0])),
                figure(rows[1].median(who)),
                format!("{:.2}", rows[1].ratio(who, best[1])),
                millpond_peers::report::quartiles(&rows[1], who),
                figure(rows[2].median(who)),
            ]);
        }
        table.print();
        for (at, name, limit) in [(0, "p50", limits.0), (1, "p99", limits.1)] {
            if limit.is_finite() {
                let ratio = rows[at].ratio(OURS, best[at]);
                // Ties within 5 % count.
                report.at_most(
                    &format!("{title}, {name}: {ratio:.2} x {}", self.entrants[best[at]].name),
                    ratio,
                    limit * 1.05,
                );
            }
        }
    }

    fn is_rival(&self, who: usize) -> bool {
        !self.entrants[who].name.starts_with(NAMES[OURS])
    }
}
