//! The configuration: what the sources say, checked.

mod fields;
mod sources;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::ArgMatches;

#[allow(unused_imports, reason = "a test compares them with the documentation")]
pub(crate) use self::fields::FIELDS;
use self::sources::Sources;
pub(crate) use self::sources::command;
use self::values::Values;

/// Why the service can't be configured like that.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{field} is {value:?} ({source_name}), but must be {accepted}")]
    Value { field: &'static str, value: String, source_name: String, accepted: String },
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
    #[error("{variable}: there is no setting `{setting}`")]
    Variable { variable: String, setting: String },
    #[error("{0} is no valid text")]
    NotText(String),
}

/// What converts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EngineKind {
    Millpond,
    SpawnBlocking,
    Rayon,
}

/// Everything, checked. The fields are those of `fields.rs`, which says what they mean; `None` is "auto".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) engine: EngineKind,
    /// Whether there is `/dashboard`.
    pub(crate) dashboard: bool,
    pub(crate) runtime_threads: Option<usize>,
    pub(crate) work: WorkConfig,
    pub(crate) limits: Limits,
    pub(crate) drain: Duration,
}

/// What the engine needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkConfig {
    pub(crate) threads: Option<usize>,
    pub(crate) inline: Duration,
    pub(crate) queue_limit: usize,
    pub(crate) wait: Duration,
    pub(crate) deadline: Duration,
    pub(crate) max_document: usize,
    pub(crate) max_output: usize,
    pub(crate) memory_budget: usize,
}

/// What clients may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) max_document: usize,
    pub(crate) max_batch: usize,
    pub(crate) max_batch_documents: usize,
    pub(crate) max_batch_output: usize,
    pub(crate) upload_budget: usize,
    pub(crate) max_connections: usize,
    pub(crate) max_batches: usize,
    pub(crate) max_streams: usize,
    pub(crate) header_timeout: Duration,
    pub(crate) body_idle_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) stream_timeout: Duration,
    pub(crate) write_timeout: Duration,
}

impl Config {
    /// What the command line, the environment and the file that they name say together.
    pub(crate) fn load(
        matches: &ArgMatches,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let sources = Sources::gather(matches, variables)?;
        let values = Values(&sources);
        let max_document = values.size("max_document", GIB)?;
        let listen = values.address("listen")?;
        let config = Self {
            listen,
            engine: values.engine("engine")?,
            dashboard: values.switch("dashboard")?.unwrap_or_else(|| listen.ip().is_loopback()),
            runtime_threads: values.threads("runtime_threads")?,
            work: WorkConfig {
                threads: values.threads("threads")?,
                inline: values.time("inline", Duration::ZERO, MS)?,
                queue_limit: values.number("queue_limit", 1, 1_000_000)?,
                wait: values.time("wait", Duration::ZERO, DAY)?,
                deadline: values.time("deadline", MS, DAY)?,
                max_document,
                max_output: values.size("max_output", GIB)?,
                memory_budget: values.size("memory_budget", ByteSize::tib(1))?,
            },
            limits: Limits {
                max_document,
                max_batch: values.size("max_batch", GIB)?,
                max_batch_documents: values.number("max_batch_documents", 1, 100_000)?,
                max_batch_output: values.size("max_batch_output", GIB)?,
                upload_budget: values.size("upload_budget", ByteSize::tib(1))?,
                max_connections: values.number("max_connections", 1, 1_000_000)?,
                max_batches: values.number("max_batches", 1, 1_000_000)?,
                max_streams: values.number("max_streams", 1, 1_000_000)?,
                header_timeout: values.time("header_timeout", MS, DAY)?,
                body_idle_timeout: values.time("body_idle_timeout", MS, DAY)?,
                body_timeout: values.time("body_timeout", MS, DAY)?,
                stream_timeout: values.time("stream_timeout", MS, DAY)?,
                write_timeout: values.time("write_timeout", MS, DAY)?,
            },
            drain: values.time("drain", Duration::ZERO, DAY)?,
        };
        // Else a body that is not too long would be refused for ever, and told to come again.
        let longest = config.limits.max_document.max(config.limits.max_batch);
        if config.limits.upload_budget < longest {
            let accepted = format!("at least max_document and max_batch ({longest} bytes)");
            return Err(values.wrong("upload_budget", &accepted));
        }
        Ok(config)
    }
}

const GIB: ByteSize = ByteSize::gib(1);
const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
