//! Converts what arrives in a folder, until it is interrupted:
//!
//! ```text
//! cargo run --release --example stream_folder -- FOLDER [--out DIR] [--to FORMAT] [--once]
//! ```
//!
//! The folder is looked at again and again. What has arrived, or has changed, and has come to rest since the last look is converted; a
//! few documents at a time are in memory, however many arrive at once. On an interrupt what was begun is finished.

#[path = "convert/input.rs"]
mod input;
#[path = "support/documents.rs"]
mod support;

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Display;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use clap::Parser;
use futures_util::{Stream, StreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use millpond::memory::BufferPool;
use millpond::{ConcurrentProcessorV2, ConversionOptions, ConversionRequest, ConversionResponse, Format};

use self::input::Unread;
use self::support::{Document, Found};

/// Converts RTF and Markdown documents as they arrive in a folder.
#[derive(Debug, Parser)]
#[command(
    name = "stream_folder",
    after_help = "Exit code: 0, 1 if a document failed, 2 if the folder is none."
)]
struct Args {
    /// The folder to watch, with all that is in it [default: the documents that the repository carries]
    folder: Option<PathBuf>,

    /// Where the converted documents go: `a.md` becomes `a.md.html`, say, and is replaced when `a.md` changes
    #[arg(short, long, value_name = "DIR", default_value = "converted")]
    out: PathBuf,

    /// What to convert to: rtf, markdown or html
    #[arg(short, long, value_name = "FORMAT", value_parser = format)]
    to: Option<Format>,

    /// Convert what is there, and stop
    #[arg(long)]
    once: bool,

    /// Milliseconds between two looks
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
}

fn format(name: &str) -> Result<Format, String> {
    name.parse().map_err(|_| String::from("rtf, markdown and html are known"))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(message) => {
            // If nobody hears it, the exit code says it.
            let _ = writeln!(io::stderr(), "stream_folder: {message}");
            ExitCode::from(2)
        }
    }
}

/// Says how many documents failed.
async fn run(args: &Args) -> Result<usize, String> {
    let root = args.folder.clone().unwrap_or_else(support::corpus);
    let told = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    if !root.metadata().map_err(|error| told(&root, error))?.is_dir() {
        return Err(format!("{}: not a folder", root.display()));
    }
    fs::create_dir_all(&args.out).map_err(|error| told(&args.out, error))?;
    let processor = ConcurrentProcessorV2::try_new().map_err(|error| error.to_string())?;
    if !args.once {
        eprintln!("watching {}, converting to {}, until interrupted", root.display(), args.out.display());
    }
    let tally = Arc::new(Tally { bar: progress_bar(), failed: AtomicUsize::new(0) });
    let folder = Folder {
        root,
        out: args.out.clone(),
        limit: processor.config().max_document_size,
        memory: processor.memory_pool().clone(),
        tally: Arc::clone(&tally),
        seen: HashMap::new(),
        told: HashSet::new(),
        settled: VecDeque::new(),
    };
    let options = ConversionOptions { to: args.to, ..ConversionOptions::default() };
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Then it can't be interrupted in this way.
            std::future::pending::<()>().await;
        }
    };
    let every = (!args.once).then(|| Duration::from_millis(args.every));
    let requests =
        arrivals(folder, every).map(|request| request.with_options(options.clone())).take_until(interrupted);
    let mut responses = processor.process_stream(requests).unordered();
    let mut bytes = 0;
    while let Some(response) = responses.next().await {
        match write(&args.out, &response) {
            Ok(written) => bytes += written,
            Err(message) => tally.fail(&response.id, &message),
        }
        tally.bar.inc(1);
        tally.bar.set_message(format!("{} failed, {} in flight", tally.failed(), responses.in_flight()));
    }
    tally.bar.finish_and_clear();
    println!(
        "{} conversions, {} failures, {bytes} bytes written to {}",
        tally.bar.position(),
        tally.failed(),
        args.out.display()
    );
    Ok(tally.failed())
}

/// How it goes.
struct Tally {
    bar: ProgressBar,
    failed: AtomicUsize,
}

impl Tally {
    fn fail(&self, what: &str, why: &dyn Display) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.bar.suspend(|| eprintln!("{what}: {why}"));
    }

    fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }
}

/// The documents that arrive, for ever if there is a time `every` which the folder is looked at.
fn arrivals(folder: Folder, every: Option<Duration>) -> impl Stream<Item = ConversionRequest> {
    stream::unfold((folder, false), move |(mut folder, mut looked)| async move {
        loop {
            while let Some(Document { path, below }) = folder.settled.pop_front() {
                let (memory, limit) = (folder.memory.clone(), folder.limit);
                // Files are read where it holds nobody up.
                let read = tokio::task::spawn_blocking(move || input::read(&path, limit, &memory)).await;
                let id = below.display().to_string();
                match read {
                    Ok(Ok(content)) => return Some((ConversionRequest::new(id, content), (folder, looked))),
                    Ok(Err(Unread::Failed(error))) => folder.tally.fail(&id, &error),
                    Ok(Err(Unread::Refused(error))) => folder.tally.fail(&id, &error),
                    Err(error) => folder.tally.fail(&id, &error),
                }
            }
            if looked {
                // Without more to come this is the end.
                tokio::time::sleep(every?).await;
            }
            folder.look(every.is_none());
            looked = true;
        }
    })
}

/// A folder that is watched.
struct Folder {
    root: PathBuf,
    out: PathBuf,
    /// The longest document that is read, in bytes.
    limit: usize,
    memory: BufferPool,
    tally: Arc<Tally>,
    /// The state in which each document was seen last, and whether it was taken in that state.
    seen: HashMap<PathBuf, ((Option<SystemTime>, u64), bool)>,
    /// What could not be looked at the last time, and was told.
    told: HashSet<PathBuf>,
    settled: VecDeque<Document>,
}

impl Folder {
    /// Takes what has not changed since the last look, and was not taken in that state; or `all` that is there.
    fn look(&mut self, all: bool) {
        let found = support::find(std::slice::from_ref(&self.root), Some(&self.out));
        let found = found.unwrap_or_else(|failure| Found { failures: vec![failure], ..Found::default() });
        let mut seen = HashMap::new();
        for document in found.documents {
            let Ok(meta) = document.path.metadata() else { continue };
            let state = (meta.modified().ok(), meta.len());
            let known = self.seen.get(&document.path).filter(|(old, _)| *old == state);
            let (at_rest, taken) = (known.is_some(), known.is_some_and(|(_, taken)| *taken));
            let take = !taken && (at_rest || all);
            seen.insert(document.path.clone(), (state, taken || take));
            if take {
                self.settled.push_back(document);
            }
        }
        // What is there no more is forgotten.
        self.seen = seen;
        let failures = found.failures.iter().map(|(path, _)| path.clone()).collect();
        let told = std::mem::replace(&mut self.told, failures);
        for (path, error) in found.failures.iter().filter(|(path, _)| !told.contains(path)) {
            self.tally.fail(&path.display().to_string(), error);
        }
    }
}

/// Writes what became of a document; says how many bytes that were.
fn write(out: &Path, response: &ConversionResponse) -> Result<usize, String> {
    let content = response.result.as_ref().map_err(ToString::to_string)?;
    let ending = response.to.map_or("out", Format::extension);
    let path = out.join(format!("{}.{ending}", response.id));
    let draft = path.with_extension("tmp");
    let parent = path.parent().unwrap_or(out);
    // A rename replaces the old file in one step: whoever looks finds the old one or the new one, whole.
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&draft, content))
        .and_then(|()| fs::rename(&draft, &path))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(content.len())
}

/// On standard error, and only if somebody is there to see it.
fn progress_bar() -> ProgressBar {
    let target =
        if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} documents, {per_sec}, {msg}") {
        bar.set_style(style);
    }
    bar
}
