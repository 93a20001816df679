//! Admission: permits, tickets and the checks of labelled work.

use std::sync::Arc;

use crate::admission::Full;
use crate::error::{RejectReason, Rejection};
use crate::policy::tenant_share;
use crate::pool::events::Subject;
use crate::pool::shared::{Shared, count};
use crate::pool::submit::mode::Mode;
use crate::task::{Label, Place, Refusal, Ticket};

/// A tenant has `depth` places in the queue and may have only `limit`.
struct OverShare {
    depth: usize,
    limit: usize,
}

impl Shared {
    /// Admits work with this label, or plain work, and returns its place in the queue.
    pub(in crate::pool) fn place(
        self: &Arc<Self>,
        label: Option<&Label>,
        mode: Mode,
    ) -> Result<Place, Rejection> {
        if let Some(label) = label.filter(|_| !matches!(mode, Mode::Step)) {
            self.check(label)?;
        }
        let over_share = label.and_then(|label| self.over_share(label));
        let ticket = match mode {
            Mode::Try | Mode::TryUncounted => {
                return self.place_now(label, over_share, matches!(mode, Mode::Try));
            }
            Mode::Step => match self.try_permit() {
                Ok(_) => Ticket::HELD,
                Err(Full::Occupied) => Ticket::NONE,
                Err(Full::Closed) => return Err(self.rejection(Full::Closed)),
            },
            Mode::Permit(_) if self.permits.is_closed() => return Err(self.rejection(Full::Closed)),
            // A permit that the work brings is given back.
            _ if over_share.is_some() => {
                count(&self.tally.waited);
                Ticket::NONE
            }
            // A permit that has lapsed makes the queue longer than its limit by one.
            Mode::Permit(permit) => {
                if permit.redeem() {
                    Ticket::HELD
                } else {
                    Ticket::NONE
                }
            }
            Mode::Wait | Mode::WaitAndTell(_) | Mode::WaitUncalled => self.ticket()?,
        };
        Ok(Place::Queued(ticket))
    }

    /// Admits work that does not wait: with a free permit, or with that of a less urgent task,
    /// which is evicted. A refusal for want of room is counted if `counts`.
    fn place_now(
        self: &Arc<Self>,
        label: Option<&Label>,
        over_share: Option<OverShare>,
        counts: bool,
    ) -> Result<Place, Rejection> {
        if let Some(OverShare { depth, limit }) = over_share {
            return Err(Rejection { depth, limit, ..self.no_room(RejectReason::TenantLimit, counts) });
        }
        match self.try_permit() {
            Ok(_) => Ok(Place::Queued(Ticket::HELD)),
            Err(Full::Closed) => Err(self.rejection(Full::Closed)),
            Err(Full::Occupied) => {
                let evicted = label.and_then(|label| self.evict(label));
                evicted.ok_or_else(|| self.no_room(RejectReason::QueueFull, counts))
            }
        }
    }

    /// Returns the ticket of work whose caller waits. The ticket does not decide the work's turn.
    fn ticket(&self) -> Result<Ticket, Rejection> {
        let ticket = match self.try_permit() {
            Ok(_) => return Ok(Ticket::HELD),
            Err(Full::Closed) => None,
            Err(Full::Occupied) => self.permits.join_work(),
        };
        let ticket = ticket.ok_or_else(|| self.rejection(Full::Closed))?;
        if ticket == Ticket::HELD {
            self.load_rose(self.permits.available());
        } else {
            count(&self.tally.waited);
        }
        Ok(ticket)
    }

    /// Refuses the work if a test has asked for it.
    #[inline]
    pub(in crate::pool) fn test_refusal(&self) -> Result<(), Rejection> {
        let reason = self.test_hooks.control().and_then(|control| control.refusal());
        reason.map_or(Ok(()), |reason| Err(self.rejected(reason)))
    }

    /// Refuses labelled work that would not run in time: the pool is closed, the deadline has
    /// passed or can't be met, or the pool sheds work of this priority.
    fn check(&self, label: &Label) -> Result<(), Rejection> {
        if self.permits.is_closed() {
            return Err(self.rejection(Full::Closed));
        }
        self.test_refusal()?;
        let now = self.now_ns();
        if label.expires().is_some_and(|at| at <= now) {
            return Err(self.rejected(RejectReason::Expired));
        }
        let workers = self.usable_threads();
        let reason = if label.expires().is_some() && !self.run_queue.fits(label, now, workers) {
            RejectReason::DeadlineTooNear
        } else if self.run_queue.sheds(label.priority, now) {
            RejectReason::Overloaded
        } else {
            return Ok(());
        };
        self.tally.refusals.count(reason);
        Err(self.facts_of(label, reason))
    }

    /// Returns the tenant's number of places and its limit if it has reached the limit
    /// ([`tenant_share`]). Its tasks that wait without a place do not count, or a busy tenant would
    /// never get them places.
    fn over_share(&self, label: &Label) -> Option<OverShare> {
        if label.tenant.is_empty() || label.part {
            return None;
        }
        let (places, share) = (self.permits.limit(), self.config.tenant_queue_share);
        if tenant_share::all_are_below(places, places.saturating_sub(self.permits.available()), share) {
            return None;
        }
        let own = self.run_queue.placed_of(&label.tenant);
        let limit = tenant_share::limit(places, self.places_taken(), own, share);
        (own >= limit).then_some(OverShare { depth: own, limit })
    }

    /// Evicts a task of a lower priority and returns its place.
    fn evict(self: &Arc<Self>, label: &Label) -> Option<Place> {
        let victim = self.run_queue.evict(label.priority)?;
        let why = Refusal::from(self.facts_of(victim.label()?, RejectReason::Evicted));
        // The victim may have been cancelled meanwhile. The cancellation then gave its place back.
        let (place, waker) = victim.void(why).ok()?;
        self.tally.refusals.count(RejectReason::Evicted);
        count(&self.tally.shed);
        let untold = self.events.evicted(Subject::of(victim.label()));
        self.wake_refused(waker);
        untold.tell();
        Some(place)
    }

    /// Returns why work with this label waits beyond the limit.
    #[cfg(feature = "tower")]
    pub(in crate::pool) fn why_beyond(&self, label: Option<&Label>) -> Rejection {
        match label.and_then(|label| self.over_share(label)) {
            Some(OverShare { depth, limit }) => {
                Rejection { depth, limit, ..self.rejected(RejectReason::TenantLimit) }
            }
            None => self.rejected(RejectReason::QueueFull),
        }
    }
}
