//! Code of a user that runs on our threads, or in the middle of our work: its panics end here.
//!
//! A waker, the drop of a closure that was cancelled, a hook: none of them may take a worker, a permit or another caller's
//! answer with it. The panic hook has reported the panic by then.

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

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use std::panic::{panic_any, resume_unwind};

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
}
