//! What a bench prints, and what it says in the end.

use std::process::ExitCode;

use super::args::Args;
use super::cores;
use super::cpu::Others;
use super::measure::Samples;
use super::peers::{NAMES, OURS};
use super::table::{Table, figure};

/// Collects the verdicts.
pub struct Report {
    strict: bool,
    others: Others,
    verdicts: Vec<(String, bool)>,
}

impl Report {
    /// Says what is measured and on what.
    pub fn open(bench: &str, args: &Args) -> Self {
        println!(
            "{bench}: {} usable cores, seed {}{}",
            cores(),
            args.seed,
            if args.quick { ", quick" } else { "" }
        );
        println!(
            "every round measures all in a fresh order; medians over the rounds, ratios taken within a round"
        );
        Self { strict: args.strict, others: Others::watch(), verdicts: Vec::new() }
    }

    /// Every peer's figure, smaller being better, and whether ours is at most `goal` times the best of the others.
    pub fn contest(&mut self, title: &str, unit: &str, samples: &Samples, goal: f64) {
        println!("\n{title} ({unit})");
        let best = samples.best((0..samples.competitors()).filter(|&who| who != OURS));
        let mut table = Table::new(["", "median", "quartiles", "/ best peer", "ours /"]);
        for (who, name) in NAMES.iter().enumerate() {
            table.row([
                (*name).to_owned(),
                figure(samples.median(who)),
                quartiles(samples, who),
                format!("{:.2}", samples.ratio(who, best)),
                if who == OURS { String::new() } else { format!("{:.2}", samples.ratio(OURS, who)) },
            ]);
        }
        table.print();
        let medians = samples.median(OURS) / samples.median(best);
        let what =
            format!("{title}: {:.2} x {} (of medians: {medians:.2})", samples.ratio(OURS, best), NAMES[best]);
        self.at_most(&what, samples.ratio(OURS, best), goal);
    }

    /// A goal that is met at `limit` and below it.
    pub fn at_most(&mut self, what: &str, value: f64, limit: f64) {
        self.verdict(format!("{what}, at most {limit}"), value <= limit);
    }

    /// A goal that is met at `limit` and above it.
    pub fn at_least(&mut self, what: &str, value: f64, limit: f64) {
        self.verdict(format!("{what}, at least {limit}"), value >= limit);
    }

    fn verdict(&mut self, what: String, met: bool) {
        println!("  {} {what}", word(met));
        self.verdicts.push((what, met));
    }

    /// Repeats the verdicts.
    pub fn close(self) -> ExitCode {
        if let Some(share) = self.others.share() {
            println!("\nother programs, or the host, had {:.0} % of the cores meanwhile", 100.0 * share);
        }
        println!("\nsummary");
        for (what, met) in &self.verdicts {
            println!("  {} {what}", word(*met));
        }
        let missed = self.verdicts.iter().filter(|(_, met)| !met).count();
        println!("  {} goals met, {missed} missed", self.verdicts.len() - missed);
        if self.strict && missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// The first and the third.
pub fn quartiles(samples: &Samples, who: usize) -> String {
    format!("{} - {}", figure(samples.quantile(who, 0.25)), figure(samples.quantile(who, 0.75)))
}

fn word(met: bool) -> &'static str {
    if met { "PASS" } else { "FAIL" }
}
