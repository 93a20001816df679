//! What a conversion finds around it: the runtime, the task, a pool that is full, one that ends.

use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use crate::pool_support::{Gate, block_on, fixed, in_paused_time, in_time, in_time_async, poll_once, until};
use crate::processor_support::{Does, Scripted, Way, bench, exactly, request, shipping};
use bytes::Bytes;
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionOptions, ConversionRequest, Converter, PoolConfig,
    Pressure, ProcessError, ProcessorConfig, RuntimeContext, TaskContext,
};
use tokio::runtime::Handle;

/// Ships every document, and has no timer.
fn config() -> ProcessorConfig {
    ProcessorConfig { batch_timeout: Duration::MAX, ..shipping() }
}

fn processor<F: Fn(&[u8]) + Send + Sync + 'static>(
    pool: AdaptiveThreadPool,
    does: F,
) -> ConcurrentProcessorV2<Does<F>> {
    ConcurrentProcessorV2::on_pool(pool, Does(does), config())
}

/// A sender that a converter may keep.
fn channel<T>() -> (impl Fn(T), mpsc::Receiver<T>) {
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    // A test that is not interested has dropped the receiver.
    (move |value| drop(sender.lock().unwrap().send(value)), receiver)
}

#[test]
fn it_is_in_the_runtime_of_its_caller_whole_or_in_parts() {
    in_time_async(|| async {
        for context in [RuntimeContext::Shared, RuntimeContext::Submitter] {
            for parallel_chunks in [false, true] {
                let pool = fixed(2).runtime_context(context).build().unwrap();
                let (tell, told) = channel();
                let processor =
                    processor(pool, move |_| tell(Handle::try_current().ok().map(|now| now.id())));
                let options = ConversionOptions {
                    parallel_chunks,
                    chunk_size: Some(3),
                    ..ConversionOptions::default()
                };
                for way in Way::ALL {
                    let request = request("abcdefghi").with_options(options.clone());
                    assert!(way.convert(processor.clone(), request).await.is_some());
                    let found: Vec<_> = told.try_iter().collect();
                    let parts = if parallel_chunks { 3 } else { 1 };
                    assert_eq!(found, vec![Some(Handle::current().id()); parts], "{way:?}, {context:?}");
                }
            }
        }
    });
}

/// A processor of one thread whose conversions go on until they are cancelled, and tell of their
/// beginnings and ends.
fn until_cancelled() -> (ConcurrentProcessorV2<impl Converter>, mpsc::Receiver<()>, mpsc::Receiver<()>) {
    let (begin, begun) = channel();
    let (end, ended) = channel();
    let until_cancelled = move |_: &[u8]| {
        begin(());
        let context = TaskContext::current().unwrap();
        until(|| context.is_cancelled());
        end(());
    };
    (processor(fixed(1).build().unwrap(), until_cancelled), begun, ended)
}

#[test]
fn it_sees_that_its_call_is_gone() {
    in_time(|| {
        let (processor, begun, ended) = until_cancelled();
        for way in Way::ALL {
            let mut call = Box::pin(way.convert(processor.clone(), request("a")));
            assert!(poll_once(&mut call).is_pending());
            begun.recv().unwrap();
            drop(call);
            ended.recv().unwrap();
        }
        let tried = processor.try_process_single(request("a")).unwrap();
        begun.recv().unwrap();
        drop(tried);
        ended.recv().unwrap();
    });
}

#[test]
fn it_sees_that_the_time_of_its_batch_is_over() {
    in_paused_time(|| async {
        let (processor, begun, ended) = until_cancelled();
        let mut batch = processor.batch(vec![request("a")]).timeout(Duration::from_secs(7)).into_future();
        assert!(poll_once(&mut batch).is_pending());
        begun.recv().unwrap();
        let answers = batch.await;
        assert!(matches!(answers[0].result, Err(ProcessError::TimedOut { .. })));
        ended.recv().unwrap();
    });
}

/// It would wait for its own end.
#[test]
fn one_that_shuts_its_own_pool_down_is_answered() {
    in_time(|| {
        for way in Way::ALL {
            let own = Arc::<OnceLock<AdaptiveThreadPool>>::default();
            let (tell, told) = channel();
            let pool = Arc::clone(&own);
            let processor = processor(fixed(1).build().unwrap(), move |_| {
                tell(block_on(pool.get().unwrap().shutdown(Duration::MAX)).still_running);
            });
            own.set(processor.pool().clone()).unwrap();
            assert_eq!(block_on(way.convert(processor.clone(), request("a"))).as_deref(), Some("a"));
            assert_eq!(told.recv(), Ok(1), "{way:?}");
            let late = block_on(processor.process_single(request("b")));
            assert!(matches!(late.result, Err(ProcessError::Closed)));
            assert_eq!(block_on(processor.shutdown(Duration::MAX)).threads_remaining, 0);
        }
    });
}

/// Sixteen threads and twenty places: the load factor of a full queue is 0.56 until threads are
/// there to convert something.
#[test]
fn a_queue_that_is_full_of_documents_is_saturated_whatever_the_threads_do() {
    in_time(|| {
        for in_a_batch in [false, true] {
            let (converter, gate, ..) = Scripted::new();
            let pool =
                PoolConfig { min_threads: 1, max_queue_size: 20, ..exactly(16, PoolConfig::default()) };
            let config = ProcessorConfig { pool, coalesce_target: Duration::ZERO, ..config() };
            let processor = ConcurrentProcessorV2::with_converter(converter, config);
            let mut pressure = processor.pool().pressure();
            assert_eq!(*pressure.borrow_and_update(), Pressure::Normal);
            let documents = (0..60).map(|n| request(&format!("wait {n}")));
            let batches: Vec<Vec<_>> = match in_a_batch {
                true => vec![documents.collect()],
                false => documents.map(|document| vec![document]).collect(),
            };
            let mut calls: Vec<_> =
                batches.into_iter().map(|batch| Box::pin(processor.process_batch(batch))).collect();
            calls.iter_mut().for_each(|call| assert!(poll_once(call).is_pending()));
            assert!(pressure.has_changed().unwrap());
            assert_eq!(*pressure.borrow_and_update(), Pressure::Saturated);
            assert_eq!(processor.get_pool_statistics().pressure, Pressure::Saturated);
            gate.open();
            let answers = calls.into_iter().flat_map(block_on);
            assert_eq!(answers.filter(|answer| answer.is_ok()).count(), 60);
            until(|| *pressure.borrow_and_update() == Pressure::Normal);
        }
    });
}

/// Blocks its drop until the gate is open, and says when the drop begins.
struct Blocks(mpsc::Sender<()>, Arc<Gate>);

impl AsRef<[u8]> for Blocks {
    fn as_ref(&self) -> &[u8] {
        b"document"
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        let _ = self.0.send(());
        self.1.pass();
    }
}

#[test]
fn a_document_that_takes_long_to_drop_delays_no_other_deadline() {
    in_time(|| {
        let bench = bench(1, config());
        let held = bench.processor.try_process_single(request("wait")).unwrap();
        bench.begun.recv().unwrap();
        let (begun, begins) = mpsc::channel();
        let gate = Arc::<Gate>::default();
        // A deadline that is near, but can still be met.
        let soon = |content: &dyn Fn() -> Bytes| {
            (0..20)
                .find_map(|turn| {
                    let deadline = Instant::now() + Duration::from_millis(20 << turn);
                    let request = ConversionRequest::new("soon", content()).with_deadline(deadline);
                    bench.processor.try_process_single(request).ok()
                })
                .unwrap()
        };
        let first = soon(&|| Bytes::from_owner(Blocks(begun.clone(), Arc::clone(&gate))));
        begins.recv().unwrap();
        let second = soon(&|| Bytes::from_static(b"document"));
        for call in [first, second] {
            assert!(matches!(block_on(call).result, Err(ProcessError::Expired)));
        }
        let report = block_on(bench.processor.shutdown(Duration::from_millis(1)));
        assert_eq!((report.cancelled, report.still_running), (0, 1));
        gate.open();
        bench.gate.open();
        assert!(block_on(held).is_ok());
    });
}
