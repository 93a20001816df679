//! An error says what happened once: its text does not repeat its source's, and one condition has one text.

use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use millpond::convert::ConvertError;
use millpond::processor::ReaderError;
use millpond::{
    AcquireError, AdaptiveThreadPool, BuildError, Format, JoinError, PoolConfig, Priority, ProcessError,
    RejectReason, Rejection,
};

use crate::pool_support::{block_on, fixed, hold, in_time};

/// A pool of one thread that was shut down.
fn closed() -> AdaptiveThreadPool {
    let pool = fixed(1).build().unwrap();
    block_on(pool.shutdown(Duration::MAX));
    pool
}

fn rejection() -> Rejection {
    let pool = fixed(1).max_queue_size(1).build().unwrap();
    let held = hold(&pool, 1);
    let fills = pool.try_spawn(|| ()).unwrap();
    let rejection = *pool.try_spawn(|| ()).unwrap_err().rejection();
    held.end();
    block_on(fills).unwrap();
    rejection
}

/// The texts of an error and of its sources.
fn chain(error: &dyn Error) -> Vec<String> {
    let (mut texts, mut next) = (Vec::new(), Some(error));
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts
}

#[test]
fn no_text_repeats_that_of_its_source() {
    in_time(|| {
        let cause = || io::Error::other("disk gone");
        let invalid = PoolConfig { max_queue_size: 0, ..PoolConfig::default() };
        let panicked = block_on(fixed(1).build().unwrap().run(|| panic!("a wheel broke"))).unwrap_err();
        let rejection = rejection();
        let (refused, written) = (JoinError::Rejected(Box::new(rejection)), 7);
        let errors: Vec<Box<dyn Error>> = vec![
            Box::new(BuildError::Spawn(cause())),
            Box::new(AdaptiveThreadPool::try_with_config(invalid).unwrap_err()),
            Box::new(io::Error::from(BuildError::Spawn(cause()))),
            Box::new(io::Error::from(JoinError::Expired)),
            Box::new(ReaderError::Read { source: cause(), written }),
            Box::new(ReaderError::Write { source: cause(), written }),
            Box::new(ReaderError::Process { source: ConvertError::other(cause()).into(), written }),
            Box::new(ProcessError::from(ConvertError::other(cause()))),
            Box::new(ProcessError::from(rejection)),
            Box::new(panicked),
            Box::new(refused),
            Box::new(rejection),
            Box::new(closed().try_spawn(|| ()).unwrap_err()),
            Box::new(block_on(closed().acquire()).unwrap_err()),
            Box::new(PoolConfig { max_queue_size: 0, ..PoolConfig::default() }.validate().unwrap_err()),
            Box::new("mill".parse::<Priority>().unwrap_err()),
            Box::new("mill".parse::<Format>().unwrap_err()),
        ];
        for error in errors {
            let chain = chain(&*error);
            assert!(!chain[0].is_empty());
            for (at, text) in chain.iter().enumerate() {
                let repeats = chain[at + 1..].iter().any(|source| text.contains(source.as_str()));
                assert!(!repeats, "{chain:?}");
            }
        }
    });
}

#[test]
fn a_pool_that_is_shut_down_says_the_same_everywhere() {
    in_time(|| {
        const TEXT: &str = "the pool is shutting down";
        let pool = closed();
        let error: AcquireError = block_on(pool.acquire()).unwrap_err();
        assert_eq!(error.to_string(), TEXT);
        assert_eq!(block_on(pool.run(|| ())).unwrap_err().to_string(), TEXT);
        assert_eq!(ProcessError::Closed.to_string(), TEXT);
        assert_eq!(pool.try_acquire().unwrap_err().reason.to_string(), TEXT);
        assert_eq!(pool.try_acquire().unwrap_err().to_string(), TEXT);
        assert_eq!(pool.try_spawn(|| ()).unwrap_err().to_string(), TEXT);
        assert_eq!(block_on(pool.spawn(|| ())).unwrap_err().to_string(), TEXT);
    });
}

#[test]
fn each_reason_has_its_own_question() {
    in_time(|| {
        let panicked = block_on(fixed(1).build().unwrap().run(|| panic!("a wheel broke"))).unwrap_err();
        let refused = JoinError::Rejected(Box::new(rejection()));
        let errors = [panicked, JoinError::Cancelled, JoinError::Closed, JoinError::Expired, refused];
        for (at, error) in errors.iter().enumerate() {
            let answers = [
                error.is_panic(),
                error.is_cancelled(),
                error.is_closed(),
                error.is_expired(),
                error.is_rejected(),
            ];
            assert_eq!(answers.map(usize::from).iter().sum::<usize>(), 1, "{error:?}");
            assert!(answers[at], "{error:?}");
        }
    });
}

fn read(fail: bool) -> io::Result<u32> {
    if fail { Err(io::ErrorKind::NotFound.into()) } else { Ok(3) }
}

/// What was `spawn_blocking(work).await??` in a function that returns `io::Result`.
async fn migrated(pool: &AdaptiveThreadPool, fail: bool) -> io::Result<u32> {
    let value = pool.run(move || read(fail)).await??;
    Ok(value)
}

#[test]
fn in_an_io_function_the_question_mark_takes_both_errors() {
    in_time(|| {
        let pool =
            AdaptiveThreadPool::try_with_config(PoolConfig::default()).map_err(io::Error::from).unwrap();
        assert_eq!(block_on(migrated(&pool, false)).unwrap(), 3);
        assert_eq!(block_on(migrated(&pool, true)).unwrap_err().kind(), io::ErrorKind::NotFound);
        let error = block_on(migrated(&closed(), false)).unwrap_err();
        assert!(error.get_ref().unwrap().downcast_ref::<JoinError>().unwrap().is_closed());
        assert_eq!(io::Error::from(JoinError::Expired).kind(), io::ErrorKind::TimedOut);
        let wrong = PoolConfig { max_queue_size: 0, ..PoolConfig::default() };
        let wrong = io::Error::from(AdaptiveThreadPool::try_with_config(wrong).unwrap_err());
        assert_eq!(wrong.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn an_invalid_configuration_panics_with_the_errors_text() {
    in_time(|| {
        let config = PoolConfig { max_queue_size: 0, ..PoolConfig::default() };
        let text = AdaptiveThreadPool::try_with_config(config.clone()).unwrap_err().to_string();
        let panic = std::panic::catch_unwind(|| AdaptiveThreadPool::with_config(config)).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().contains(&text));
    });
}

#[test]
fn a_deadline_that_has_passed_is_told_as_such_everywhere() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let past = || pool.task().deadline(Instant::now() - Duration::from_secs(1));
        let error = block_on(past().run(|| ())).unwrap_err();
        assert!(error.is_expired(), "{error:?}");
        assert_eq!(error.to_string(), "the deadline passed");
        let refused = past().try_spawn(|| ()).unwrap_err();
        assert_eq!(refused.rejection().reason, RejectReason::Expired);
        assert_eq!(refused.to_string(), "the deadline passed");
        assert_eq!(block_on(past().spawn(|| ())).unwrap_err().rejection().reason, RejectReason::Expired);
        assert_eq!(ProcessError::Expired.to_string(), "the deadline passed");
    });
}

/// What `?` asks of an error in a function that returns `anyhow::Result` or `Box<dyn Error + Send + Sync>`.
#[test]
fn work_that_comes_back_may_be_in_an_error_that_is_sync() {
    in_time(|| {
        fn submit(pool: &AdaptiveThreadPool) -> Result<(), Box<dyn Error + Send + Sync>> {
            let (_to, from) = std::sync::mpsc::channel::<u32>();
            pool.try_spawn(move || from.recv().ok())?;
            Ok(())
        }
        assert!(submit(&closed()).is_err());
    });
}
