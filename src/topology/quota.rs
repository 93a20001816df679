//! The quota of the process's control group (cgroup v2): how many cores it may use, and how long it
//! was throttled. It is read each time, since an orchestrator may change it.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The groups of the process that can have a quota, from its own to the root.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    levels: Vec<Level>,
    /// The limit at the start that only the standard library knows.
    otherwise: Option<f64>,
}

#[derive(Debug)]
struct Level {
    max: File,
    stat: Option<File>,
}

impl Quota {
    /// Of this process. Without a quota of version 2, that of version 1, which is read only here.
    pub(crate) fn of_this_process() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let quota = match folder(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup")) {
            Some((mount, folder)) => Self::within(&mount, &folder),
            None => Self::default(),
        };
        quota.or_else(super::usable_cores(), super::affinity())
    }

    /// Adds the limit that the standard library knows, if there is no other.
    fn or_else(mut self, usable: usize, affinity: usize) -> Self {
        self.otherwise = (self.levels.is_empty() && usable < affinity).then_some(usable as f64);
        self
    }

    /// Of a group whose folder is `folder`, under the mount point `mount`.
    fn within(mount: &Path, folder: &Path) -> Self {
        let level = |folder: &Path| {
            let max = File::open(folder.join("cpu.max")).ok()?;
            Some(Level { max, stat: File::open(folder.join("cpu.stat")).ok() })
        };
        let up = folder.ancestors().take_while(|folder| folder.starts_with(mount));
        Self { levels: up.filter_map(level).collect(), otherwise: None }
    }

    /// The cores that may be used on average; `None` if there is no limit.
    pub(crate) fn cores(&self) -> Option<f64> {
        let cores = self.levels.iter().filter_map(|level| parse_max(&read(&level.max)?));
        cores.min_by(f64::total_cmp).or(self.otherwise)
    }

    /// How long the process's groups were throttled so far; the one that was longest.
    pub(crate) fn throttled(&self) -> Duration {
        let throttled = |level: &Level| parse_throttled(&read(level.stat.as_ref()?)?);
        self.levels.iter().filter_map(throttled).max().unwrap_or_default()
    }
}

fn read(mut file: &File) -> Option<String> {
    let mut buffer = [0; 1024];
    // Not `read_at`, which is Unix's alone.
    file.rewind().ok()?;
    let read = file.read(&mut buffer).ok()?;
    std::str::from_utf8(&buffer[..read]).ok().map(String::from)
}

/// The mount point of the groups and the folder of the process's own, by `/proc/self/mountinfo`
/// (proc_pid_mountinfo(5)) and `/proc/self/cgroup` (cgroups(7)).
fn folder(mounts: &str, groups: &str) -> Option<(PathBuf, PathBuf)> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| {
        let (before, behind) = line.split_once(" - ")?;
        if !behind.starts_with("cgroup2 ") {
            return None;
        }
        let mut fields = before.split(' ').skip(3);
        let (root, mount) = (fields.next()?, PathBuf::from(fields.next()?));
        let below = Path::new(own).strip_prefix(root).ok()?;
        let folder = mount.join(below);
        Some((mount, folder))
    })
}

/// `cpu.max`: microseconds of processor time, or `max`, a period in microseconds.
fn parse_max(text: &str) -> Option<f64> {
    let mut fields = text.split_ascii_whitespace();
    let quota: f64 = fields.next()?.parse().ok()?;
    let period: f64 = fields.next()?.parse().ok()?;
    let cores = quota / period;
    (cores.is_finite() && cores > 0.0).then_some(cores)
}

/// `cpu.stat`: names and figures, a line each.
fn parse_throttled(text: &str) -> Option<Duration> {
    let micros = text.lines().find_map(|line| line.strip_prefix("throttled_usec "))?;
    micros.trim().parse().ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_folder_of_the_own_group_is_found() {
        let mounts = "22 1 0:20 / /proc rw - proc proc rw\n30 1 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
        let (mount, own) = folder(mounts, "1:cpu:/x\n0::/user.slice/app\n").unwrap();
        assert_eq!(mount, Path::new("/sys/fs/cgroup"));
        assert_eq!(own, Path::new("/sys/fs/cgroup/user.slice/app"));
        let bound = "30 1 0:26 /pod /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(folder(bound, "0::/pod/app\n").unwrap().1, Path::new("/sys/fs/cgroup/app"));
        assert_eq!(folder(bound, "0::/elsewhere\n"), None);
        assert_eq!(folder("22 1 0:20 / /proc rw - proc proc rw\n", "0::/\n"), None);
        assert_eq!(folder(mounts, "1:cpu:/x\n"), None);
    }

    #[test]
    fn the_tightest_quota_counts_and_changes_are_seen() {
        let root = std::env::temp_dir().join(format!("millpond-quota-{}", std::process::id()));
        let own = root.join("a/b");
        fs::create_dir_all(&own).unwrap();
        fs::write(root.join("a/cpu.max"), "150000 100000\n").unwrap();
        fs::write(own.join("cpu.max"), "max 100000\n").unwrap();
        fs::write(own.join("cpu.stat"), "usage_usec 5\nnr_throttled 2\nthrottled_usec 4000\n").unwrap();
        let quota = Quota::within(&root, &own);
        assert_eq!(quota.cores(), Some(1.5));
        assert_eq!(quota.throttled(), Duration::from_millis(4));
        fs::write(own.join("cpu.max"), "50000 100000\n").unwrap();
        assert_eq!(quota.cores(), Some(0.5));
        fs::write(own.join("cpu.max"), "nonsense").unwrap();
        assert_eq!(quota.cores(), Some(1.5));
        assert_eq!(quota.or_else(1, 2).cores(), Some(1.5));
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(Quota::default().cores(), None);
        // As under version 1.
        assert_eq!(Quota::default().or_else(1, 2).cores(), Some(1.0));
        assert_eq!(Quota::default().or_else(2, 2).cores(), None);
    }

    #[test]
    fn whatever_this_machine_has_is_no_error() {
        let quota = Quota::of_this_process();
        assert!(quota.cores().is_none_or(|cores| cores > 0.0));
        let _ = quota.throttled();
    }
}
