//! What can be configured, each thing once: the flags, the variables, the keys of the file and `--help` all follow from this.

/// With this begins the name of every variable of the environment that is a setting.
pub(crate) const PREFIX: &str = "MILLPOND_";

/// One setting. Its flag is `--queue-limit`, its variable `MILLPOND_QUEUE_LIMIT`, its key in the file `queue_limit`.
#[derive(Debug)]
pub(crate) struct Field {
    /// As in the file.
    pub(crate) name: &'static str,
    /// What stands for its value in `--help`.
    pub(crate) value: &'static str,
    pub(crate) default: &'static str,
    pub(crate) help: &'static str,
    pub(crate) heading: &'static str,
}

impl Field {
    /// Its name on the command line.
    pub(crate) fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Its name in the environment.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase())
    }
}

const fn field(
    name: &'static str,
    value: &'static str,
    default: &'static str,
    heading: &'static str,
    help: &'static str,
) -> Field {
    Field { name, value, default, help, heading }
}

const SERVICE: &str = "Service";
const WORK: &str = "Conversions";
const SIZES: &str = "Sizes";
const CLIENTS: &str = "Clients";
const TIMES: &str = "Times";

/// All of them, in the order of `--help`.
pub(crate) const FIELDS: &[Field] = &[
    field(
        "listen",
        "ADDRESS",
        "127.0.0.1:3000",
        SERVICE,
        "Address and port to listen on; port 0 is any that is free",
    ),
    field(
        "engine",
        "ENGINE",
        "millpond",
        SERVICE,
        "What converts: millpond, or for comparison spawn-blocking or rayon",
    ),
    field(
        "dashboard",
        "WHEN",
        "auto",
        SERVICE,
        "Whether /dashboard shows the load to everybody: on, off, or auto, which is on at a loopback address (millpond only)",
    ),
    field("runtime_threads", "N", "auto", SERVICE, "Threads of the async runtime; auto is one a core"),
    field(
        "threads",
        "N",
        "auto",
        WORK,
        "Threads that convert, at most; auto is twice the cores with millpond, else one a core",
    ),
    field(
        "inline",
        "TIME",
        "0s",
        WORK,
        "A document that will take no longer is converted where it came in (millpond only)",
    ),
    field("queue_limit", "N", "1024", WORK, "Documents that may wait for a thread; further ones get a 503"),
    field(
        "wait",
        "TIME",
        "0s",
        WORK,
        "How long a document may wait for a place in the queue before it gets that 503 (millpond only)",
    ),
    field("deadline", "TIME", "10s", WORK, "A document that is not begun so long after it came gets a 504"),
    field(
        "max_document",
        "SIZE",
        "8MiB",
        SIZES,
        "Longest document of /convert and /batch; what /stream may hold in memory",
    ),
    field("max_output", "SIZE", "64MiB", SIZES, "Longest result of /convert and of a document of /batch"),
    field(
        "memory_budget",
        "SIZE",
        "1GiB",
        SIZES,
        "Memory that conversions under way may hold in all, by the worst of documents; beyond it they get a 503, alone a 413 (millpond only)",
    ),
    field("max_batch", "SIZE", "32MiB", SIZES, "Longest request of /batch"),
    field("max_batch_documents", "N", "1000", SIZES, "Documents in a batch"),
    field(
        "max_batch_output",
        "SIZE",
        "256MiB",
        SIZES,
        "Longest result of all documents of a batch together, as JSON has them",
    ),
    field(
        "upload_budget",
        "SIZE",
        "256MiB",
        SIZES,
        "Memory for the bodies of all requests under way; beyond it they get a 503",
    ),
    field(
        "max_connections",
        "N",
        "4096",
        CLIENTS,
        "Connections at a time; on 32 further ones only /health and /metrics are answered",
    ),
    field("max_batches", "N", "16", CLIENTS, "Batches that are converted at a time; further ones get a 503"),
    field("max_streams", "N", "64", CLIENTS, "Requests of /stream at a time; further ones get a 503"),
    field(
        "header_timeout",
        "TIME",
        "10s",
        TIMES,
        "A connection whose next request is not there by then is closed",
    ),
    field("body_idle_timeout", "TIME", "10s", TIMES, "A body of which nothing comes for so long gets a 408"),
    field("body_timeout", "TIME", "1m", TIMES, "A body that is not there to its end by then gets a 408"),
    field("stream_timeout", "TIME", "10m", TIMES, "The same for a request of /stream, answer and all"),
    field(
        "write_timeout",
        "TIME",
        "30s",
        TIMES,
        "A client who takes nothing of its answer for so long is cut off",
    ),
    field("drain", "TIME", "30s", TIMES, "Time to finish what was accepted, at SIGTERM or SIGINT"),
];

/// The setting of this name.
pub(crate) fn find(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}
