//! A worker that runs one task at a time, under the control of a test.

use super::main_loop::Worker;
use crate::metrics::Phase;
use crate::pool::test_hooks::Stepped;
use crate::task::TaskRef;

impl Stepped for Worker {
    /// Takes the next task as the worker's loop does, but without batches, whose tasks could not be
    /// told from subtasks.
    fn step(&self) -> bool {
        self.run_one(|| {
            self.next_in_order(false).or_else(|| {
                self.settle_grant();
                self.local.drain(&self.shared().queues).next()
            })
        })
    }

    fn step_chosen(&self, choose: &dyn Fn(&[TaskRef]) -> Option<usize>) -> bool {
        self.run_one(|| self.take_chosen(choose))
    }

    fn waiting(&self) -> Vec<TaskRef> {
        let mut all: Vec<_> = self.local.drain(&self.shared().queues).collect();
        self.local.put_back(all.clone());
        all.extend(self.waiting_in_order());
        all
    }
}

impl Worker {
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

    fn take_chosen(&self, choose: impl Fn(&[TaskRef]) -> Option<usize>) -> Option<TaskRef> {
        let shared = self.shared();
        self.settle_grant();
        let now = shared.now_ns();
        shared.expire(shared.run_queue.expire(now));
        let mut queued: Vec<_> = self.local.drain(&shared.queues).collect();
        let mut all = queued.clone();
        all.extend(self.waiting_in_order());
        let n = choose(&all);
        // The tasks of the queues come before those of the run order.
        let chosen = n.filter(|&n| n < queued.len()).map(|n| queued.remove(n));
        self.local.put_back(queued);
        chosen.or_else(|| {
            let label = all.get(n?)?.label()?;
            let (task, grant) = shared.run_queue.with(|state| state.order.pop_this(label))?;
            self.charges.open(grant, now);
            Some(task)
        })
    }

    fn waiting_in_order(&self) -> Vec<TaskRef> {
        self.shared().run_queue.with(|state| state.order.all().into_iter().cloned().collect())
    }
}
