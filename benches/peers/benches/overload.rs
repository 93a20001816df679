//! How much useful work gets done when more is asked for than the cores can do, and what becomes of the rest.
//!
//! `cargo bench -p millpond-peers --bench overload -- --help`
//!
//! Those who ask live on the same cores as those who answer: a generator, two threads of a Tokio runtime, a future and a timer for each
//! client. What that takes no contender can use; it grows with the load, and to answer a client takes more of it than to refuse one.
//! So the capacity is measured with it: goodput is given in percent of what "bare threads" get done in the same round, with the same
//! arrivals, the same clients and answers, a thread a core behind a channel of 64 places, and nothing else. It is one of the
//! contenders, and could be beaten. In percent of what the cores do without any client, before and after each measurement, it
//! is given beside it ("gross").
//!
//! A neighbour that takes a core for a while is no contender's fault, either: above the capacity each result is divided by the share of
//! the cores that other programs and the host left meanwhile, by the kernel's account. (Below it there is enough for all that come.)
#![allow(clippy::expect_used)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use millpond_peers::args::Args;
use millpond_peers::capacity::Capacity;
use millpond_peers::measure::{interleave, quantile};
use millpond_peers::open_loop::{Contender, OpenLoop, Outcome, PATIENCE};
use millpond_peers::overload_contenders::{BARE, Ignores, Named, Refuses, WITH_DEADLINE, contenders};
use millpond_peers::report::Report;
use millpond_peers::spin::Spin;
use millpond_peers::table::{Table, figure};
use millpond_peers::user_runtime;

const ABOUT: &str =
    "Tasks of 500 us arrive at random, their clients give up after 50 ms: who gets an answer.";

const SECTIONS: [(&str, &str); 5] = [
    ("0.8", "a little less than the cores can do"),
    ("1.5", "half as much again"),
    ("3", "three times as much"),
    ("10", "ten times as much"),
    ("generator", "what the generator and its clients cost by themselves, at ten times as much"),
];

/// The loads, in the order of their sections; in units of the capacity.
const LOADS: [f64; 4] = [0.8, 1.5, 3.0, 10.0];

const TASK: Duration = Duration::from_micros(500);

/// The least goodput of a pool that is told its deadlines, in percent of the capacity.
const GOAL: f64 = 95.0;

/// What a measurement comes to, with the capacity just before and just after it.
type Cell = (Outcome, f64);

struct Bench {
    args: Args,
    users: Handle,
    spin: Spin,
    capacity: Capacity,
    report: Report,
}

fn main() -> ExitCode {
    let args = Args::parse(ABOUT, &SECTIONS);
    let report = Report::open("overload", &args);
    let runtime = user_runtime();
    let contenders = contenders(runtime.handle(), args.niceness);
    let spin = Spin::calibrated(TASK);
    let capacity = Capacity::of(spin);
    let mut bench = Bench { args, users: runtime.handle().clone(), spin, capacity, report };
    bench.generator();
    bench.loads(&contenders);
    println!(
        "\ngoodput: % of what bare threads get done; gross and wasted: % of the capacity without clients, around the measurement; \
         useful: % of the CPU that the process had; behind: how late the generator was, p99"
    );
    println!(
        "capacity, closed loop, a thread a core: {:.0} tasks a second (quartiles {:.0} - {:.0}, least {:.0})",
        bench.capacity.quantile(0.5),
        bench.capacity.quantile(0.25),
        bench.capacity.quantile(0.75),
        bench.capacity.quantile(0.0),
    );
    bench.report.close()
}

impl Bench {
    /// One measurement, of `rate` clients a second. What it comes to is compared with the capacity around it, for a neighbour that
    /// came meanwhile is no contender's fault.
    fn cell(&mut self, contender: &Arc<dyn Contender>, rate: f64, time: Duration, seed: u64) -> Cell {
        let before = self.capacity.look();
        let users = self.users.clone();
        let outcome = OpenLoop { users, spin: self.spin, rate, time, seed }.measure(contender);
        let after = self.capacity.look();
        (outcome, f64::midpoint(before, after))
    }

    /// It shares the cores with the work: what it takes, no contender can use.
    fn generator(&mut self) {
        if !self.args.wants("generator") {
            return;
        }
        let time = self.args.time(Duration::from_secs(2));
        let none: [Named; 2] =
            [("refused at once", Arc::new(Refuses)), ("never answered", Arc::new(Ignores))];
        println!("\nthe generator and its clients by themselves, at 10 x capacity");
        let mut table = Table::new(["", "offered/s", "% of the cores", "us a client", "behind ms"]);
        let cores = millpond_peers::cores() as f64;
        let mut cpu = Vec::new();
        for (name, contender) in &none {
            let cells: Vec<Cell> = (0..self.args.rounds(3))
                .map(|round| {
                    let rate = 10.0 * self.capacity.now();
                    self.cell(contender, rate, time, self.args.seed + round as u64)
                })
                .collect();
            let share = median(&cells, |cell, _| cell.cpu);
            table.row([
                (*name).to_owned(),
                figure(median(&cells, |cell, _| cell.offered)),
                figure(100.0 * share),
                figure(median(&cells, |cell, _| cell.cpu * cores * 1e6 / cell.offered)),
                figure(median(&cells, |cell, _| cell.behind)),
            ]);
            cpu.push(share);
        }
        table.print();
        let what = format!("the generator's share of the cores at 10 x: {:.3}", cpu[0]);
        self.report.at_most(&what, cpu[0], 0.1);
    }

    fn loads(&mut self, contenders: &[Named]) {
        let wanted: Vec<usize> = (0..LOADS.len()).filter(|&load| self.args.wants(SECTIONS[load].0)).collect();
        let (rounds, time) = (self.args.rounds(3), self.args.time(Duration::from_secs(2)));
        let number = wanted.len() * contenders.len();
        let mut cells: Vec<Vec<Cell>> = vec![Vec::new(); number];
        let (mut taken, mut capacity, seed) = (0, 0.0, self.args.seed);
        // All loads of all contenders in one draw: a neighbour that comes for ten seconds hits no load more than another.
        interleave(number, rounds, seed, |which| {
            let round = taken / number;
            if taken % number == 0 {
                capacity = self.capacity.now();
            }
            taken += 1;
            let (load, who) = (wanted[which / contenders.len()], which % contenders.len());
            // The first round only warms up. Within a round every contender of a load has the same arrivals: the same draw at the same rate.
            let time = if round == 0 { time / 8 } else { time };
            let seed = seed + (round * LOADS.len() + load) as u64;
            let cell = self.cell(&contenders[who].1, LOADS[load] * capacity, time, seed);
            let good = cell.0.good;
            if round > 0 {
                cells[which].push(cell);
            }
            good
        });
        for (load, cells) in wanted.iter().zip(cells.chunks(contenders.len())) {
            println!(
                "\n{} x capacity (latency of all results, in time or not, in ms; a client waits for {} ms)",
                LOADS[*load],
                PATIENCE.as_millis()
            );
            print(contenders, cells, LOADS[*load]);
            if LOADS[*load] > 1.0 {
                self.judge(contenders, cells, LOADS[*load]);
            }
        }
    }

    fn judge(&mut self, contenders: &[Named], cells: &[Vec<Cell>], load: f64) {
        let who = |wanted: &str| contenders.iter().position(|(name, _)| *name == wanted).expect("its name");
        let ours = &cells[who(WITH_DEADLINE)];
        let good = quantile(goodput(ours, &cells[who(BARE)], load), 0.5);
        let p99 = median(ours, |cell, _| cell.p99);
        self.report.at_least(&format!("{WITH_DEADLINE}, goodput at {load} x: {good:.1} %"), good, GOAL);
        let most = PATIENCE.as_secs_f64() * 1e3;
        self.report.at_most(&format!("{WITH_DEADLINE}, p99 at {load} x: {p99:.1} ms"), p99, most);
    }
}

/// In percent of what bare threads did in the same round.
fn goodput(cells: &[Cell], bare: &[Cell], load: f64) -> Vec<f64> {
    // Who gets all done that comes does not get more done where more is left.
    let good = |(cell, _): &Cell| if load < 1.0 { cell.good } else { cell.good / cell.left };
    let percent = |(cell, bare): (&Cell, &Cell)| {
        assert!(bare.0.good > 0.0, "bare threads got nothing done in time: there is nothing to compare with");
        100.0 * good(cell) / good(bare)
    };
    cells.iter().zip(bare).map(percent).collect()
}

fn print(contenders: &[Named], cells: &[Vec<Cell>], load: f64) {
    let mut table = Table::new([
        "",
        "offered/s",
        "goodput %",
        "range",
        "gross %",
        "p50",
        "p99",
        "too late/s",
        "refused/s",
        "given up/s",
        "wasted %",
        "useful %",
        "behind ms",
        "CPU %",
    ]);
    let bare = cells.first().expect("the first are bare threads");
    for ((name, _), cells) in contenders.iter().zip(cells) {
        let goodput = goodput(cells, bare, load);
        table.row([
            (*name).to_owned(),
            format!("{:.0}", median(cells, |cell, _| cell.offered)),
            format!("{:.1}", quantile(goodput.clone(), 0.5)),
            format!("{:.1} - {:.1}", quantile(goodput.clone(), 0.0), quantile(goodput, 1.0)),
            format!("{:.1}", median(cells, |cell, capacity| 100.0 * cell.good / capacity)),
            answered(median(cells, |cell, _| cell.p50)),
            answered(median(cells, |cell, _| cell.p99)),
            format!("{:.0}", median(cells, |cell, _| cell.late)),
            format!("{:.0}", median(cells, |cell, _| cell.refused)),
            format!("{:.0}", median(cells, |cell, _| cell.given_up)),
            format!("{:.1}", median(cells, |cell, capacity| 100.0 * cell.wasted / capacity)),
            format!("{:.0}", median(cells, useful)),
            figure(median(cells, |cell, _| cell.behind)),
            format!("{:.0}", median(cells, |cell, _| 100.0 * cell.cpu)),
        ]);
    }
    table.print();
}

/// How much of the CPU that the process had went into answers in time: neighbours do not change it much. It is a hundred
/// for a machine that does nothing else, at the speed at which the task was calibrated.
fn useful(cell: &Outcome, _capacity: f64) -> f64 {
    100.0 * cell.good * TASK.as_secs_f64() / (cell.cpu * millpond_peers::cores() as f64)
}

/// A latency; there is none if nobody was answered.
fn answered(latency: f64) -> String {
    if latency.is_nan() { String::from("-") } else { figure(latency) }
}

/// The median over the rounds.
fn median(cells: &[Cell], of: impl Fn(&Outcome, f64) -> f64) -> f64 {
    quantile(cells.iter().map(|(outcome, capacity)| of(outcome, *capacity)).collect(), 0.5)
}
