//! Runs steps that trigger each other one after the other, not nested.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::contain::contain;

type Step = Box<dyn FnOnce()>;

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    static ROW: RefCell<VecDeque<Step>> = const { RefCell::new(VecDeque::new()) };
}

/// Runs `step` now. If a step already runs on this thread, runs it after that one.
pub(super) fn in_a_row(step: impl FnOnce() + 'static) {
    /// Runs the remaining steps even if a step panics (a user's waker may).
    struct Rest;
    impl Drop for Rest {
        fn drop(&mut self) {
            // The thread-local may be destroyed before the running step has ended.
            while let Some(step) = ROW.try_with(|row| row.borrow_mut().pop_front()).ok().flatten() {
                contain(step);
            }
            RUNNING.set(false);
        }
    }

    // The thread may be about to end, with this thread-local destroyed.
    if ROW.try_with(|_| ()).is_err() {
        return step();
    }
    if RUNNING.replace(true) {
        return ROW.with_borrow_mut(|row| row.push_back(Box::new(step)));
    }
    let _rest = Rest;
    step();
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;

    use super::*;

    #[test]
    fn steps_follow_each_other_and_a_panic_does_not_lose_the_rest() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let (first, second) = (Rc::clone(&log), Rc::clone(&log));
        let caught = catch_unwind(AssertUnwindSafe(|| {
            in_a_row(move || {
                in_a_row(move || second.borrow_mut().push("second"));
                first.borrow_mut().push("first");
                panic!("a waker's");
            });
        }));
        assert!(caught.is_err());
        assert_eq!(*log.borrow(), ["first", "second"]);
        let (third, fourth) = (Rc::clone(&log), Rc::clone(&log));
        in_a_row(move || {
            in_a_row(|| panic!("a later one's"));
            in_a_row(move || fourth.borrow_mut().push("fourth"));
        });
        assert_eq!(*log.borrow(), ["first", "second", "fourth"]);
        in_a_row(move || third.borrow_mut().push("third"));
        assert_eq!(log.borrow().len(), 4);
    }
}
