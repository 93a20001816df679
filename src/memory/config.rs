//! The buffer pool's configuration.

use std::time::Duration;

use crate::config::check;
use crate::error::ConfigError;

/// The sizes of the buffers of a [`BufferPool`](crate::memory::BufferPool), and how many bytes of
/// them it keeps.
///
/// ```
/// use millpond::memory::BufferPoolConfig;
///
/// let config = BufferPoolConfig { max_large_bytes: 64 << 20, ..BufferPoolConfig::default() };
/// assert!(config.validate().is_ok());
///
/// let error = BufferPoolConfig { medium_size: 1, ..config }.validate().unwrap_err();
/// assert_eq!(error.field, "medium_size");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct BufferPoolConfig {
    /// The capacity of a small buffer, in bytes. Default 4 KiB; accepted 64 to 1 GiB.
    pub small_size: usize,
    /// The capacity of a medium buffer, in bytes. Default 64 KiB; accepted more than `small_size`,
    /// to 1 GiB.
    pub medium_size: usize,
    /// The capacity of a large buffer, in bytes. Default 1 MiB; accepted more than `medium_size`,
    /// to 1 GiB. Longer buffers are allocated on request.
    pub large_size: usize,
    /// The bytes of unused small buffers that are kept. Default 4 MiB; accepted 0 (none) to 2^40.
    pub max_small_bytes: usize,
    /// The bytes of unused medium buffers that are kept. Default 16 MiB; accepted 0 to 2^40.
    pub max_medium_bytes: usize,
    /// The bytes of unused large buffers that are kept. Default 32 MiB; accepted 0 to 2^40.
    pub max_large_bytes: usize,
    /// Buffers that were not needed for this long go back to the allocator. Default 10 s; accepted
    /// 0 or more; `Duration::MAX` is never. The pool checks when buffers come back and when its
    /// statistics are read.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub trim_after: Duration,
    /// Whether a returned buffer is overwritten with zeros, to the end of its capacity; for
    /// documents that should leave no trace. Default false: it costs about as much as a copy.
    ///
    /// The allocator moves a buffer that grows beyond its memory. The old memory is not
    /// overwritten, so take as much as is needed.
    pub zero_on_return: bool,
}

impl Default for BufferPoolConfig {
    fn default() -> Self {
        Self {
            small_size: 4 << 10,
            medium_size: 64 << 10,
            large_size: 1 << 20,
            max_small_bytes: 4 << 20,
            max_medium_bytes: 16 << 20,
            max_large_bytes: 32 << 20,
            trim_after: Duration::from_secs(10),
            zero_on_return: false,
        }
    }
}

impl BufferPoolConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of its range, with the value and what is accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        const LARGEST: usize = 1 << 30;
        const MOST: u64 = 1 << 40;
        check(self.small_size, "small_size", 64, LARGEST)?;
        check(self.medium_size, "medium_size", self.small_size + 1, LARGEST)?;
        check(self.large_size, "large_size", self.medium_size + 1, LARGEST)?;
        check(self.max_small_bytes as u64, "max_small_bytes", 0, MOST)?;
        check(self.max_medium_bytes as u64, "max_medium_bytes", 0, MOST)?;
        check(self.max_large_bytes as u64, "max_large_bytes", 0, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_sizes_must_rise() {
        BufferPoolConfig::default().validate().unwrap();
        let error = BufferPoolConfig { small_size: 0, ..Default::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "small_size is 0, but must be 64 to 1073741824");
        let error = BufferPoolConfig { large_size: 64 << 10, ..Default::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "large_size is 65536, but must be 65537 to 1073741824");
    }
}
