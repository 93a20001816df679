//! Which module stands on which floor.

/// No file of `src` has more lines.
pub(crate) const LONGEST_FILE: usize = 800;

/// From the ground up: a module may import what stands below it. Within a floor of `docs/architecture.md` the plain files
/// stand below the folders, `convert` below `processor`, and `pool` below `test_util`.
const FLOORS: [(&str, &[&str]); 11] = [
    ("F0, plain files and the machine", &["contain", "counted_wakes", "sync", "clock", "error", "topology"]),
    ("F0, configuration", &["config"]),
    ("F0", &["task", "queue", "park", "metrics"]),
    ("F1", &["policy"]),
    ("F2", &["admission", "memory", "retry"]),
    ("F3", &["pool"]),
    ("F3, for tests", &["test_util"]),
    ("F4, converters", &["convert"]),
    ("F4", &["processor"]),
    ("F5", &["dashboard", "service", "telemetry"]),
    ("documentation", &["guide"]),
];

/// What is allowed all the same: who, what, and why.
pub(crate) const SIDEWAYS: [(&str, &str, &str); 1] =
    [("queue", "task", "a queue holds tasks; it knows them by their trait only")];

/// The number of the floor that a top-level module stands on.
pub(crate) fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, modules)| modules.contains(&module))
}

/// Whether `from` may import `to`, both being top-level modules; else the reason.
pub(crate) fn judge(from: &str, to: &str) -> Result<(), String> {
    if from == to || SIDEWAYS.iter().any(|&(a, b, _)| (a, b) == (from, to)) {
        return Ok(());
    }
    let name = |floor: usize| FLOORS[floor].0;
    match (floor_of(from), floor_of(to)) {
        (Some(own), Some(other)) if other < own => Ok(()),
        (Some(own), Some(other)) => {
            let way = if other == own { "sideways" } else { "upward" };
            Err(format!("`{from}` ({}) imports {way} from `{to}` ({})", name(own), name(other)))
        }
        (None, _) => Err(format!("`{from}` is on no floor")),
        (_, None) => {
            Err(format!("`crate::{to}` is on no floor; a name is imported from the module that defines it"))
        }
    }
}
