//! The worker of a manual pool: one cue, one task.

use super::gate::Gate;
use crate::pool::worker::Worker;
use crate::task::{Run, TaskRef};

/// What the worker is told.
pub(super) enum Cue {
    /// To run a task.
    Play(Pick),
    /// To say what waits.
    List,
}

/// Which task.
pub(crate) enum Pick {
    /// The one that would be next if the pool went on by itself.
    Next,
    /// That one of all that wait.
    Nth(usize),
    /// Any, each with the same chance; the number is from 0 to under 1.
    Any(f64),
    /// The first of this name.
    Named(String),
}

/// What it answers.
pub(super) enum Answer {
    /// Whether a task has run.
    Played(bool),
    Waiting(Vec<TaskRef>),
}

impl std::fmt::Debug for Cue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cue")
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer")
    }
}

impl Pick {
    /// Its place among those that wait.
    fn choose(&self, waiting: &[TaskRef]) -> Option<usize> {
        match self {
            Self::Next => None,
            Self::Nth(n) => Some(*n),
            Self::Any(roll) => Some((roll * waiting.len() as f64) as usize),
            Self::Named(name) => waiting.iter().position(|task| name_of(&**task) == Some(name)),
        }
        .filter(|&n| n < waiting.len())
    }
}

fn name_of(task: &dyn Run) -> Option<&str> {
    task.label()?.name()
}

impl Worker {
    /// All that it does.
    pub(in crate::pool) fn perform(&self) {
        if let Some(gate) = &self.shared().stage.gate {
            self.follow(gate);
        }
        self.work();
    }

    /// Until the gate is open for good. A searcher before and after.
    fn follow(&self, gate: &Gate) {
        let mut answer = None;
        while let Some(cue) = gate.next_cue(answer.take()) {
            answer = Some(match cue {
                Cue::Play(pick) => Answer::Played(self.play(&pick)),
                Cue::List => Answer::Waiting(self.list()),
            });
        }
    }

    /// Runs one task. What was cancelled in the meantime does not count.
    fn play(&self, pick: &Pick) -> bool {
        let before = self.counters().started();
        let mut found = false;
        while self.counters().started() == before {
            let Some(task) = self.pick(pick) else { break };
            if !found {
                found = true;
                self.shared().idle.work_found();
                self.books.begin();
            }
            self.execute(task);
        }
        if found {
            self.begin_search();
        }
        self.counters().started() > before
    }

    fn pick(&self, pick: &Pick) -> Option<TaskRef> {
        let shared = self.shared();
        if matches!(pick, Pick::Next) {
            // As an ordinary worker, but one by one: what is set aside for a moment would have to be told from the rest.
            return self.next_in_order(|| 1).or_else(|| {
                self.settle_grant();
                self.local.drain(&shared.queues).next()
            });
        }
        self.settle_grant();
        let now = shared.now_ns();
        shared.expire(shared.ranks.expire(now));
        self.with_all(|all, plain| {
            let n = pick.choose(all)?;
            if n < plain {
                return Some(all.remove(n));
            }
            let (task, grant) = shared.ranks.take(all[n].label()?)?;
            self.charges.open(grant, now);
            Some(task)
        })
    }

    fn list(&self) -> Vec<TaskRef> {
        self.with_all(|all, _| all.clone())
    }

    /// Shows all that waits, and how many of them are in the queues; those may be taken away. The others are in the run order.
    fn with_all<R>(&self, look: impl FnOnce(&mut Vec<TaskRef>, usize) -> R) -> R {
        let shared = self.shared();
        let mut all = self.local.drain(&shared.queues).collect::<Vec<_>>();
        let plain = all.len();
        let ranked = shared.ranks.all();
        let labelled = ranked.len();
        all.extend(ranked);
        let result = look(&mut all, plain);
        all.truncate(all.len() - labelled);
        self.local.put_back(all);
        result
    }
}
