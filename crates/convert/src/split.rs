//! Where a document is cut, and what its parts share.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Where a document is cut, and what its parts share: what [`Converter::split`](super::Converter::split) found out.
///
/// ```
/// use millpond::convert::Split;
///
/// let split = Split::new(vec![0..4, 4..9]).with_shared(String::from("seen once, wanted by each part"));
/// assert_eq!(split.len(), 2);
/// assert_eq!(split.part(1), 4..9);
/// assert_eq!(split.shared::<String>().map(String::len), Some(30));
/// ```
#[derive(Clone)]
pub struct Split {
    parts: Vec<Range<usize>>,
    shared: Arc<dyn Any + Send + Sync>,
}

impl Split {
    /// Parts at those ranges of the input, in bytes, in the order in which they are to be joined.
    #[must_use]
    pub fn new(parts: Vec<Range<usize>>) -> Self {
        Self { parts, shared: Arc::new(()) }
    }

    /// The same, with something that every part gets to see, and the join: what the head of the document says, or a place
    /// where parts leave what is not output.
    #[must_use]
    pub fn with_shared(self, shared: impl Any + Send + Sync) -> Self {
        Self { shared: Arc::new(shared), ..self }
    }

    /// How many parts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there is no part at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Where the part is, counted from 0; an empty range if there is no such part.
    #[must_use]
    pub fn part(&self, part: usize) -> Range<usize> {
        self.parts.get(part).cloned().unwrap_or_default()
    }

    /// What the parts share, if it is a `T`.
    #[must_use]
    pub fn shared<T: Any>(&self) -> Option<&T> {
        self.shared.downcast_ref()
    }
}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").field("parts", &self.parts).finish_non_exhaustive()
    }
}
