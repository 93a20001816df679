//! What the kernel says about threads and pages.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// The bytes of a page.
pub(crate) const PAGE: usize = 4096;

/// The cores that a thread may run on, as the kernel writes them.
pub(crate) fn allowed(task: &str) -> String {
    let status = fs::read_to_string(format!("/proc/self/task/{task}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    line.trim().to_owned()
}

/// The threads of this process whose names begin with `prefix`: the rest of the name, and the
/// kernel's number.
pub(crate) fn threads(prefix: &str) -> Vec<(usize, String)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let named = tasks.filter_map(|task| {
        let number = task.ok()?.file_name().into_string().ok()?;
        let name = fs::read_to_string(format!("/proc/self/task/{number}/comm")).ok()?;
        Some((name.trim().strip_prefix(prefix)?.parse().ok()?, number))
    });
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

/// A list of numbers such as `0-3,8`.
pub(crate) fn numbers(list: &str) -> Vec<usize> {
    let parts = list.split(',').filter(|part| !part.is_empty());
    parts
        .flat_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            first.parse::<usize>().unwrap()..=last.parse().unwrap()
        })
        .collect()
}

/// Which pages of memory are on which node.
pub(crate) struct Memory {
    pagemap: File,
    /// Of each node, its number and its page frames, by zone.
    zones: Vec<(usize, std::ops::Range<u64>)>,
}

impl Memory {
    /// `None` without the right to see page frames.
    pub(crate) fn of_this_process() -> Option<Self> {
        let memory = Self { pagemap: File::open("/proc/self/pagemap").ok()?, zones: zones() };
        let touched = vec![1_u8; 2 * PAGE];
        memory.node_of(touched.as_ptr() as usize + PAGE).map(|_| memory)
    }

    /// The node of the page at an address that was written to.
    pub(crate) fn node_of(&self, address: usize) -> Option<usize> {
        const FRAME: u64 = (1 << 55) - 1;
        let mut entry = [0; 8];
        self.pagemap.read_exact_at(&mut entry, (address / PAGE * 8) as u64).ok()?;
        let frame = u64::from_ne_bytes(entry) & FRAME;
        // Without the right to see it, it is 0.
        let zone = self.zones.iter().find(|(_, frames)| frame != 0 && frames.contains(&frame));
        zone.map(|&(node, _)| node)
    }
}

/// `Node 0, zone Normal`, and after some lines `spanned 100` and `start_pfn: 1`.
fn zones() -> Vec<(usize, std::ops::Range<u64>)> {
    let text = fs::read_to_string("/proc/zoneinfo").unwrap();
    let mut zones = Vec::new();
    for zone in text.split("Node ").skip(1) {
        let node = zone.split(',').next().unwrap().parse().unwrap();
        let figure = |name: &str| {
            let line = zone.lines().find_map(|line| line.trim().strip_prefix(name));
            line.and_then(|figure| figure.trim().parse::<u64>().ok())
        };
        if let (Some(spanned), Some(first)) = (figure("spanned "), figure("start_pfn:")) {
            zones.push((node, first..first + spanned));
        }
    }
    zones
}
