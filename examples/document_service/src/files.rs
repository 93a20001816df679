//! The number of connections, each of which is an open file of the process.

use std::fmt;

/// Connections beside the configured number, for `/health` and `/metrics`.
const RESERVE: usize = 32;

/// Files for all but connections: standard streams, the listening socket, the runtime's own.
/// Usually 12 are open.
const OWN: usize = 32;

/// The places for connections, within what the process may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Places {
    /// For requests of all kinds.
    pub(crate) connections: usize,
    /// For a look at `/health` or `/metrics`.
    pub(crate) reserve: usize,
}

impl Places {
    /// Returns `wanted` connections and the reserve, if the limit allows both. If not, the reserve
    /// comes first, up to half of what there is. There is at least one place of each kind.
    pub(crate) fn new(wanted: usize, files: Option<usize>) -> Self {
        let free = files.map_or(usize::MAX, |files| files.saturating_sub(OWN).max(2));
        let reserve = RESERVE.min((free / 2).max(free.saturating_sub(wanted)));
        Self { connections: wanted.min(free - reserve), reserve }
    }
}

/// A limit that leaves no room for the connections that are configured.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooFew {
    wanted: usize,
    files: usize,
    places: Places,
}

impl TooFew {
    pub(crate) fn check(wanted: usize, files: Option<usize>) -> Option<Self> {
        let places = Places::new(wanted, files);
        let is_too_few = places.connections < wanted || places.reserve < RESERVE;
        files.filter(|_| is_too_few).map(|files| Self { wanted, files, places })
    }
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, files, places: Places { connections, reserve } } = self;
        write!(f, "max_connections is {wanted}, but the process may open {files} files: ")?;
        write!(f, "there are {connections} connections at a time, and {reserve} for /health and /metrics")
    }
}

/// Allows as many open files as the system does: the usual limit of 1,024 is for programs that call
/// `select`.
pub(crate) fn allow() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        // If not, there are fewer connections.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
}

/// The number of files that may be open; `None` without a limit, or where it is not known.
pub(crate) fn limit() -> Option<usize> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok())
    }
    #[cfg(not(unix))]
    None
}
