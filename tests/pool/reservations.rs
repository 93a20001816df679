//! A permit that is granted and not taken up goes to others in the end, and its caller gets another turn.

use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use crate::pool_support::{block_on, fixed, in_time, poll_once, until};

const SOON: Duration = Duration::from_millis(1);

#[test]
fn however_long_its_caller_stood_in_line() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).reservation_timeout(SOON).build().unwrap();
        // A reservation that lapses by itself: after it the pool's timer thread has nothing in its
        // book, and sleeps.
        let kept = pool.try_acquire().unwrap();
        until(|| pool.statistics().lapsed_permits == 1);
        drop(kept);

        let (release, released) = mpsc::channel::<()>();
        let occupies = pool.try_spawn(move || released.recv().is_err()).unwrap();
        until(|| pool.statistics().queue_depth == 0);
        let _queued = pool.try_spawn(|| ()).unwrap();
        let mut never_polled_again = pool.acquire();
        assert!(poll_once(&mut never_polled_again).is_pending());
        let mut behind = pool.run(|| "served");
        assert!(poll_once(&mut behind).is_pending());
        drop(release);
        assert_eq!(block_on(behind).unwrap(), "served");
        assert!(block_on(occupies).unwrap());
    });
}

#[test]
fn even_if_its_waker_takes_until_then() {
    struct Slow(Box<dyn Fn() + Send + Sync>);
    impl Wake for Slow {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }

    in_time(|| {
        let pool = fixed(1).max_queue_size(1).reservation_timeout(SOON).build().unwrap();
        let (release, released) = mpsc::channel::<()>();
        let occupies = pool.try_spawn(move || released.recv().is_err()).unwrap();
        until(|| pool.statistics().queue_depth == 0);
        let queued = pool.try_spawn(|| ()).unwrap();
        let watched = pool.clone();
        let slow = Slow(Box::new(move || until(|| watched.statistics().lapsed_permits == 1)));
        let mut call = pool.acquire();
        let waker = Waker::from(Arc::new(slow));
        assert!(Pin::new(&mut call).poll(&mut Context::from_waker(&waker)).is_pending());
        queued.abort();
        drop(release);
        assert!(block_on(call).is_ok(), "another turn");
        assert!(block_on(occupies).unwrap());
    });
}
