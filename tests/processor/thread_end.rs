//! Documents that a thread sends while its own locals are destroyed: then there is nobody to ask for its share.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::processor_support::{Scripted, bench, request};
use millpond::{ConcurrentProcessorV2, ConversionResponse, ProcessorConfig};

/// An executor that needs no locals of its own.
fn convert(processor: &ConcurrentProcessorV2<Scripted>) -> ConversionResponse {
    let mut response = pin!(processor.process_single(request("short")));
    loop {
        match response.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(response) => return response,
            Poll::Pending => thread::yield_now(),
        }
    }
}

/// Sends documents when it is dropped.
struct Farewell {
    processor: ConcurrentProcessorV2<Scripted>,
    answered: Arc<AtomicUsize>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        // A panic in the drop of a thread's local would end the process.
        let converted = catch_unwind(AssertUnwindSafe(|| convert(&self.processor).is_ok()));
        self.answered.fetch_add(usize::from(converted.is_ok_and(|ok| ok)), Ordering::SeqCst);
    }
}

thread_local! {
    /// Made before the library's own locals and after them: one of the two is dropped when those are gone.
    static EARLY: RefCell<Option<Farewell>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<Farewell>> = const { RefCell::new(None) };
}

#[test]
fn a_thread_that_ends_may_still_send_documents() {
    let config = ProcessorConfig { inline_budget: Duration::from_millis(1), ..ProcessorConfig::default() };
    let bench = bench(1, config);
    let answered = Arc::<AtomicUsize>::default();
    let farewell = || Farewell { processor: bench.processor.clone(), answered: Arc::clone(&answered) };
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            EARLY.set(Some(farewell()));
            // Until one was converted here: the next would be, too.
            while !convert(&bench.processor).inlined {}
            LATE.set(Some(farewell()));
        });
        // The thread itself, not only its closure, is over when this returns.
        thread.join().unwrap();
    });
    assert_eq!(answered.load(Ordering::SeqCst), 2);
}
