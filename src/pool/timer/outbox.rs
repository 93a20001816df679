//! The events of the timer thread, on their way to a subscriber of `tracing`.
//!
//! One helper thread at a time emits them, so they keep their order, and a subscriber that blocks
//! holds up one helper thread and no more.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::contain::{Postponed, contain};
use crate::sync::Mutex;

/// The number of events that may wait. Later ones are lost.
const MOST: usize = 256;

/// Events that wait to be emitted.
#[derive(Default)]
pub(super) struct Outbox(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Postponed>,
    /// A helper thread emits them, or will do so.
    in_hand: bool,
}

impl Outbox {
    /// Adds events. Returns the code that emits them; `None` if it was returned before and has not
    /// come to its end.
    pub(super) fn add(self: &Arc<Self>, events: Vec<Postponed>) -> Option<Postponed> {
        if events.is_empty() {
            return None;
        }
        let mut state = self.0.lock();
        let room = MOST.saturating_sub(state.waiting.len());
        state.waiting.extend(events.into_iter().take(room));
        if std::mem::replace(&mut state.in_hand, true) {
            return None;
        }
        let outbox = Arc::clone(self);
        Some(Box::new(move || outbox.emit_all()))
    }

    fn emit_all(&self) {
        while let Some(event) = self.next() {
            contain(event);
        }
    }

    fn next(&self) -> Option<Postponed> {
        let mut state = self.0.lock();
        let event = state.waiting.pop_front();
        state.in_hand = event.is_some();
        event
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn one_thread_emits_in_order_what_came_meanwhile_too() {
        let outbox = Arc::<Outbox>::default();
        let (told, tells) = mpsc::channel();
        let event = |number: usize| {
            let told = told.clone();
            Box::new(move || told.send(number).unwrap()) as Postponed
        };
        let emit = outbox.add(vec![event(0), event(1)]).unwrap();
        assert!(outbox.add(vec![event(2)]).is_none());
        emit();
        assert_eq!(tells.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert!(outbox.add(Vec::new()).is_none());
        outbox.add(vec![Box::new(|| panic!("in a subscriber")), event(3)]).unwrap()();
        assert_eq!(tells.try_iter().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn a_subscriber_that_blocks_does_not_fill_the_memory() {
        let outbox = Arc::<Outbox>::default();
        let blocked = outbox.add(vec![Box::new(|| ())]);
        for _ in 0..2 * MOST {
            assert!(outbox.add(vec![Box::new(|| ())]).is_none());
        }
        assert_eq!(outbox.0.lock().waiting.len(), MOST);
        drop(blocked);
    }
}
