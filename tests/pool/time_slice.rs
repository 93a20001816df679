//! Workers have the time slice and the niceness that the configuration says, as far as the kernel
//! gives them.

use std::time::Duration;

use crate::pool_support::{fixed, in_time_async};
use millpond::{AdaptiveThreadPool, time_slice};

/// Sets no slice, for a thread of its own: what the kernel gives by itself. `None` where threads
/// have no slices.
fn by_itself() -> Option<Duration> {
    std::thread::spawn(time_slice::get).join().unwrap().ok()
}

#[test]
fn a_worker_has_the_slice_of_the_configuration_or_the_kernels_own() {
    in_time_async(|| async {
        let Some(kernels) = by_itself() else {
            println!("not tested: threads have no time slice here");
            return;
        };
        let own = Duration::from_millis(7);
        for (slice, wanted) in [(Some(own), own), (None, kernels)] {
            let pool = fixed(1).worker_slice(slice).build().unwrap();
            assert_eq!(pool.run(time_slice::get).await.unwrap().unwrap(), wanted);
        }
        let default = AdaptiveThreadPool::builder().max_threads(1).build().unwrap();
        assert_eq!(default.run(time_slice::get).await.unwrap().unwrap(), Duration::from_millis(10));
        assert_eq!(by_itself(), Some(kernels), "other threads keep theirs");
    });
}

/// On any system: it is no error where there are no slices.
#[test]
fn a_pool_works_with_any_slice() {
    in_time_async(|| async {
        for slice in [time_slice::SHORTEST, time_slice::LONGEST] {
            let pool = fixed(2).worker_slice(slice).build().unwrap();
            assert_eq!(pool.run(|| 5).await.unwrap(), 5);
        }
    });
}
