//! The machine and the pool on it.
//!
//! Threads that are ready share the cores evenly (processor sharing), so the work that each has got follows one clock: a
//! task computes until the clock has passed its mark. Blocked ones come back by the time. Both wait in a heap.
//!
//! A quota is what the kernel makes of it ("CFS Bandwidth Control", Documentation/scheduler/sched-bwc.rst): all cores run until the
//! period's share is used up, then none does until the next period. Threads that are ready wait meanwhile by the clock
//! of the run queue as well (measured on Linux 6.18), and the group's `throttled_usec` adds the cores up.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use millpond::scaling::{Clocks, Controller, Limits, Sample};

use super::Sizing;
use super::quota::Quota;
use super::random::Random;
use super::scenario::{INTERVAL, Phase, Scenario, Seconds};
use super::trace::{Point, Trace};
use super::wave::Wave;

const THREAD_START: Seconds = 30e-6;
/// What each ready thread more than there are cores costs, as a part of the work.
const SWITCHES: f64 = 0.002;

/// Times in a heap: the earliest first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

enum Decides {
    Controller(Box<Controller>),
    /// The same, where the system has no clocks for threads.
    Blind(Box<Controller>),
    Climbing(Box<Wave>),
    Fixed(usize),
}

pub struct Machine<'s> {
    scenario: &'s Scenario,
    decides: Decides,
    random: Random,
    quota: Quota,
    now: Seconds,
    /// The work that a thread that was ready all the time would have got.
    work: f64,
    ready: BinaryHeap<Reverse<Time>>,
    blocked: BinaryHeap<Reverse<Time>>,
    starting: BinaryHeap<Reverse<Time>>,
    /// Blocked by each other.
    in_line: VecDeque<()>,
    idle: usize,
    queued: u64,
    next_arrival: Seconds,
    phase: usize,
    target: usize,
    surplus: usize,
    retire: usize,
    used: f64,
    ready_time: f64,
    busy_time: f64,
    completions: u64,
    arrivals: u64,
    trace: Trace,
}

impl<'s> Machine<'s> {
    pub fn new(scenario: &'s Scenario, sizing: Sizing, seed: u64) -> Self {
        let (min, max, cores) = (1, scenario.max_threads, scenario.cores);
        let (decides, target) = match sizing {
            Sizing::Controller => {
                (Decides::Controller(Box::new(Controller::new(Limits { min, max }, cores))), cores)
            }
            Sizing::Clockless => {
                (Decides::Blind(Box::new(Controller::new(Limits { min, max }, cores))), cores)
            }
            Sizing::Climbing => (Decides::Climbing(Box::new(Wave::new(min, max, cores))), cores),
            Sizing::Fixed(size) => (Decides::Fixed(size), size),
        };
        Self {
            scenario,
            decides,
            random: Random(seed),
            quota: Quota::default(),
            now: 0.0,
            work: 0.0,
            ready: BinaryHeap::new(),
            blocked: BinaryHeap::new(),
            starting: BinaryHeap::new(),
            in_line: VecDeque::new(),
            idle: if matches!(sizing, Sizing::Fixed(_)) { target } else { 1 },
            queued: 0,
            next_arrival: 0.0,
            phase: 0,
            target,
            surplus: 0,
            retire: 0,
            used: 0.0,
            ready_time: 0.0,
            busy_time: 0.0,
            completions: 0,
            arrivals: 0,
            trace: Trace::default(),
        }
    }

    pub fn run(mut self) -> Trace {
        let mut next_sample = INTERVAL;
        self.begin_phase();
        while self.now < self.scenario.ends - 1e-9 {
            self.dispatch();
            let phase_ends =
                self.scenario.phases.get(self.phase + 1).map_or(f64::INFINITY, |phase| phase.from);
            let computed = self.ready.peek().map_or(f64::INFINITY, |mark| {
                self.now + (mark.0.0 - self.work).max(0.0) / self.speed().max(1e-12)
            });
            let quota = self.now + self.quota.until_it_turns(self.ready.len() as f64, self.cores());
            let back = earliest(&self.blocked).min(earliest(&self.starting));
            let then = computed.min(back).min(self.next_arrival).min(next_sample).min(phase_ends).min(quota);
            self.pass(then - self.now);
            self.now = then;
            if then >= quota {
                self.quota.turn();
            } else if then >= phase_ends {
                self.phase += 1;
                self.begin_phase();
            } else if then >= next_sample {
                next_sample += INTERVAL;
                self.sample();
            } else if then >= self.next_arrival {
                self.arrive();
            } else if computed <= back {
                self.ready.pop();
                self.computed();
            } else if earliest(&self.starting) <= then {
                self.starting.pop();
                self.idle += 1;
            } else {
                self.blocked.pop();
                self.ended();
            }
        }
        self.trace
    }

    fn now_holds(&self) -> Phase {
        self.scenario.phases[self.phase]
    }

    fn begin_phase(&mut self) {
        self.quota.allow(self.now_holds().quota);
        if self.now_holds().connections.is_none() {
            for () in std::mem::take(&mut self.in_line) {
                self.block();
            }
        }
        match self.now_holds().arrivals {
            Some(rate) => {
                self.queued = self.queued.min(1_000);
                self.next_arrival = self.now + self.random.exponential(1.0 / rate);
            }
            None => self.next_arrival = f64::INFINITY,
        }
    }

    fn arrive(&mut self) {
        self.queued += 1;
        self.arrivals += 1;
        let rate = self.now_holds().arrivals.unwrap_or(1.0);
        self.next_arrival = self.now + self.random.exponential(1.0 / rate);
    }

    fn endless(&self) -> bool {
        self.now_holds().arrivals.is_none()
    }

    /// The cores that the pool can have, as long as its quota lasts.
    fn cores(&self) -> f64 {
        self.scenario.cores as f64 - self.now_holds().neighbours
    }

    /// How fast a ready thread gets on.
    fn speed(&self) -> f64 {
        let (ready, cores) = (self.ready.len() as f64, self.cores());
        if self.quota.used_up() {
            return 0.0;
        }
        if ready <= cores {
            return 1.0;
        }
        let switching = 1.0 + SWITCHES * (ready / cores - 1.0).min(25.0);
        cores / ready / switching
    }

    fn pass(&mut self, time: Seconds) {
        let ready = self.ready.len() as f64;
        let on_cores = ready.min(self.cores());
        if !self.quota.pass(time, on_cores) {
            self.used += time * on_cores;
        }
        self.ready_time += time * ready;
        self.busy_time += time * self.busy() as f64;
        self.work += time * self.speed();
    }

    fn busy(&self) -> usize {
        self.ready.len() + self.blocked.len() + self.in_line.len()
    }

    fn threads(&self) -> usize {
        self.busy() + self.idle + self.starting.len()
    }

    /// What the pool does with work that waits.
    fn dispatch(&mut self) {
        while self.idle > 0 && (self.queued > 0 || self.endless()) {
            self.idle -= 1;
            if self.endless() {
                self.arrivals += 1;
            } else {
                self.queued -= 1;
            }
            let phase = self.now_holds();
            let computes = self.draw(phase.computes);
            self.ready.push(Reverse(Time(self.work + computes)));
        }
        let limit = match self.decides {
            // The rule that starts a thread for each core at once.
            Decides::Controller(_) | Decides::Blind(_) => {
                self.target.max(self.scenario.cores.min(self.scenario.max_threads))
            }
            _ => self.target,
        };
        while self.idle + self.starting.len() == 0
            && (self.queued > 0 || self.endless())
            && self.threads() < limit.min(self.scenario.max_threads)
        {
            // The next is started when this one has found work.
            self.starting.push(Reverse(Time(self.now + THREAD_START)));
        }
    }

    fn draw(&mut self, mean: Seconds) -> Seconds {
        if self.now_holds().wild { self.random.exponential(mean) } else { self.random.about(mean) }
    }

    /// A task has computed; it blocks, if it does.
    fn computed(&mut self) {
        let phase = self.now_holds();
        if phase.blocked == 0.0 {
            return self.ended();
        }
        match phase.connections {
            Some(connections) if self.blocked.len() >= connections => self.in_line.push_back(()),
            _ => self.block(),
        }
    }

    fn block(&mut self) {
        let phase = self.now_holds();
        let mean = phase.computes * phase.blocked / (1.0 - phase.blocked);
        let time = self.draw(mean);
        self.blocked.push(Reverse(Time(self.now + time)));
    }

    fn ended(&mut self) {
        self.completions += 1;
        if self.in_line.pop_front().is_some() {
            self.block();
        }
        if self.retire > 0 {
            self.retire -= 1;
        } else {
            self.idle += 1;
        }
    }

    fn sample(&mut self) {
        let phase = self.now_holds();
        let ready_for = self.ready_time - self.used;
        let time = |seconds: f64| Duration::from_secs_f64(seconds.max(0.0));
        let usable = self.scenario.cores as f64;
        let sample = Sample {
            interval: time(INTERVAL),
            usable_cores: phase.quota.map_or(usable, |quota| quota.min(usable)),
            other_cores: 0.0,
            threads: self.threads(),
            idle: self.idle + self.starting.len(),
            queued: if self.endless() { 1_000 } else { self.queued as usize },
            arrivals: self.arrivals,
            completions: self.completions,
            queue_delay: None,
            clocks: (!matches!(self.decides, Decides::Blind(_))).then(|| Clocks {
                busy: time(self.busy_time),
                on_cpu: time(self.used),
                runnable: time(ready_for),
            }),
            throttled: time(self.quota.throttled()),
        };
        self.target = match &mut self.decides {
            Decides::Controller(controller) | Decides::Blind(controller) => controller.step(sample).target,
            Decides::Climbing(climbing) => climbing.step(&sample),
            Decides::Fixed(size) => *size,
        };
        self.retire = match self.decides {
            // A thread that is surplus twice in a row leaves once it has nothing to do; one for each core stays.
            Decides::Controller(_) | Decides::Blind(_) => {
                let surplus = self.threads().saturating_sub(self.target.max(self.scenario.cores));
                surplus.min(std::mem::replace(&mut self.surplus, surplus))
            }
            // Else its waves would not reach the pool.
            Decides::Climbing(_) => self.threads().saturating_sub(self.target),
            Decides::Fixed(_) => 0,
        };
        let gone = self.retire.min(self.idle);
        (self.idle, self.retire) = (self.idle - gone, self.retire - gone);
        self.trace.points.push(Point {
            time: self.now,
            target: self.target,
            threads: self.threads(),
            completions: self.completions,
        });
        (self.used, self.ready_time, self.busy_time) = (0.0, 0.0, 0.0);
        (self.completions, self.arrivals) = (0, 0);
    }
}

fn earliest(heap: &BinaryHeap<Reverse<Time>>) -> Seconds {
    heap.peek().map_or(f64::INFINITY, |time| time.0.0)
}
