//! A worker that waits for a batch of its own pool leaves the work to others, and does it itself, a
//! group at a time, if there are none.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::Duration;

use crate::processor_support::{bench, request, requests, shipping};
use bytes::BytesMut;
use futures_util::poll;
use millpond::convert::Report;
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionOptions, ConvertError, Converter, Format,
    ProcessError, ProcessorConfig,
};
use tokio::runtime::Handle;
use tokio::time;

const TIMEOUT: Duration = Duration::from_secs(7);

/// Each document is a group of its own.
fn one_by_one() -> ProcessorConfig {
    ProcessorConfig { coalesce_target: Duration::ZERO, ..shipping() }
}

/// The clock of the runtime is paused. The test holds the runtime's only thread while the batch begins, so the clock
/// stands still until the first document runs.
#[tokio::test(start_paused = true)]
async fn the_only_worker_looks_at_the_timeout_between_two_groups() {
    let bench = bench(1, ProcessorConfig { batch_timeout: TIMEOUT, ..one_by_one() });
    let (processor, runtime) = (bench.processor.clone(), Handle::current());
    let waiter = bench
        .processor
        .pool()
        .run(move || runtime.block_on(processor.process_batch(requests(["wait a", "b", "c", "d"]))));
    let mut waiter = pin!(waiter);
    assert!(poll!(&mut waiter).is_pending());
    assert_eq!(bench.begun.recv().unwrap(), "wait a");
    time::sleep(2 * TIMEOUT).await;
    bench.gate.open();
    let answers = waiter.await.unwrap();
    assert_eq!(answers[0].result.as_ref().unwrap(), "WAIT A", "what is done is kept");
    for late in &answers[1..] {
        assert!(matches!(late.result, Err(ProcessError::TimedOut { after: TIMEOUT })), "{late:?}");
    }
    assert_eq!(bench.seen.documents(), ["wait a"], "the others were not begun");
}

#[tokio::test]
async fn the_only_worker_converts_every_group() {
    let bench = bench(1, ProcessorConfig { batch_timeout: Duration::MAX, ..one_by_one() });
    let processor = bench.processor.clone();
    let batch = (0..500).map(|n| request(&n.to_string())).collect();
    let answers = bench.processor.pool().run(move || {
        let answers = futures_executor::block_on(processor.process_batch(batch));
        answers.iter().filter(|answer| answer.is_ok()).count()
    });
    assert_eq!(answers.await.unwrap(), 500);
}

/// Holds documents up until the test says so.
#[derive(Default)]
struct Meeting {
    may_end: Mutex<bool>,
    changed: Condvar,
}

struct Meet(Arc<Meeting>);

impl Converter for Meet {
    fn resolve(&self, _: &[u8], _: &ConversionOptions) -> Result<(Format, Format), ConvertError> {
        Ok((Format::Markdown, Format::Html))
    }

    fn convert(
        &self,
        input: &[u8],
        _: &ConversionOptions,
        out: &mut BytesMut,
    ) -> Result<Report, ConvertError> {
        let Self(meeting) = self;
        let mut may_end = meeting.may_end.lock().unwrap();
        while !*may_end {
            may_end = meeting.changed.wait(may_end).unwrap();
        }
        out.extend_from_slice(input);
        Ok(Report::default())
    }
}

/// Counts how often it is called.
struct Bell {
    rung: AtomicUsize,
    thread: thread::Thread,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, Ordering::SeqCst);
        self.thread.unpark();
    }
}

#[tokio::test]
async fn a_worker_rests_while_another_converts_its_batch() {
    const DOCUMENTS: usize = 20;
    const MOST_POLLS: usize = 2 * DOCUMENTS + 5;
    let meeting = Arc::<Meeting>::default();
    let pool = AdaptiveThreadPool::builder().min_threads(2).max_threads(2).build().unwrap();
    let config = ProcessorConfig { batch_timeout: Duration::MAX, ..one_by_one() };
    let processor = ConcurrentProcessorV2::on_pool(pool.clone(), Meet(Arc::clone(&meeting)), config);
    let (rest, rests) = mpsc::channel();
    let waits = move || {
        let bell = Arc::new(Bell { rung: AtomicUsize::new(0), thread: thread::current() });
        let waker = Arc::clone(&bell).into();
        let mut context = Context::from_waker(&waker);
        let batch = (0..DOCUMENTS).map(|n| request(&n.to_string())).collect();
        let mut batch = pin!(processor.process_batch(batch));
        for polls in 0.. {
            let heard = bell.rung.load(Ordering::SeqCst);
            if let Poll::Ready(answers) = batch.as_mut().poll(&mut context) {
                return answers.iter().filter(|answer| answer.is_ok()).count();
            }
            if bell.rung.load(Ordering::SeqCst) == heard {
                rest.send(polls).unwrap();
                while bell.rung.load(Ordering::SeqCst) == heard {
                    thread::park();
                }
            }
            // Once a document, and the few wake-ups that a waiter may always get for nothing.
            if polls > MOST_POLLS {
                rest.send(polls).unwrap();
                break;
            }
        }
        0
    };
    let waiter = pool.spawn(waits).await.unwrap();
    let polls = rests.recv().unwrap();
    *meeting.may_end.lock().unwrap() = true;
    meeting.changed.notify_all();
    assert!(polls <= MOST_POLLS, "busy waiting");
    assert_eq!(waiter.await.unwrap(), DOCUMENTS);
}
