//! What stands between too many clients and the cores.

use std::future::{pending, ready};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use millpond::{AdaptiveThreadPool, PoolConfig, Shedding};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Semaphore, oneshot};
use tower::limit::ConcurrencyLimit;
use tower::load_shed::LoadShed;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

use super::cores;
use super::open_loop::{Answer, Contender, Refused, Work};
use super::peer::Peer;
use super::peers::millpond::{Millpond, config};
use super::peers::rayon::RayonOneshot;
use super::peers::tokio::SpawnBlocking;

/// This crate's pool, as somebody uses it who knows how long clients wait.
pub const WITH_DEADLINE: &str = "millpond, deadline";

/// What the others are measured by.
pub const BARE: &str = "bare threads";

/// A contender and its name.
pub type Named = (&'static str, Arc<dyn Contender>);

/// All of them. Each that takes a number of threads gets one a core, but for the one that shows Tokio's default.
pub fn contenders(users: &Handle, niceness: Option<u8>) -> Vec<Named> {
    let pool = Millpond::new(niceness);
    vec![
        (BARE, Arc::new(BareThreads::new())),
        ("spawn_blocking", Arc::new(Plain(SpawnBlocking(users.clone())))),
        ("spawn_blocking, 512", Arc::new(ManyThreads::new())),
        ("semaphore", Arc::new(Permits::new(users.clone()))),
        ("rayon + oneshot", Arc::new(Plain(RayonOneshot::new()))),
        ("tower", Arc::new(Tower::new(users.clone()))),
        ("millpond", Arc::new(Plain(pool.clone()))),
        (WITH_DEADLINE, Arc::new(WithDeadline(pool))),
        ("millpond, sheds old", Arc::new(Sheds::new(niceness, Shedding::OldestFirst))),
        ("millpond, newest first", Arc::new(Sheds::new(niceness, Shedding::NewestFirst))),
    ]
}

/// The least that can serve clients who are too many: a thread a core behind a channel of [`PLACES`] places; who finds none is refused at
/// once. No pool, no order, no figures. What it gets done is what can be had beside these clients, answers included.
struct BareThreads(SyncSender<Order>);

/// Work, and where its end is to be told.
type Order = (Work, oneshot::Sender<()>);

/// As many tasks as these wait for less than half of the time that a client gives.
const PLACES: usize = 64;

impl BareThreads {
    fn new() -> Self {
        let (sender, orders) = sync_channel(PLACES);
        let orders = Arc::new(Mutex::new(orders));
        for _ in 0..cores() {
            let orders = Arc::clone(&orders);
            thread::spawn(move || serve(&orders));
        }
        Self(sender)
    }
}

/// Until nobody is left who could order anything.
fn serve(orders: &Mutex<Receiver<Order>>) {
    let next = || orders.lock().ok()?.recv().ok();
    while let Some((work, done)) = next() {
        work.run();
        // Its client may have gone.
        let _ = done.send(());
    }
}

impl Contender for BareThreads {
    fn answer(&self, work: Work, _deadline: Instant) -> Answer {
        let orders = self.0.clone();
        Box::pin(async move {
            let (done, answer) = oneshot::channel();
            orders.try_send((work, done)).map_err(|_| Refused)?;
            answer.await.map_err(|_| Refused)
        })
    }
}

/// This crate's pool, told until when an answer is of use.
struct WithDeadline(Millpond);

impl Contender for WithDeadline {
    fn answer(&self, work: Work, deadline: Instant) -> Answer {
        let Millpond(pool) = self.0.clone();
        Box::pin(
            async move { pool.task().deadline(deadline).run(move || work.run()).await.map_err(|_| Refused) },
        )
    }
}

/// This crate's pool, which is told nothing and goes by how long work has waited.
struct Sheds(Millpond);

impl Sheds {
    fn new(niceness: Option<u8>, shedding: Shedding) -> Self {
        let config = PoolConfig { shedding, ..config(niceness) };
        Self(Millpond(AdaptiveThreadPool::with_config(config)))
    }
}

impl Contender for Sheds {
    fn answer(&self, work: Work, _deadline: Instant) -> Answer {
        let Millpond(pool) = self.0.clone();
        Box::pin(async move { pool.task().run(move || work.run()).await.map_err(|_| Refused) })
    }
}

/// A pool that takes whatever comes.
struct Plain<P>(P);

impl<P: Peer> Contender for Plain<P> {
    fn answer(&self, work: Work, _deadline: Instant) -> Answer {
        let pool = self.0.clone();
        Box::pin(async move {
            pool.run(move || work.run()).await;
            Ok(())
        })
    }
}

/// `spawn_blocking` as it comes: up to 512 threads, on a runtime that does nothing else.
struct ManyThreads {
    blocking: Plain<SpawnBlocking>,
    /// Kept, for its threads end with it.
    _runtime: Runtime,
}

impl ManyThreads {
    fn new() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("blocking").build();
        let runtime = runtime.expect("one more runtime");
        Self { blocking: Plain(SpawnBlocking(runtime.handle().clone())), _runtime: runtime }
    }
}

impl Contender for ManyThreads {
    fn answer(&self, work: Work, deadline: Instant) -> Answer {
        self.blocking.answer(work, deadline)
    }
}

/// `spawn_blocking` behind a semaphore of as many permits as cores. The permit travels with the work: held by the future
/// it would be free, and the next task on its way, while the task of a client that gave up still runs.
struct Permits {
    users: Handle,
    permits: Arc<Semaphore>,
}

impl Permits {
    fn new(users: Handle) -> Self {
        Self { users, permits: Arc::new(Semaphore::new(cores())) }
    }
}

impl Contender for Permits {
    fn answer(&self, work: Work, _deadline: Instant) -> Answer {
        let (users, permits) = (self.users.clone(), Arc::clone(&self.permits));
        Box::pin(async move {
            let permit = permits.acquire_owned().await.expect("it is never closed");
            let work = move || {
                work.run();
                drop(permit);
            };
            users.spawn_blocking(work).await.expect("no panic, no shutdown");
            Ok(())
        })
    }
}

/// `spawn_blocking` behind tower's load shedding over a limit of 64 requests at a time.
struct Tower(BoxCloneSyncService<Work, (), BoxError>);

impl Tower {
    fn new(users: Handle) -> Self {
        let blocking = service_fn(move |work: Work| {
            let task = users.spawn_blocking(move || work.run());
            async move { task.await.map_err(BoxError::from) }
        });
        let service: LoadShed<ConcurrencyLimit<_>> =
            ServiceBuilder::new().load_shed().concurrency_limit(PLACES).service(blocking);
        Self(BoxCloneSyncService::new(service))
    }
}

impl Contender for Tower {
    fn answer(&self, work: Work, _deadline: Instant) -> Answer {
        let service = self.0.clone();
        Box::pin(async move { service.oneshot(work).await.map_err(|_| Refused) })
    }
}

/// No contender: says no at once. What is left is what the generator and its clients cost by themselves.
pub struct Refuses;

impl Contender for Refuses {
    fn answer(&self, _work: Work, _deadline: Instant) -> Answer {
        Box::pin(ready(Err(Refused)))
    }
}

/// No contender either: never answers, so that every client sets its timer and waits for it.
pub struct Ignores;

impl Contender for Ignores {
    fn answer(&self, _work: Work, _deadline: Instant) -> Answer {
        Box::pin(pending())
    }
}
