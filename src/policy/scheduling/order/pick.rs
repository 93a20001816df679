//! A task out of turn; for a test that chooses who is next.

use super::{RunOrder, Turn};
use crate::task::Label;

impl<T> RunOrder<T> {
    /// All that waits, in the order in which it came.
    pub(crate) fn all(&self) -> Vec<&T> {
        let waiting = self.accounts.iter().flat_map(|(_, tenant)| tenant.queue.iter());
        let mut all: Vec<_> = waiting.map(|((_, number), waiting)| (number, &waiting.item)).collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, item)| item).collect()
    }

    /// The task with this label, as if it were its turn.
    pub(crate) fn pop_this(&mut self, label: &Label) -> Option<(T, Turn)> {
        let index = self.accounts.find(&label.tenant)?;
        let charged = self.estimate_of(index);
        let key = (label.due(), label.number());
        let tenant = self.accounts.get_mut(index)?;
        // It may have been cancelled in the meantime.
        tenant.queue.iter().find(|(at, _)| *at == key)?;
        tenant.running += 1;
        tenant.charge(charged);
        self.running += 1;
        let turn = Turn { tenant: self.accounts.place(index)?, charged };
        Some((self.take(index, key)?.item, turn))
    }

    /// How many tenants have something that waits or runs.
    pub(crate) fn busy_tenants(&self) -> usize {
        self.accounts.busy()
    }
}
