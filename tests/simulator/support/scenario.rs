//! What the pool meets.

/// A second, or a part of one.
pub type Seconds = f64;

/// What holds from a moment on.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    pub from: Seconds,
    /// Processor time a task, on average.
    pub computes: Seconds,
    /// The part of a task's time that it is blocked, if it never waits for a core.
    pub blocked: f64,
    /// Tasks a second; `None`: there are always more.
    pub arrivals: Option<f64>,
    /// Cores that other processes keep busy. They are of normal priority, the workers are not: what they want they get.
    pub neighbours: f64,
    /// Cores that the quota allows.
    pub quota: Option<f64>,
    /// So many tasks can be in their blocked part at a time, the others wait for them: a lock, or connections.
    pub connections: Option<usize>,
    /// Whether the times are exponentially distributed, or within half of their mean.
    pub wild: bool,
}

#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: &'static str,
    pub cores: usize,
    pub max_threads: usize,
    pub phases: Vec<Phase>,
    pub ends: Seconds,
    /// Where it has settled: what is compared.
    pub windows: Vec<(Seconds, Seconds)>,
}

pub const NAMES: [&str; 14] = [
    "cpu",
    "blocking",
    "mixed",
    "step",
    "ramp",
    "spike",
    "diurnal",
    "neighbour",
    "crowded",
    "quota",
    "throttled",
    "connections",
    "lock",
    "unlocked",
];

/// Tasks a second that all cores together can do, on any machine: the big ones must not take for ever to simulate.
const TASKS: f64 = 20_000.0;
/// Between two samples.
pub const INTERVAL: Seconds = 0.1;
/// Five samples.
pub const SETTLES: Seconds = 0.5;
/// A phase.
pub const LONG: Seconds = 3.0;

impl Scenario {
    pub fn named(name: &'static str, cores: usize) -> Self {
        Self::lasting(name, cores, LONG)
    }

    /// The same with phases of so many seconds.
    pub fn lasting(name: &'static str, cores: usize, long: Seconds) -> Self {
        let plain = Phase {
            from: 0.0,
            computes: cores as f64 / TASKS,
            blocked: 0.0,
            arrivals: None,
            neighbours: 0.0,
            quota: None,
            connections: None,
            wild: false,
        };
        let half = cores as f64 / 2.0;
        let behind_a_lock = Phase { blocked: 0.4, connections: Some(1), computes: 1e-3, ..plain };
        let phases = match name {
            "cpu" => vec![plain],
            "blocking" => vec![Phase { blocked: 0.9, ..plain }],
            "mixed" => vec![Phase { blocked: 0.6, wild: true, ..plain }],
            "step" => vec![plain, Phase { blocked: 0.9, ..plain }, plain],
            "ramp" => (0..5).map(|part| Phase { blocked: 0.2 * f64::from(part), ..plain }).collect(),
            "spike" => {
                let quiet = Phase { arrivals: Some(0.2 * TASKS), blocked: 0.5, ..plain };
                vec![quiet, Phase { arrivals: None, ..quiet }, quiet]
            }
            "diurnal" => (0..8)
                .map(|hour| {
                    let load = 0.5 - 0.4 * (f64::from(hour) / 8.0 * std::f64::consts::TAU).cos();
                    Phase { arrivals: Some(TASKS * load), blocked: 0.5, ..plain }
                })
                .collect(),
            "neighbour" => vec![plain, Phase { neighbours: half, ..plain }, plain],
            "crowded" => {
                let blocks = Phase { blocked: 0.75, ..plain };
                vec![blocks, Phase { neighbours: half, ..blocks }, blocks]
            }
            "quota" => vec![plain, Phase { quota: Some(half.max(1.0)), ..plain }, plain],
            "throttled" => {
                let blocks = Phase { blocked: 0.75, ..plain };
                vec![blocks, Phase { quota: Some(half.max(1.0)), ..blocks }, blocks]
            }
            "lock" => vec![behind_a_lock],
            "unlocked" => vec![behind_a_lock, behind_a_lock, Phase { blocked: 0.9, ..plain }],
            "connections" => vec![Phase { blocked: 0.8, connections: Some(cores), ..plain }],
            other => panic!("no scenario is called {other}"),
        };
        let length = phases.len() as f64 * long;
        let starts = (0..phases.len()).map(|number| number as f64 * long);
        let phases =
            phases.into_iter().zip(starts).map(|(phase, from)| Phase { from, ..phase }).collect::<Vec<_>>();
        // Where the load is less than it takes, throughput tells nothing in the short run: what was left undone in one phase is
        // done in the next. There the whole is compared.
        let windows = match name {
            "diurnal" => vec![(SETTLES, length)],
            "spike" => vec![(long + SETTLES, 2.0 * long)],
            _ => phases.iter().map(|phase| (phase.from + SETTLES, phase.from + long)).collect(),
        };
        Self { name, cores, max_threads: 32 * cores, phases, ends: length, windows }
    }
}
