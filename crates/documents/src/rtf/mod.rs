//! Rich Text Format, read and written.

pub(crate) mod read;
pub(crate) mod write;
