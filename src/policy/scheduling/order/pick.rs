//! Takes tasks out of order, for a test that chooses the next task.

use super::{Grant, RunOrder};
use crate::task::Label;

impl<T> RunOrder<T> {
    /// Returns all waiting tasks in order of arrival.
    pub(crate) fn all(&self) -> Vec<&T> {
        let waiting = self.accounts.iter().flat_map(|(_, tenant)| tenant.queue.iter());
        let mut all: Vec<_> = waiting.map(|((_, number), waiting)| (number, &waiting.item)).collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, item)| item).collect()
    }

    /// Takes out the task with this label as if it were the next.
    pub(crate) fn pop_this(&mut self, label: &Label) -> Option<(T, Grant)> {
        let index = self.accounts.find(&label.tenant)?;
        let charged = self.estimate_of(index);
        let key = (label.due(), label.number());
        let tenant = self.accounts.get_mut(index)?;
        // The task may have been cancelled in the meantime.
        tenant.queue.iter().find(|(at, _)| *at == key)?;
        tenant.running += 1;
        tenant.charge(charged);
        self.running += 1;
        let grant = Grant { account: self.accounts.id(index)?, charged };
        Some((self.take(index, key)?.item, grant))
    }

    /// Returns the number of tenants with a waiting or a running task.
    pub(crate) fn busy_tenants(&self) -> usize {
        self.accounts.busy()
    }
}
