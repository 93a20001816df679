//! The niceness of a single thread. Linux has one for each thread (setpriority(2), "C
//! library/kernel differences"). Elsewhere it belongs to the process, which the pool must not
//! change.

use std::io;

/// Sets the niceness of the calling thread.
#[cfg(target_os = "linux")]
pub(crate) fn lower_priority(niceness: u8) -> io::Result<()> {
    let thread = rustix::thread::gettid();
    Ok(rustix::process::setpriority_process(Some(thread), i32::from(niceness))?)
}

/// The niceness of the calling thread, where it is known.
#[cfg(target_os = "linux")]
pub(crate) fn niceness() -> Option<i32> {
    rustix::process::getpriority_process(Some(rustix::thread::gettid())).ok()
}

/// Threads have no niceness of their own here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn lower_priority(_niceness: u8) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Threads have no niceness of their own here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn niceness() -> Option<i32> {
    None
}
