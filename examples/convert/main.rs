//! Converts files and folders of RTF and Markdown documents:
//!
//! ```text
//! cargo run --release --example convert -- [PATHS...] [--out DIR] [--overwrite] [--to FORMAT] [--compare]
//! ```
//!
//! The work is three lines: `processor.batch(requests)`, `.progress()` for the bar, `.await` for the answers. The rest of
//! this program finds files, names outputs and adds up.

mod args;
mod compare;
mod input;
mod output;
mod report;
#[path = "../support/documents.rs"]
mod support;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use millpond::{ConcurrentProcessorV2, ConversionOptions, ConversionRequest, PoolConfig, ProcessorConfig};

use self::args::Args;
use self::input::Unread;
use self::output::Output;
use self::report::{Report, cause, print_comparison};
use self::support::{Document, Found};

/// So many bytes of documents are in memory at a time.
const WAVE: u64 = 256 << 20;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(report) if report.failed() == 0 || args.paths.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(message) => {
            // If nobody hears it, the exit code says it.
            let _ = writeln!(io::stderr(), "convert: {message}");
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<Report, String> {
    if let Some(path) = args.paths.iter().find(|path| is_folder(path, &args.out)) {
        let (path, out) = (path.display(), args.out.display());
        return Err(format!("--out {out}: {path} is to be converted, so its outputs have to go elsewhere"));
    }
    let paths = if args.paths.is_empty() { vec![support::corpus()] } else { args.paths.clone() };
    let Found { documents, failures } = support::find(&paths, Some(&args.out))
        .map_err(|(path, error)| format!("{}: {error}", path.display()))?;
    if documents.is_empty() && failures.is_empty() {
        return Err("there are no .rtf, .md or .markdown files in the folders".into());
    }
    let mut output = Output::new(&args.out, documents.iter().map(|document| &*document.path), args.overwrite)
        .map_err(|error| format!("{}: {error}", args.out.display()))?;
    let pool = PoolConfig {
        max_threads: args.threads.unwrap_or(PoolConfig::default().max_threads),
        ..PoolConfig::default()
    };
    let config = ProcessorConfig { pool, batch_timeout: Duration::MAX, ..ProcessorConfig::default() };
    let processor = ConcurrentProcessorV2::try_with_config(config).map_err(|error| error.to_string())?;

    let bar = progress_bar(documents.len());
    let mut report = Report { documents: documents.len() + failures.len(), ..Report::default() };
    for (path, error) in failures {
        report.fail("can't be read".into(), &path.display().to_string(), error);
    }
    let mut rest = &documents[..];
    let mut first = None;
    while !rest.is_empty() {
        let (wave, requests) = read_wave(&mut rest, args, &processor, &mut report);
        if args.compare && first.is_none() {
            first = Some(requests.clone());
        }
        convert(&processor, wave, requests, &mut output, &mut report, &bar).await;
    }
    bar.finish_and_clear();
    let (metrics, pool) = (processor.get_metrics(), processor.get_pool_statistics());
    let heard = is_heard(report.print(&mut io::stdout().lock(), &args.out, &metrics, &pool))?;
    if let (Some(requests), true) = (first, heard) {
        // One wave is enough to compare.
        let comparison = compare::compare(&processor, &requests).await;
        is_heard(print_comparison(&mut io::stdout().lock(), &comparison))?;
    }
    Ok(report)
}

/// Whether what was printed has a reader. Who has read enough (`| head`) gets no more, and that is no failure.
fn is_heard(printed: io::Result<()>) -> Result<bool, String> {
    match printed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("standard output: {error}")),
    }
}

/// Whether `path` is the folder `folder`, by whatever name.
fn is_folder(path: &Path, folder: &Path) -> bool {
    path.is_dir() && path.canonicalize().is_ok_and(|path| folder.canonicalize().is_ok_and(|out| out == path))
}

/// Reads documents until a wave is full. What can't be read is a failure, not the end.
fn read_wave<'d>(
    rest: &mut &'d [Document],
    args: &Args,
    processor: &ConcurrentProcessorV2,
    report: &mut Report,
) -> (Vec<&'d Document>, Vec<ConversionRequest>) {
    let start = Instant::now();
    let limit = processor.config().max_document_size;
    let options = ConversionOptions { to: args.to, ..ConversionOptions::default() };
    let (mut wave, mut requests, mut bytes) = (Vec::new(), Vec::new(), 0);
    while let Some((document, others)) = rest.split_first().filter(|_| bytes < WAVE) {
        *rest = others;
        let name = document.path.display().to_string();
        match input::read(&document.path, limit, processor.memory_pool()) {
            Ok(content) => {
                bytes += content.len() as u64;
                wave.push(document);
                requests.push(ConversionRequest::new(name, content).with_options(options.clone()));
            }
            Err(Unread::Failed(error)) => report.fail("can't be read".into(), &name, error),
            Err(Unread::Refused(error)) => report.fail(cause(&error), &name, error),
        }
    }
    report.bytes_in += bytes;
    report.reading += start.elapsed();
    (wave, requests)
}

/// Converts a wave and writes what became of it.
async fn convert(
    processor: &ConcurrentProcessorV2,
    wave: Vec<&Document>,
    requests: Vec<ConversionRequest>,
    output: &mut Output,
    report: &mut Report,
    bar: &ProgressBar,
) {
    let start = Instant::now();
    let mut batch = processor.batch(requests);
    let watcher = tokio::spawn(show(batch.progress(), bar.clone()));
    let responses = batch.await;
    report.converting += start.elapsed();
    // It ends with the batch.
    let _ = watcher.await;

    let start = Instant::now();
    for (document, response) in wave.into_iter().zip(responses) {
        match (response.result, response.to) {
            (Ok(content), Some(format)) => match output.write(&document.below, format, &content) {
                Ok(renamed) => {
                    report.bytes_out += content.len() as u64;
                    report.renamed.extend(renamed.map(|path| (response.id, path)));
                }
                Err(error) => report.fail("can't be written".into(), &response.id, error),
            },
            (Err(error), _) => report.fail(cause(&error), &response.id, error),
            (Ok(_), None) => report.fail("of no known format".into(), &response.id, "not written"),
        }
    }
    report.writing += start.elapsed();
}

async fn show(
    mut progress: tokio::sync::watch::Receiver<millpond::processor::BatchProgress>,
    bar: ProgressBar,
) {
    let before = bar.position();
    while progress.changed().await.is_ok() {
        bar.set_position(before + progress.borrow_and_update().done as u64);
        // Faster than this nobody looks.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bar.set_position(before + progress.borrow().done as u64);
}

/// On standard error, and only if somebody is there to see it.
fn progress_bar(documents: usize) -> ProgressBar {
    let target =
        if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(documents as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} documents, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}
