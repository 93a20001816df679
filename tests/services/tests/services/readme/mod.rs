//! The example of the README, served and called.

// Its `main` listens on a fixed port: the tests serve `app` on a free one.
#[allow(dead_code, unreachable_pub, reason = "the file is a program of its own")]
mod example;

use std::time::Duration;

use millpond::test_util::assert_no_leaks;

use crate::pool_support::{fixed, in_time_async};
use crate::service_support::{post, serve};

/// The length that the README may have for it.
const LONGEST: usize = 25;

#[test]
fn the_readme_shows_the_code_that_is_tested() {
    let readme = include_str!("../../../../../README.md");
    let example = include_str!("example.rs");
    assert!(readme.contains(&format!("```rust,no_run\n{example}```\n")), "copy example.rs into README.md");
    assert!(example.lines().count() <= LONGEST);
}

#[test]
fn it_counts_words_on_the_pool() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let address = serve(example::app(pool.clone())).await;
        let got = post(address, "/words", "grist for the mill").await;
        assert_eq!((got.status.as_u16(), &got.body[..]), (200, &b"4"[..]));
        assert_eq!(pool.statistics().tasks_completed, 1);
        assert_no_leaks(&pool);
    });
}

#[test]
fn after_a_shutdown_it_answers_503() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let address = serve(example::app(pool.clone())).await;
        pool.shutdown(Duration::from_secs(10)).await;
        post(address, "/words", "grist for the mill").await.problem(503, "shutting-down");
    });
}
