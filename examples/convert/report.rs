//! What is said at the end.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use millpond::{ConvertError, PoolStatistics, ProcessError, ProcessorMetrics};

use super::compare::Comparison;

/// The sums of a run.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) documents: usize,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) reading: Duration,
    pub(crate) converting: Duration,
    pub(crate) writing: Duration,
    /// Documents whose name was taken, and where they are.
    pub(crate) renamed: Vec<(String, PathBuf)>,
    /// Names and details of what failed, by cause.
    pub(crate) failures: BTreeMap<String, Vec<String>>,
}

impl Report {
    pub(crate) fn failed(&self) -> usize {
        self.failures.values().map(Vec::len).sum()
    }

    pub(crate) fn fail(&mut self, cause: String, name: &str, detail: impl std::fmt::Display) {
        self.failures.entry(cause).or_default().push(format!("{name}: {detail}"));
    }

    pub(crate) fn print(
        &self,
        to: &mut impl Write,
        out: &Path,
        metrics: &ProcessorMetrics,
        pool: &PoolStatistics,
    ) -> io::Result<()> {
        let seconds = self.converting.as_secs_f64().max(1e-9);
        let converted = self.documents - self.failed();
        writeln!(to, "documents   {converted} converted to {}, {} failed", out.display(), self.failed())?;
        writeln!(to, "bytes       {} in, {} out", size(self.bytes_in), size(self.bytes_out))?;
        writeln!(
            to,
            "time        {} converting ({} reading, {} writing)",
            time(self.converting),
            time(self.reading),
            time(self.writing)
        )?;
        writeln!(
            to,
            "throughput  {:.1} MB/s, {:.0} documents/s",
            self.bytes_in as f64 / 1e6 / seconds,
            self.documents as f64 / seconds
        )?;
        writeln!(
            to,
            "latency     p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, max {:.2} ms (waiting in the batch included)",
            metrics.p50_latency_ms, metrics.p90_latency_ms, metrics.p99_latency_ms, metrics.max_latency_ms
        )?;
        writeln!(
            to,
            "pool        {} threads, {} tasks of {:.3} ms on average, {} stolen, {} shared by small documents",
            pool.total_threads,
            pool.tasks_completed,
            pool.average_task_time_ms,
            pool.tasks_stolen,
            metrics.coalesced_tasks
        )?;
        if !self.renamed.is_empty() {
            writeln!(to, "\nwritten under another name, because theirs was taken ({})", self.renamed.len())?;
            for (name, path) in &self.renamed {
                writeln!(to, "  {name}: {}", path.display())?;
            }
        }
        for (cause, names) in &self.failures {
            writeln!(to, "\nfailed: {cause} ({})", names.len())?;
            for name in names {
                writeln!(to, "  {name}")?;
            }
        }
        to.flush()
    }
}

/// Prints how the two ways compare.
pub(crate) fn print_comparison(to: &mut impl Write, comparison: &Comparison) -> io::Result<()> {
    let Comparison { documents, repeated, sequential, pooled } = comparison;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let again = if *repeated > 1 { format!(", each {repeated} times") } else { String::new() };
    writeln!(to, "\ncompared    {documents} documents in memory{again}, medians of rounds in turn")?;
    writeln!(to, "            one after another  {}", time(*sequential))?;
    writeln!(to, "            on the pool        {}", time(*pooled))?;
    let speed_up = sequential.as_secs_f64() / pooled.as_secs_f64().max(1e-9);
    writeln!(to, "            speed-up           {speed_up:.2} x on {cores} cores")?;
    to.flush()
}

/// What kind of failure it is: those of a kind are reported together.
pub(crate) fn cause(error: &ProcessError) -> String {
    match error {
        ProcessError::Convert(ConvertError::Malformed { format, .. }) => format!("malformed {format}"),
        ProcessError::Convert(ConvertError::NotUtf8 { .. }) => "not UTF-8".into(),
        ProcessError::Convert(ConvertError::TooDeep { .. }) => "nested too deeply".into(),
        ProcessError::Convert(ConvertError::TooComplex { .. }) => "too complex".into(),
        ProcessError::Convert(ConvertError::OutputTooLarge { .. }) => "the output is too large".into(),
        ProcessError::TooLarge { .. } => "the document is too large".into(),
        ProcessError::Panicked(_) => "the converter panicked".into(),
        other => other.to_string(),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

fn time(duration: Duration) -> String {
    match duration.as_secs_f64() {
        s if s < 1e-3 => format!("{:.0} us", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}
