//! Tasks with a deadline that are not in the run order yet, because they wait for their bytes.

use std::collections::BTreeMap;
use std::ptr;

use crate::sync::Mutex;
use crate::task::{Label, TaskRef};

/// These tasks by deadline and address of the label. The timer thread expires them; a label finds
/// its task.
#[derive(Default)]
pub(in crate::pool) struct Outside(Mutex<BTreeMap<Key, TaskRef>>);

type Key = (u64, usize);

fn key(label: &Label) -> Option<Key> {
    Some((label.expires()?, ptr::from_ref(label).addr()))
}

impl Outside {
    /// Adds a task that has a deadline. Returns false, and adds nothing, for a task without one.
    pub(in crate::pool) fn enter(&self, task: &TaskRef) -> bool {
        let Some(key) = task.label().and_then(key) else { return false };
        self.0.lock().insert(key, TaskRef::clone(task));
        true
    }

    /// Removes a task that enters the run order or is over.
    pub(in crate::pool) fn leave(&self, label: &Label) {
        if let Some(key) = key(label) {
            let left = self.0.lock().remove(&key);
            // Dropped without the lock: it may be the last reference to the task.
            drop(left);
        }
    }

    /// Returns the next deadline, in nanoseconds of the pool's clock.
    pub(in crate::pool) fn next_expiry(&self) -> Option<u64> {
        self.0.lock().first_key_value().map(|((at, _), _)| *at)
    }

    /// Removes and returns the tasks whose deadline is `now` or earlier.
    pub(in crate::pool) fn expire(&self, now: u64) -> Vec<TaskRef> {
        let mut tasks = self.0.lock();
        let later = tasks.split_off(&(now.saturating_add(1), 0));
        std::mem::replace(&mut *tasks, later).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::task::{Place, Priority, TaskCell};

    fn task(expires: Option<u64>) -> TaskRef {
        let label = Label::new("".into(), Priority::Standard, 0, expires, None);
        TaskCell::new(|| (), Place::Outside, None, Some(Box::new(label)))
    }

    #[test]
    fn whoever_leaves_is_not_kept_and_the_others_expire_in_time() {
        let outside = Outside::default();
        let tasks = [Some(5), Some(7), Some(5), None].map(task);
        let entered: Vec<bool> = tasks.iter().map(|task| outside.enter(task)).collect();
        assert_eq!(entered, [true, true, true, false]);
        assert_eq!(outside.next_expiry(), Some(5));
        outside.leave(tasks[0].label().unwrap());
        assert_eq!(Arc::strong_count(&tasks[0]), 1);
        assert!(outside.expire(4).is_empty());
        let expired = outside.expire(5);
        assert!(expired.len() == 1 && Arc::ptr_eq(&expired[0], &tasks[2]));
        outside.leave(tasks[2].label().unwrap());
        assert_eq!(outside.next_expiry(), Some(7));
    }
}
