use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::{StreamExt, poll};

use super::*;

const EVERY: Duration = Duration::from_secs(1);

type Frames = Pin<Box<dyn Stream<Item = Result<Bytes, Infallible>> + Send>>;

/// A feed whose frames are their own numbers.
#[derive(Default)]
struct Numbered {
    feed: Arc<Feed>,
    made: Arc<AtomicUsize>,
}

impl Numbered {
    fn try_view(&self) -> Result<Frames, Refused> {
        let made = Arc::clone(&self.made);
        let sample = move || Bytes::from(made.fetch_add(1, Ordering::Relaxed).to_string());
        let frames = self.feed.view(2, EVERY, sample)?;
        Ok(Box::pin(frames))
    }

    fn view(&self) -> Frames {
        self.try_view().unwrap()
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }
}

/// The number of the next frame.
async fn number(frames: &mut Frames) -> usize {
    let frame = frames.next().await.unwrap().unwrap();
    std::str::from_utf8(&frame).unwrap().parse().unwrap()
}

/// Until the sampler has seen that there is no viewer.
async fn at_rest(feed: &Feed) {
    while *feed.lock() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_without_a_viewer() {
    let numbered = Numbered::default();
    tokio::time::sleep(10 * EVERY).await;
    assert_eq!((numbered.made(), numbered.feed.viewers()), (0, 0));

    let mut viewer = numbered.view();
    assert_eq!(number(&mut viewer).await, 0);
    drop(viewer);
    at_rest(&numbered.feed).await;
    tokio::time::sleep(10 * EVERY).await;
    assert_eq!((numbered.made(), numbered.feed.viewers()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn all_viewers_get_the_same_frames() {
    let numbered = Numbered::default();
    let (mut one, mut other) = (numbered.view(), numbered.view());
    for expected in 0..5 {
        let (frame, same) = (one.next().await.unwrap().unwrap(), other.next().await.unwrap().unwrap());
        assert_eq!(frame, expected.to_string());
        assert_eq!(frame.as_ptr(), same.as_ptr(), "written once");
    }
    assert_eq!(numbered.made(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_who_comes_later_has_a_frame_at_once() {
    let numbered = Numbered::default();
    let mut first = numbered.view();
    assert_eq!(number(&mut first).await, 0);
    let mut second = numbered.view();
    assert!(matches!(poll!(second.next()), Poll::Ready(Some(_))));
}

/// The channel holds one frame, so a viewer who does not read costs no memory.
#[tokio::test(start_paused = true)]
async fn a_slow_viewer_skips_frames() {
    let numbered = Numbered::default();
    let (mut slow, mut quick) = (numbered.view(), numbered.view());
    for expected in 0..1000 {
        assert_eq!(number(&mut quick).await, expected);
    }
    assert_eq!(number(&mut slow).await, 999);
    assert!(poll!(slow.next()).is_pending());
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_sees_no_old_frame() {
    let numbered = Numbered::default();
    assert_eq!(number(&mut numbered.view()).await, 0);
    at_rest(&numbered.feed).await;
    assert_eq!(number(&mut numbered.view()).await, 1);
}

/// One viewer leaves and another comes before the task has seen it.
#[tokio::test(start_paused = true)]
async fn one_task_reads_however_viewers_come_and_go() {
    let numbered = Numbered::default();
    let mut viewer = numbered.view();
    assert_eq!(number(&mut viewer).await, 0);
    for _ in 0..10 {
        drop(viewer);
        viewer = numbered.view();
        number(&mut viewer).await;
    }
    let before = numbered.made();
    tokio::time::sleep(10 * EVERY + EVERY / 2).await;
    assert_eq!(numbered.made() - before, 10, "one frame per interval");
}

#[tokio::test(start_paused = true)]
async fn there_are_only_so_many_viewers() {
    let numbered = Numbered::default();
    let (one, _other) = (numbered.view(), numbered.view());
    assert_eq!(numbered.try_view().err(), Some(Refused::Full));
    drop(one);
    assert!(numbered.try_view().is_ok());
}

#[tokio::test(start_paused = true)]
async fn closing_ends_every_stream_and_refuses_further_viewers() {
    let numbered = Numbered::default();
    let mut viewer = numbered.view();
    assert_eq!(number(&mut viewer).await, 0);
    numbered.feed.close();
    assert!(viewer.next().await.is_none());
    assert_eq!(numbered.try_view().err(), Some(Refused::Closed));
    at_rest(&numbered.feed).await;
    assert_eq!(numbered.made(), 1);
}

/// A task ends with its runtime. The next viewer, on another runtime, gets a new one.
#[test]
fn a_runtime_that_ends_takes_no_later_viewer_along() {
    let numbered = Numbered::default();
    for expected in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let got = runtime.block_on(async { number(&mut numbered.view()).await });
        assert_eq!(got, expected);
    }
}
