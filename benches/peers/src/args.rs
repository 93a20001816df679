//! The command line of a bench.

use std::process::exit;
use std::str::FromStr;
use std::time::Duration;

/// What the command line asks for.
pub struct Args {
    /// Few rounds: to see that everything works, not to compare.
    pub quick: bool,
    /// Whether a missed goal makes the program fail.
    pub strict: bool,
    /// The niceness of this crate's workers, to see what it does; else their default.
    pub niceness: Option<u8>,
    /// The order of the peers in each round follows from it.
    pub seed: u64,
    /// Other settings of this crate's pool that are measured beside it, of the bench `latency`.
    pub variants: Vec<String>,
    /// Leave out all peers but one, of the bench `latency`.
    pub ours_only: bool,
    rounds: Option<usize>,
    seconds: Option<f64>,
    only: Vec<String>,
}

impl Args {
    /// Reads the command line; prints the help and ends the program if asked to, or if this is not a bench run.
    pub fn parse(about: &str, sections: &[(&str, &str)]) -> Self {
        let mut args = Self {
            quick: std::env::var_os("BENCH_QUICK").is_some(),
            strict: false,
            niceness: None,
            seed: 1,
            variants: Vec::new(),
            ours_only: false,
            rounds: None,
            seconds: None,
            only: Vec::new(),
        };
        let mut bench = false;
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value =
                |what: &str| words.next().unwrap_or_else(|| usage(&format!("{word} needs {what}")));
            match word.as_str() {
                // Cargo passes it in `cargo bench`, and not in `cargo test --all-targets`.
                "--bench" => bench = true,
                "--quick" => args.quick = true,
                "--strict" => args.strict = true,
                "--seed" => args.seed = number(&value("a number")),
                "--rounds" => args.rounds = Some(number(&value("a number"))),
                "--seconds" => args.seconds = Some(number(&value("a number"))),
                "--niceness" => args.niceness = Some(number(&value("a number"))),
                "--only" => args.only.extend(value("a section").split(',').map(String::from)),
                "--variants" => args.variants.extend(value("a list").split(',').map(String::from)),
                "--ours-only" => args.ours_only = true,
                "--help" | "-h" => help(about, sections),
                _ => usage(&format!("unknown argument {word}")),
            }
        }
        if let Some(unknown) = args.only.iter().find(|only| sections.iter().all(|(name, _)| name != only)) {
            usage(&format!("unknown section {unknown}"));
        }
        if !bench {
            println!("a benchmark: run it with `cargo bench`");
            exit(0);
        }
        args
    }

    /// Whether the section of this name is wanted.
    pub fn wants(&self, section: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == section)
    }

    /// The number of rounds: what was asked for, or `full`, or a few when in a hurry.
    pub fn rounds(&self, full: usize) -> usize {
        self.rounds.unwrap_or(if self.quick { full.min(3) } else { full }).max(1)
    }

    /// How long one measurement takes, where the bench takes them by the clock: what was asked for, or `full`, or a
    /// quarter of it when in a hurry.
    pub fn time(&self, full: Duration) -> Duration {
        let asked = self.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        asked.unwrap_or(if self.quick { full / 4 } else { full }).max(Duration::from_millis(100))
    }
}

fn number<N: FromStr>(word: &str) -> N {
    word.parse().unwrap_or_else(|_| usage(&format!("{word} is not a number")))
}

fn usage(problem: &str) -> ! {
    eprintln!("{problem}; see --help");
    exit(2)
}

fn help(about: &str, sections: &[(&str, &str)]) -> ! {
    println!("{about}\n");
    println!("  --quick          a few rounds only (or set BENCH_QUICK)");
    println!("  --rounds N       so many rounds a section");
    println!("  --seconds N      so long a measurement (of the benches `latency` and `overload`)");
    println!("  --seed N         another order of the peers within the rounds");
    println!("  --niceness N     of millpond's workers (default: that of the library)");
    println!(
        "  --variants A,B   other settings of millpond beside it, as n3s10r0.1 (of the bench `latency`)"
    );
    println!("  --ours-only      no peers but rayon (of the bench `latency`)");
    println!("  --strict         exit with 1 if a goal is missed");
    println!("  --only A[,B]     only these sections:\n");
    for (name, what) in sections {
        println!("  {name:<16} {what}");
    }
    exit(0)
}
