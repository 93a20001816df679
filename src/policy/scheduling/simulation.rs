//! Simulates the run order on many workers: shares and waits, second by second.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::{Grant, RunOrder, Usage};
use crate::policy::splitmix64;
use crate::task::{Label, Name, Priority};

const SECOND: u64 = 1_000_000_000;

/// A series of random numbers.
struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    /// Returns the next number, from 0 to under 1.
    fn draw(&mut self) -> f64 {
        self.drawn += 1;
        splitmix64::nth(self.seed, self.drawn)
    }

    fn exponential(&mut self, mean: f64) -> u64 {
        (-mean * (1.0 - self.draw()).ln()) as u64
    }
}

/// A tenant's load.
struct Load {
    /// Tasks per second, as a Poisson process.
    rate: f64,
    /// The range of a task's time in nanoseconds. The logarithm is evenly distributed.
    cost: (f64, f64),
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Ends { worker: usize },
    Comes { tenant: usize },
}

/// The results of a simulation. Times are in nanoseconds.
struct Outcome {
    /// The time served in each second, by tenant.
    served: Vec<Vec<f64>>,
    /// The waits of the last tenant's tasks that started after the first second.
    waits: Vec<u64>,
}

impl Outcome {
    /// Returns Jain's index of the time that the first `tenants` were served in a second: the least
    /// index of all seconds but the first.
    fn fairness(&self, tenants: usize) -> f64 {
        let index = |second: &Vec<f64>| {
            let served = &second[..tenants];
            let sum: f64 = served.iter().sum();
            sum * sum / (tenants as f64 * served.iter().map(|part| part * part).sum::<f64>())
        };
        self.served[1..].iter().map(index).fold(1.0, f64::min)
    }

    fn p99(&self) -> u64 {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        waits.get(waits.len() * 99 / 100).copied().unwrap_or(0)
    }
}

fn simulate(workers: usize, loads: &[Load], seconds: usize, seed: u64) -> Outcome {
    let mut random = Random { seed, drawn: 0 };
    let mut order: RunOrder<(usize, u64, u64)> = RunOrder::new(usize::MAX);
    let names: Vec<Name> = (0..loads.len()).map(|n| n.to_string().into()).collect();
    let mut events = BinaryHeap::new();
    let mut running: HashMap<usize, (Grant, u64)> = HashMap::new();
    let mut idle: Vec<usize> = (0..workers).rev().collect();
    let mut outcome = Outcome { served: vec![vec![0.0; loads.len()]; seconds], waits: Vec::new() };
    for (tenant, load) in loads.iter().enumerate() {
        events.push(Reverse((random.exponential(1e9 / load.rate), Event::Comes { tenant })));
    }
    while let Some(Reverse((now, event))) = events.pop() {
        if now >= seconds as u64 * SECOND {
            break;
        }
        match event {
            Event::Comes { tenant } => {
                let Load { rate, cost: (least, most) } = loads[tenant];
                let cost = (least * (most / least).powf(random.draw())) as u64;
                let (tenant_name, priority) = (Name::clone(&names[tenant]), Priority::Standard);
                let label = Label::new(tenant_name, priority, now, None, None);
                order.push(&label, true, (tenant, cost, now));
                events.push(Reverse((now + random.exponential(1e9 / rate), Event::Comes { tenant })));
            }
            Event::Ends { worker } => {
                if let Some((grant, cost)) = running.remove(&worker) {
                    order.finish(grant, Some(Usage { cost, time: cost }));
                }
                idle.push(worker);
            }
        }
        while let Some(&worker) = idle.last() {
            let Some(next) = order.pop(None) else { break };
            idle.pop();
            let (tenant, cost, came) = next.item;
            if tenant == loads.len() - 1 && now > SECOND {
                outcome.waits.push(now - came);
            }
            spread(&mut outcome.served, tenant, now, cost);
            running.insert(worker, (next.grant, cost));
            events.push(Reverse((now + cost, Event::Ends { worker })));
        }
    }
    outcome
}

/// Adds `cost` nanoseconds from `from` on to the seconds in which they lie.
fn spread(served: &mut [Vec<f64>], tenant: usize, from: u64, cost: u64) {
    let (mut at, end) = (from, from + cost);
    while at < end {
        let next = ((at / SECOND + 1) * SECOND).min(end);
        if let Some(second) = served.get_mut((at / SECOND) as usize) {
            second[tenant] += (next - at) as f64;
        }
        at = next;
    }
}

/// The loads of eleven tenants. Ten tenants have tasks of 10 us to 100 ms. The first of them offers
/// eleven times the capacity of the machine, a hundred times what each of the nine others offers.
/// These offer a little more than their share. The last tenant needs a thousandth of the machine,
/// in tasks of 0.1 ms.
fn loads(workers: usize) -> Vec<Load> {
    let cost: (f64, f64) = (1e4, 1e8);
    let mean = (cost.1 - cost.0) / (cost.1 / cost.0).ln();
    let capacity = workers as f64 * 1e9 / mean;
    let heavy = Load { rate: 11.0 * capacity, cost };
    let light = Load { rate: workers as f64 * 1e9 / 1e5 / 1e3, cost: (1e5, 1e5) };
    let others = (0..9).map(|_| Load { rate: 0.11 * capacity, cost });
    std::iter::once(heavy).chain(others).chain([light]).collect()
}

#[test]
fn shares_are_even_in_every_second_and_a_light_tenant_waits_for_no_more_than_a_task() {
    let runs = [(64, 1), (128, 2), (64, 3), (128, 4)];
    for (workers, seed) in runs.into_iter().take(if cfg!(debug_assertions) { 1 } else { 4 }) {
        let shared = simulate(workers, &loads(workers), 4, seed);
        let (fairness, wait) = (shared.fairness(10), shared.p99());
        println!("{workers} workers: Jain's index {fairness:.4}, the light tenant's p99 {} us", wait / 1_000);
        assert!(fairness >= 0.99, "{workers} workers: {fairness}");
        // Other tasks take 11 ms on average and at most 100 ms.
        assert!(wait <= 15_000_000, "{workers} workers: {wait} ns");
    }
}
