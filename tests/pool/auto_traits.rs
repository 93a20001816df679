//! What can be sent, shared, moved and kept is part of the interface: these lines stop compiling when it changes.

#![allow(dead_code, reason = "compiling is the test")]

use std::cell::Cell;
use std::error::Error;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use millpond::pool::{Acquire, RunFuture};
use millpond::{
    AbortHandle, AcquireError, AdaptiveThreadPool, BuildError, ConfigError, JoinError, JoinHandle, Panic,
    Permit, PoolBuilder, PoolConfig, PoolStatistics, Pressure, RejectReason, Rejected, Rejection,
    ShutdownReport, TaskContext,
};

fn send<T: Send>() {}
fn sync<T: Sync>() {}
fn unpin<T: Unpin>() {}
fn owned<T: 'static>() {}
fn clone<T: Clone>() {}
fn copy<T: Copy>() {}
fn debug<T: std::fmt::Debug>() {}
fn error<T: Error + Send + Sync + 'static>() {}
fn unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}

/// Holds as long as exactly one of the two implementations fits.
macro_rules! is_not {
    ($type:ty, $bound:path) => {{
        trait Ambiguous<A> {
            fn here() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        struct Marker;
        impl<T: ?Sized + $bound> Ambiguous<Marker> for T {}
        let _ = <$type as Ambiguous<_>>::here;
    }};
}

/// A result that can be sent and nothing else.
type Sent = Cell<u8>;
/// Work that can be sent and nothing else.
type Work = Box<dyn FnOnce() -> Sent + Send>;

#[test]
fn handles_go_everywhere() {
    send::<AdaptiveThreadPool>();
    sync::<AdaptiveThreadPool>();
    unpin::<AdaptiveThreadPool>();
    owned::<AdaptiveThreadPool>();
    clone::<AdaptiveThreadPool>();
    debug::<AdaptiveThreadPool>();

    send::<JoinHandle<Sent>>();
    sync::<JoinHandle<Sent>>();
    unpin::<JoinHandle<std::marker::PhantomPinned>>();
    owned::<JoinHandle<Sent>>();
    debug::<JoinHandle<Sent>>();

    send::<AbortHandle>();
    sync::<AbortHandle>();
    unpin::<AbortHandle>();
    owned::<AbortHandle>();
    clone::<AbortHandle>();
    debug::<AbortHandle>();

    send::<Permit>();
    sync::<Permit>();
    unpin::<Permit>();
    owned::<Permit>();
    debug::<Permit>();
    is_not!(Permit, Clone);
    is_not!(JoinHandle<()>, Clone);
}

#[test]
fn futures_move_between_threads() {
    send::<RunFuture<'_, Work, Sent>>();
    unpin::<RunFuture<'_, Work, Sent>>();
    debug::<RunFuture<'_, Work, Sent>>();
    send::<Acquire<'_>>();
    sync::<Acquire<'_>>();
    unpin::<Acquire<'_>>();
    debug::<Acquire<'_>>();

    fn future<F: Future + Send>(_: impl FnOnce(&'static AdaptiveThreadPool) -> F) {}
    future(|pool| pool.run(|| Cell::new(1)));
    future(|pool| pool.spawn(|| Cell::new(1)));
    future(|pool| pool.acquire());
    future(|pool| pool.shutdown(std::time::Duration::MAX));
}

#[test]
fn the_context_of_a_task_stays_on_its_thread() {
    is_not!(TaskContext, Send);
    is_not!(TaskContext, Sync);
    is_not!(TaskContext, Clone);
    debug::<TaskContext>();
    // The assertion can fail.
    is_not!(Rc<()>, Send);
}

#[test]
fn builders_and_values_are_plain() {
    send::<PoolBuilder>();
    sync::<PoolBuilder>();
    clone::<PoolBuilder>();
    debug::<PoolBuilder>();
    for_values::<PoolConfig>();
    for_values::<PoolStatistics>();
    for_values::<ConfigError>();
    for_values::<ShutdownReport>();
    for_values::<Pressure>();
    for_values::<RejectReason>();
    for_values::<Rejection>();
    copy::<ShutdownReport>();
    copy::<Pressure>();
    copy::<RejectReason>();
    copy::<Rejection>();

    fn for_values<
        T: Send + Sync + Unpin + Clone + PartialEq + std::fmt::Debug + UnwindSafe + RefUnwindSafe + 'static,
    >() {
    }
}

#[test]
fn errors_are_fit_for_any_error_type() {
    error::<ConfigError>();
    error::<BuildError>();
    error::<JoinError>();
    error::<Rejection>();
    // The work that comes back need not even be `Debug`.
    error::<Rejected<fn()>>();
    error::<AcquireError>();
    fn of_any_work<W: Send + Sync + 'static>() {
        error::<Rejected<W>>();
    }
    of_any_work::<fn()>();
    send::<Panic>();
    sync::<Panic>();
}

#[test]
fn handles_are_unwind_safe() {
    fn unwind_safe<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    unwind_safe::<AdaptiveThreadPool>();
    unwind_safe::<PoolBuilder>();
    unwind_safe::<JoinHandle<Sent>>();
    unwind_safe::<AbortHandle>();
    unwind_safe::<Permit>();
}
