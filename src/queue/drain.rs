//! Takes all waiting tasks of a pool with one worker, for a test that chooses among them.

use super::{Local, Queues, insist};
use crate::task::TaskRef;

impl Local {
    /// Takes the waiting tasks out of the own deques and the injectors, one by one: subtasks first,
    /// the newest first, then tasks from outside, in order.
    pub(crate) fn drain<'q>(&'q self, queues: &'q Queues) -> impl Iterator<Item = TaskRef> + 'q {
        let own = std::iter::from_fn(|| self.pop().or_else(|| self.pop_batch()));
        let injectors = &queues.injectors;
        let injected = std::iter::from_fn(|| injectors.iter().find_map(|from| insist(|| from.steal())));
        own.chain(injected).filter(|task| {
            let waits = task.is_pending();
            if !waits {
                queues.passed_empty();
            }
            waits
        })
    }

    /// Puts back the drained tasks that the test did not choose.
    pub(crate) fn put_back(&self, tasks: Vec<TaskRef>) {
        // The deque of subtasks is last in, first out.
        tasks.into_iter().rev().for_each(|task| self.push(task));
    }
}
