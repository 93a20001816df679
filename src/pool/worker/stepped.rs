//! A worker that runs one task at a time, under the control of a test.

use std::sync::Arc;

use super::main_loop::Worker;
use crate::metrics::Phase;
use crate::pool::test_hooks::Stepped;
use crate::task::TaskRef;

impl Stepped for Worker {
    fn step(&self) -> bool {
        self.run_one(|| self.take_next())
    }

    fn step_chosen(&self, choose: &dyn Fn(&[TaskRef]) -> Option<usize>) -> bool {
        self.run_one(|| self.take_chosen(choose))
    }

    fn waiting(&self) -> Vec<TaskRef> {
        self.with_all(|all, _| all.clone())
    }
}

impl Worker {
    /// Runs the steps that a test commands, if a test controls the pool.
    pub(in crate::pool) fn run_steps(&self) {
        if let Some(control) = self.shared().test_hooks.control() {
            Arc::clone(control).run_steps(self);
        }
    }

    /// Runs one task that `take` returns, and skips cancelled ones. The worker is a searcher before
    /// and after, so no submitter wakes it or starts another.
    fn run_one(&self, take: impl Fn() -> Option<TaskRef>) -> bool {
        let before = self.counters().started();
        let mut found = false;
        while self.counters().started() == before {
            let Some(task) = take() else { break };
            if !found {
                found = true;
                self.shared().idle.work_found();
                self.ledger.begin(self.counters());
                self.counters().enter(Phase::Running);
            }
            let (_, runtime) = self.shared().runtime.current();
            let _entered = runtime.as_ref().map(tokio::runtime::Handle::enter);
            self.execute(task);
        }
        if found {
            self.begin_search();
        }
        self.counters().started() > before
    }

    /// Takes the next task as the worker's loop does, but without batches, whose tasks could not be
    /// told from subtasks.
    fn take_next(&self) -> Option<TaskRef> {
        self.next_in_order(|| 1).or_else(|| {
            self.settle_grant();
            self.local.drain(&self.shared().queues).next()
        })
    }

    fn take_chosen(&self, choose: impl Fn(&[TaskRef]) -> Option<usize>) -> Option<TaskRef> {
        let shared = self.shared();
        self.settle_grant();
        let now = shared.now_ns();
        shared.expire(shared.run_queue.expire(now));
        self.with_all(|all, plain| {
            let n = choose(all).filter(|&n| n < all.len())?;
            if n < plain {
                return Some(all.remove(n));
            }
            let (task, grant) = shared.run_queue.take(all[n].label()?)?;
            self.charges.open(grant, now);
            Some(task)
        })
    }

    /// Calls `look` with all waiting tasks and the number of those in the queues. `look` may remove
    /// tasks that are in the queues. The others, behind them, are in the run order.
    fn with_all<R>(&self, look: impl FnOnce(&mut Vec<TaskRef>, usize) -> R) -> R {
        let shared = self.shared();
        let mut all = self.local.drain(&shared.queues).collect::<Vec<_>>();
        let plain = all.len();
        let ranked = shared.run_queue.all();
        let labelled = ranked.len();
        all.extend(ranked);
        let result = look(&mut all, plain);
        all.truncate(all.len() - labelled);
        self.local.put_back(all);
        result
    }
}
