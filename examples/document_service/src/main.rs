//! Documents over HTTP: RTF and Markdown in, each other or HTML out.
//!
//! ```text
//! cargo run --release -p document_service --bin document_service -- [--listen ADDRESS] [--engine ENGINE] ...
//! curl --data-binary @README.md -H 'content-type: text/markdown' -H 'accept: text/html' localhost:3000/convert
//! ```
//!
//! `docs/service.md` says what it answers, how it is configured, and what it does when there is too much.

mod batch;
mod busy;
pub(crate) mod config;
mod connection;
mod convert;
mod departure;
pub(crate) mod engine;
pub(crate) mod files;
mod head;
pub(crate) mod index;
mod items;
mod ledger;
pub(crate) mod media;
mod metrics;
pub(crate) mod negotiation;
mod portions;
pub(crate) mod quote;
mod refusal;
pub(crate) mod server;
pub(crate) mod service;
mod signals;
mod socket;
mod stream;
mod uploads;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use self::config::Config;
use self::files::TooFew;
use self::index::NAME;
use self::server::Server;
use self::signals::heard;

fn main() -> ExitCode {
    ExitCode::from(run(env::args_os(), env::vars_os()))
}

/// The whole program; returns its exit code.
pub(crate) fn run(
    args: impl Iterator<Item = OsString>,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> u8 {
    let matches = match config::command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    let done = match Config::load(&matches, variables) {
        Ok(config) => serve(&config).map_err(|error| (1, error.to_string())),
        Err(error) => Err((2, error.to_string())),
    };
    match done {
        Ok(()) => 0,
        Err((code, message)) => {
            // If nobody hears it, the exit code says it.
            complain(format_args!("{message}"));
            code
        }
    }
}

fn serve(config: &Config) -> io::Result<()> {
    files::allow();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = config.runtime_threads {
        runtime.worker_threads(threads);
    }
    let runtime = runtime.enable_all().build()?;
    let served = runtime.block_on(async {
        let signals = signals::count()?;
        let server = Server::bind(config)?;
        if let Some(too_few) = TooFew::check(config.limits.max_connections, files::limit()) {
            complain(format_args!("warning: {too_few}"));
        }
        say(format_args!("listening on http://{}", server.address()?));
        // Who asks twice does not want to wait.
        let (first, hurry) = (heard(signals.clone(), 1), heard(signals, 2));
        let drain = config.drain;
        let stop = async move {
            first.await;
            say(format_args!("stopping: no new connections, {drain:?} for those there are"));
        };
        // On a thread of the runtime, as its connections: from one to the other there is no switch then.
        let report = tokio::spawn(server.run(stop, hurry)).await.map_err(io::Error::other)?;
        say(format_args!("stopped: {report}"));
        Ok(())
    });
    // What still runs on its threads was given its time.
    runtime.shutdown_background();
    served
}

/// On standard error.
fn complain(message: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{NAME}: {message}");
}

/// On standard output, for whoever started it. A service whose output nobody reads goes on.
fn say(message: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{message}");
}
