//! What the tests of the pool have in common: gates that hold tasks up, counts of what was dropped, the hooks' events, and
//! a watchdog that turns a hang into a failure.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::future::Future;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use millpond::{AdaptiveThreadPool, JoinHandle, PoolBuilder, TaskContext};

/// Far more than any test needs, even on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a test on a thread of its own, and fails if it does not come to its end.
#[track_caller]
pub(crate) fn in_time(test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::sync_channel(1);
    let name = thread::current().name().map(String::from).unwrap_or_default();
    let body = move || done.send(catch_unwind(AssertUnwindSafe(test)));
    thread::Builder::new().name(name).spawn(body).unwrap();
    match ended.recv_timeout(PATIENCE) {
        Ok(result) => result.unwrap_or_else(|payload| resume_unwind(payload)),
        Err(_) => panic!("the test hangs: no end after {PATIENCE:?}"),
    }
}

/// The same for a test that needs an async runtime; it gets a small one.
#[track_caller]
pub(crate) fn in_time_async<Fut: Future<Output = ()>>(test: impl FnOnce() -> Fut + Send + 'static) {
    in_time(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(test());
    });
}

/// Lets other tasks of the thread run once, and is polled again at once. (Tokio's own `yield_now`
/// waits until the runtime has looked at its timers and sockets.)
pub(crate) async fn give_way() {
    let mut first = true;
    std::future::poll_fn(|cx| {
        if std::mem::take(&mut first) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// The same with a clock that is paused.
#[track_caller]
pub(crate) fn in_paused_time<Fut: Future<Output = ()>>(test: impl FnOnce() -> Fut + Send + 'static) {
    in_time(|| paused().block_on(test()));
}

/// A runtime whose clock is paused.
pub(crate) fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Looks again and again until it is so. For what no event tells, as a worker that has just gone to rest.
pub(crate) fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        thread::yield_now();
    }
}

/// A pool of exactly so many threads, to be configured further. The niceness stays as it is, so that a busy machine does
/// not hold the test up.
pub(crate) fn fixed(threads: usize) -> PoolBuilder {
    let builder = AdaptiveThreadPool::builder().min_threads(threads).max_threads(threads);
    builder.max_blocked_threads(0).worker_niceness(0)
}

/// The cores that the process may use: no pool grows beyond them.
pub(crate) fn usable_cores() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get())
}

/// Polls once; for futures that are then left alone.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The plainest executor there is. Unlike others it does not mind to be nested on one thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Counts its wake-ups.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Holds back whoever passes, until it is opened.
#[derive(Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }

    pub(crate) fn pass(&self) {
        let mut open = self.open.lock().unwrap();
        while !*open {
            open = self.changed.wait(open).unwrap();
        }
    }
}

/// Workers that are kept busy.
pub(crate) struct Held {
    gate: Arc<Gate>,
    tasks: Vec<JoinHandle<()>>,
}

/// Keeps so many workers busy; all of them have begun when this returns.
pub(crate) fn hold(pool: &AdaptiveThreadPool, workers: usize) -> Held {
    let gate = Arc::<Gate>::default();
    let (begun, begins) = mpsc::channel();
    let task = || {
        let (gate, begun) = (Arc::clone(&gate), begun.clone());
        let task = pool.try_spawn(move || {
            begun.send(()).unwrap();
            gate.pass();
        });
        // One after the other: the queue may be shorter than their number.
        begins.recv().unwrap();
        task.unwrap()
    };
    let tasks = (0..workers).map(|_| task()).collect();
    Held { gate, tasks }
}

impl Held {
    /// The workers may go on.
    pub(crate) fn release(&self) {
        self.gate.open();
    }

    /// The workers go on; their tasks are over when this returns.
    pub(crate) fn end(mut self) {
        self.release();
        self.tasks.drain(..).for_each(|task| block_on(task).unwrap());
    }
}

impl Drop for Held {
    /// A test that fails leaves nobody behind.
    fn drop(&mut self) {
        self.gate.open();
    }
}

/// A task that runs until it is asked to stop; it has begun when this returns.
pub(crate) fn until_cancelled(pool: &AdaptiveThreadPool) -> JoinHandle<&'static str> {
    let (begun, begins) = mpsc::channel();
    let task = pool.try_spawn(move || {
        begun.send(()).unwrap();
        let context = TaskContext::current().unwrap();
        until(|| context.is_cancelled());
        "stopped early"
    });
    begins.recv().unwrap();
    task.unwrap()
}

/// Long enough for the worker to wake callers together, when there is a crowd of them.
pub(crate) fn short() {
    let since = Instant::now();
    while since.elapsed() < Duration::from_micros(10) {
        black_box(0);
    }
}

/// Counts tokens that are alive. Each is dropped once at most, so in the end none is left exactly if each was.
#[derive(Clone, Default)]
pub(crate) struct Tokens(Arc<AtomicUsize>);

impl Tokens {
    /// To be captured by a closure, or to be its result.
    pub(crate) fn token(&self) -> Token {
        self.0.fetch_add(1, Ordering::SeqCst);
        Token(Arc::clone(&self.0))
    }

    pub(crate) fn alive(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
pub(crate) struct Token(Arc<AtomicUsize>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Panics when it is dropped, unless a panic is under way.
#[derive(Debug)]
pub(crate) struct PanicsInDrop(pub(crate) &'static str);

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("{}", self.0);
        }
    }
}

/// What a pool's hooks tell of its threads.
pub(crate) struct ThreadEvents {
    started: mpsc::Receiver<String>,
    stopped: mpsc::Receiver<String>,
}

impl ThreadEvents {
    /// Hangs the hooks in.
    pub(crate) fn watch(builder: PoolBuilder) -> (PoolBuilder, Self) {
        let ((start, started), (stop, stopped)) = (mpsc::channel(), mpsc::channel());
        let name = || thread::current().name().map(String::from).unwrap_or_default();
        let builder = builder
            .on_thread_start(move || start.send(name()).unwrap_or_default())
            .on_thread_stop(move || stop.send(name()).unwrap_or_default());
        (builder, Self { started, stopped })
    }

    /// Waits until a thread has started, and says which.
    pub(crate) fn next_start(&self) -> String {
        self.started.recv_timeout(PATIENCE).expect("no thread was started")
    }

    /// Waits until a thread has left, and says which.
    pub(crate) fn next_stop(&self) -> String {
        self.stopped.recv_timeout(PATIENCE).expect("no thread has left")
    }

    /// How many have started since the last question.
    pub(crate) fn starts(&self) -> usize {
        self.started.try_iter().count()
    }

    /// How many have left since the last question.
    pub(crate) fn stops(&self) -> usize {
        self.stopped.try_iter().count()
    }
}
