//! How many threads the pool's controller would have on machines that you don't: a simulation, against the best fixed size,
//! a model of hill climbing, and a thread a core.
//!
//! `cargo run --release --example scaling_lab -- --help`

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[path = "../tests/simulator/support/mod.rs"]
mod scaling_support;

use scaling_support::scenario::{LONG, NAMES, Scenario};
use scaling_support::trace::Trace;
use scaling_support::{Sizing, best_fixed, oracle, run};

/// Simulates the pool's controller under loads of several kinds.
///
/// Each load is met by the pool's controller (`millpond`), by the same without clocks for threads (`no clocks`), by a model of the
/// .NET pool's hill climbing (`climbing`), by the fixed number of threads that is best for the whole load (`best fixed`)
/// and by a thread a core (`fixed=cores`).
///
/// `throughput` is once settled, that is half a second after each change of the load, in % of the best fixed number for each part
/// of the load, found by search; `at worst` is that of the worst part. `settles` is how many samples of 100 ms it takes
/// until 95 % gets done, after the change where that takes longest; `-` if it never comes, or where the load decides on it. `changes/s` is how often the number
/// of threads is changed, once settled.
#[derive(Parser)]
struct Args {
    /// Cores of the simulated machine, 1 to 256.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    cores: u16,
    /// Seconds that each part of a load lasts, 1 to 600. Hill climbing needs more than three.
    #[arg(long, value_name = "SECONDS", default_value_t = LONG as u16, value_parser = clap::value_parser!(u16).range(1..=600))]
    phase: u16,
    /// What the random times and arrivals follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draws threads and throughput over time into this folder, a file a scenario.
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
    /// Only these scenarios.
    #[arg(value_parser = NAMES)]
    scenarios: Vec<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let cores = usize::from(args.cores);
    println!(
        "{cores} simulated cores, seed {}; throughput once settled, in % of the best fixed number of threads'\n",
        args.seed
    );
    println!(
        "{:<12} {:<12} {:>10} {:>9} {:>8} {:>8} {:>10}",
        "load", "sizing", "throughput", "at worst", "threads", "settles", "changes/s"
    );
    for name in NAMES {
        if !args.scenarios.is_empty() && !args.scenarios.iter().any(|wanted| wanted == name) {
            continue;
        }
        let scenario = Scenario::lasting(name, cores, f64::from(args.phase));
        let best = oracle(&scenario, args.seed);
        let sizings = [
            ("millpond", Sizing::Controller),
            ("best fixed", Sizing::Fixed(best_fixed(&scenario, args.seed))),
            ("no clocks", Sizing::Clockless),
            ("climbing", Sizing::Climbing),
            ("fixed=cores", Sizing::Fixed(cores)),
        ];
        let traces = sizings.map(|(label, sizing)| (label, run(&scenario, sizing, args.seed)));
        for (label, trace) in &traces {
            row(&scenario, label, trace, &best);
        }
        if let Some(folder) = &args.svg {
            let file = folder.join(format!("{name}-{cores}.svg"));
            let written = std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&file, draw(&scenario, &traces)));
            if let Err(error) = written {
                eprintln!("scaling_lab: {}: {error}", file.display());
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::SUCCESS
}

const COLOURS: [&str; 5] = ["#0b6e4f", "#d9a404", "#3a9bd9", "#c1440e", "#5b6c8f"];

fn row(scenario: &Scenario, label: &str, trace: &Trace, best: &[f64]) {
    let parts: Vec<f64> =
        trace.throughput(scenario).iter().zip(best).map(|(rate, best)| 100.0 * rate / best).collect();
    let changes = trace.changes(scenario);
    let settles = trace.settles(scenario, best).map_or("-".into(), |samples| samples.to_string());
    println!(
        "{:<12} {label:<12} {:>9.1}% {:>8.1}% {:>8.1} {settles:>8} {:>10.2}",
        scenario.name,
        mean(&parts),
        parts.iter().copied().fold(f64::INFINITY, f64::min),
        trace.threads(),
        mean(&changes),
    );
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

const WIDTH: f64 = 860.0;
const PANEL: f64 = 200.0;
const LEFT: f64 = 70.0;

fn draw(scenario: &Scenario, traces: &[(&str, Trace)]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"16\">{}, {} cores</text>\n",
        LEFT + WIDTH + 30.0,
        2.0 * PANEL + 150.0,
        scenario.name,
        scenario.cores
    );
    for (number, (label, _)) in traces.iter().enumerate() {
        let x = LEFT + 220.0 + 132.0 * number as f64;
        let colour = COLOURS[number];
        let _ = writeln!(
            svg,
            "<path d=\"M{x} 19h26\" stroke=\"{colour}\" stroke-width=\"2\"/><text x=\"{}\" y=\"24\">{label}</text>",
            x + 32.0
        );
    }
    panel(&mut svg, scenario, traces, 45.0, "threads", |trace, at| trace.points[at].threads as f64);
    panel(&mut svg, scenario, traces, 45.0 + PANEL + 45.0, "tasks a second", |trace, at| {
        // Over three samples, so that the lines can be told apart.
        let from = at.saturating_sub(2);
        let done: u64 = trace.points[from..=at].iter().map(|point| point.completions).sum();
        done as f64 * 10.0 / (at - from + 1) as f64
    });
    svg.push_str("</svg>\n");
    svg
}

/// The distance of round figures, four to eight of which make up `most`.
fn tick(most: f64) -> f64 {
    let least = most / 8.0;
    let ten = 10.0_f64.powf(least.log10().floor()).max(1.0);
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|part| part * ten).find(|step| *step >= least).unwrap_or(10.0 * ten)
}

fn panel(
    svg: &mut String,
    scenario: &Scenario,
    traces: &[(&str, Trace)],
    top: f64,
    what: &str,
    value: impl Fn(&Trace, usize) -> f64,
) {
    let points = |trace: &Trace| trace.points.len();
    let most = traces
        .iter()
        .flat_map(|(_, trace)| (0..points(trace)).map(|at| value(trace, at)))
        .fold(1.0_f64, f64::max);
    let step = tick(most);
    let most = (most / step).ceil() * step;
    let x = |time: f64| LEFT + WIDTH * time / scenario.ends;
    let y = |value: f64| top + PANEL * (1.0 - value / most);
    for part in 0..=(most / step).round() as u32 {
        let value = step * f64::from(part);
        let y = y(value);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {y:.1}h{WIDTH}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
            LEFT - 8.0,
            y + 4.0
        );
    }
    for time in scenario.phases.iter().map(|phase| phase.from).chain([scenario.ends]) {
        let x = x(time);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {top}v{PANEL}\" stroke=\"#bbb\" stroke-dasharray=\"4 4\"/>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{time:.0} s</text>",
            top + PANEL + 17.0
        );
    }
    let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" fill=\"#555\">{what}</text>", LEFT + 6.0, top - 6.0);
    for (number, (_, trace)) in traces.iter().enumerate() {
        let line: Vec<String> = (0..points(trace))
            .map(|at| format!("{:.1},{:.1}", x(trace.points[at].time), y(value(trace, at))))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" opacity=\"0.85\"/>",
            line.join(" "),
            COLOURS[number]
        );
    }
}
