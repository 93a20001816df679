//! What has lately gone wrong in a pool: a bounded memory of rare events.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::gate::Gate;
use crate::sync::Mutex;

/// The number of events of a kind that are kept.
const KEPT: usize = 32;
/// The number of events of a kind that are written in a second. The others are counted.
const MOST_WRITTEN: u32 = 16;
/// The bytes of a text that are kept. A panic's message may be a whole document.
const MOST_TEXT: usize = 1024;

/// An event of a pool that is rare where all is well; see
/// [`recent_events`](crate::AdaptiveThreadPool::recent_events).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RecentEvent {
    /// The time of the event, since the pool was built.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub at: Duration,
    /// The kind.
    pub kind: RecentKind,
    /// The name of the task, if it has one: [`TaskOptions::name`](crate::TaskOptions::name).
    pub task: Option<String>,
    /// The tenant of the task, if it has one.
    pub tenant: Option<String>,
    /// What happened, in words: the facts of a refusal, the message of a panic, a time. Of a longer
    /// text the pool keeps the first 1,024 bytes and `…`, as of the names.
    pub detail: String,
    /// The number of events of this kind that were not kept between the one before and this one.
    /// The pool keeps at most 16 of a kind in a second.
    pub skipped: u64,
}

/// The kind of a [`RecentEvent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RecentKind {
    /// Work was refused.
    Refused,
    /// The deadline of an accepted task passed before it started.
    Expired,
    /// An accepted task was given up: evicted by more urgent work, or too old in an overload.
    Shed,
    /// A task panicked.
    Panicked,
    /// A task ran for longer than [`slow_task`](crate::PoolConfig::slow_task).
    SlowTask,
    /// A task waited for longer than [`long_wait`](crate::PoolConfig::long_wait).
    LongWait,
    /// All workers are blocked in their tasks while work waits.
    AllBlocked,
    /// The operating system refused a thread.
    ThreadRefused,
}

/// The number of kinds.
const KINDS: usize = RecentKind::ThreadRefused as usize + 1;

impl fmt::Display for RecentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Shed => "shed",
            Self::Panicked => "panicked",
            Self::SlowTask => "slow_task",
            Self::LongWait => "long_wait",
            Self::AllBlocked => "all_blocked",
            Self::ThreadRefused => "thread_refused",
        })
    }
}

impl fmt::Display for RecentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, kind, task, tenant, detail, skipped } = self;
        write!(f, "{:.3} s: {kind}", at.as_secs_f64())?;
        let named = [("task", task.as_deref()), ("tenant", tenant.as_deref())];
        for (what, name) in named.into_iter().filter_map(|(what, name)| Some((what, name?))) {
            write!(f, ", {what} {name:?}")?;
        }
        write!(f, ": {detail}")?;
        if *skipped > 0 {
            write!(f, " ({skipped} before it were not kept)")?;
        }
        Ok(())
    }
}

/// The last events of each kind. A flood of one kind displaces no other.
#[derive(Debug)]
pub(in crate::pool) struct Recent([Lane; KINDS]);

#[derive(Debug)]
struct Lane {
    gate: Gate,
    events: Mutex<VecDeque<RecentEvent>>,
}

impl Default for Recent {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Lane { gate: Gate::new(MOST_WRITTEN), events: Mutex::default() }))
    }
}

impl Recent {
    /// Keeps an event at `now`, in nanoseconds of the pool's clock.
    pub(in crate::pool) fn note(
        &self,
        now: u64,
        kind: RecentKind,
        task: Option<&str>,
        tenant: Option<&str>,
        detail: impl FnOnce() -> String,
    ) {
        let lane = &self.0[kind as usize];
        let Some(skipped) = lane.gate.pass(now) else { return };
        let (task, tenant) = (task.map(beginning), tenant.map(beginning));
        let at = Duration::from_nanos(now);
        let event = RecentEvent { at, kind, task, tenant, detail: beginning(&detail()), skipped };
        let mut events = lane.events.lock();
        if events.len() == KEPT {
            events.pop_front();
        }
        events.push_back(event);
    }

    /// Returns the events that are kept, the newest last.
    pub(in crate::pool) fn list(&self) -> Vec<RecentEvent> {
        let mut all: Vec<_> = self.0.iter().flat_map(|lane| lane.events.lock().clone()).collect();
        all.sort_by_key(|event| event.at);
        all
    }
}

/// A text, or the beginning of a long one, which ends with a whole character.
fn beginning(text: &str) -> String {
    if text.len() <= MOST_TEXT {
        return text.to_owned();
    }
    let end = (0..=MOST_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn note(recent: &Recent, now: u64, kind: RecentKind) {
        recent.note(now, kind, None, None, || now.to_string());
    }

    #[test]
    fn the_newest_comes_last_whatever_its_kind() {
        let recent = Recent::default();
        note(&recent, 3, RecentKind::Panicked);
        note(&recent, 2, RecentKind::Refused);
        note(&recent, 5, RecentKind::Expired);
        assert_eq!(
            recent.list().iter().map(|event| event.detail.as_str()).collect::<Vec<_>>(),
            ["2", "3", "5"]
        );
    }

    #[test]
    fn a_flood_of_one_kind_displaces_no_other_and_says_how_much_is_missing() {
        let recent = Recent::default();
        note(&recent, 0, RecentKind::Panicked);
        for second in 0..10 {
            (0..100).for_each(|n| note(&recent, second * SECOND + n, RecentKind::Refused));
        }
        let kept = recent.list();
        assert_eq!(kept.len(), 1 + KEPT);
        assert_eq!(kept[0].kind, RecentKind::Panicked);
        // In each second 16 pass: the last of the second before has told nothing of those after it.
        assert_eq!(kept.iter().map(|event| event.skipped).sum::<u64>(), 2 * 84);
    }

    #[test]
    fn of_a_long_text_the_beginning_is_kept() {
        let recent = Recent::default();
        // The bound falls into the middle of a character.
        let long = "a".to_owned() + &"ž".repeat(1 << 20);
        recent.note(0, RecentKind::Panicked, Some(&long), Some(&long), || long.clone());
        let event = recent.list().remove(0);
        for kept in [event.detail, event.task.unwrap_or_default(), event.tenant.unwrap_or_default()] {
            assert_eq!(kept, "a".to_owned() + &"ž".repeat(511) + "…");
        }
    }

    #[test]
    fn an_event_is_a_line_of_text() {
        let recent = Recent::default();
        let detail = || "it ran for 2.0s".into();
        recent.note(1_500_000_000, RecentKind::SlowTask, Some("report"), Some("ada"), detail);
        note(&recent, 2 * SECOND, RecentKind::AllBlocked);
        let lines: Vec<_> = recent.list().iter().map(RecentEvent::to_string).collect();
        assert_eq!(
            lines,
            [
                "1.500 s: slow_task, task \"report\", tenant \"ada\": it ran for 2.0s",
                "2.000 s: all_blocked: 2000000000",
            ]
        );
    }
}
