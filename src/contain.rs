//! Code of a user that runs on our threads, or in the middle of our work: its panics end here.
//!
//! A waker, the drop of a closure that was cancelled, a hook: none of them may take a worker, a permit or another caller's
//! answer with it. The panic hook has reported the panic by then.
//!
//! Such code may also block. The timer thread must not wait for it: it calls [`postpone_blocking`],
//! and from then on [`may_block`], [`discard`] and [`tell`] collect the code there instead of
//! running it.

use std::cell::RefCell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Runs `code`; a panic goes no further.
pub(crate) fn contain(code: impl FnOnce()) {
    // Nothing that the panic left half-done is looked at again: `code` is consumed.
    let Err(payload) = catch_unwind(AssertUnwindSafe(code)) else { return };
    // The payload is the user's, too. One whose drop panics with a payload whose drop panics is leaked.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(payload);
    }
}

/// Wakes whoever waits there.
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        contain(|| waker.wake());
    }
}

/// Code that a thread has postponed.
pub(crate) type Postponed = Box<dyn FnOnce() + Send>;

/// What a thread has postponed.
#[derive(Default)]
pub(crate) struct PostponedLists {
    /// Code that stands on its own.
    pub(crate) code: Vec<Postponed>,
    /// Events, to be told in this order.
    pub(crate) events: Vec<Postponed>,
}

thread_local! {
    /// `None` on a thread that runs such code itself.
    static POSTPONED: RefCell<Option<PostponedLists>> = const { RefCell::new(None) };
}

/// From now on the calling thread collects code that may block, for [`take_postponed`].
pub(crate) fn postpone_blocking() {
    POSTPONED.with_borrow_mut(|postponed| *postponed = Some(PostponedLists::default()));
}

/// Takes the code that the calling thread has postponed.
pub(crate) fn take_postponed() -> PostponedLists {
    POSTPONED.with_borrow_mut(|postponed| postponed.as_mut().map(mem::take)).unwrap_or_default()
}

/// Runs `code`, which may block, or postpones it. A panic goes no further.
pub(crate) fn may_block(code: impl FnOnce() + Send + 'static) {
    run_or_postpone(code, |lists| &mut lists.code);
}

/// Drops `value`, whose drop may block, or postpones that. A panic goes no further.
pub(crate) fn discard<T: Send + 'static>(value: T) {
    if mem::needs_drop::<T>() {
        may_block(move || drop(value));
    }
}

/// Emits an event of `tracing`, whose subscriber may block, or postpones that. A panic goes no
/// further.
#[cfg_attr(millpond_loom, allow(dead_code, reason = "no model emits events"))]
pub(crate) fn tell(event: impl FnOnce() + Send + 'static) {
    run_or_postpone(event, |lists| &mut lists.events);
}

fn run_or_postpone(
    code: impl FnOnce() + Send + 'static,
    list: impl FnOnce(&mut PostponedLists) -> &mut Vec<Postponed>,
) {
    let postpones = POSTPONED.try_with(|postponed| postponed.borrow().is_some());
    // A thread whose locals are being destroyed runs it.
    if !postpones.unwrap_or(false) {
        return contain(code);
    }
    let code = Box::new(code);
    POSTPONED.with_borrow_mut(|postponed| list(postponed.get_or_insert_default()).push(code));
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use std::panic::{panic_any, resume_unwind};
    use std::sync::Arc;
    use std::thread;

    use super::*;

    struct Grenade(u32);

    impl Drop for Grenade {
        fn drop(&mut self) {
            if let Some(left) = self.0.checked_sub(1) {
                panic_any(Grenade(left));
            }
        }
    }

    #[test]
    fn a_panic_goes_no_further() {
        contain(|| resume_unwind(Box::new("spilt")));
    }

    #[test]
    fn nor_does_that_of_its_payload() {
        contain(|| resume_unwind(Box::new(Grenade(2))));
    }

    #[test]
    fn a_thread_that_postpones_drops_nothing_itself() {
        let value = Arc::new(());
        let other = Arc::clone(&value);
        let collected = thread::spawn(move || {
            postpone_blocking();
            discard(other);
            discard(1);
            take_postponed()
        });
        let collected = collected.join().unwrap();
        assert_eq!((collected.code.len(), Arc::strong_count(&value)), (1, 2));
        collected.code.into_iter().for_each(|code| code());
        assert_eq!(Arc::strong_count(&value), 1);
        discard(Arc::clone(&value));
        assert_eq!(Arc::strong_count(&value), 1, "this thread does not postpone");
    }
}
