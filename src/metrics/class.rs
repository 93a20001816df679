//! The classes by which times are kept apart.

/// A class of tasks: plain, or labelled with a priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Plain,
    Interactive,
    Standard,
    Bulk,
}

impl Class {
    /// Every class.
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Interactive, Self::Standard, Self::Bulk];
}

/// A value for each class of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ByClass<T> {
    /// Of plain work: work without options.
    pub plain: T,
    /// Of labelled work of [`Priority::Interactive`](crate::Priority::Interactive).
    pub interactive: T,
    /// Of labelled work of [`Priority::Standard`](crate::Priority::Standard).
    pub standard: T,
    /// Of labelled work of [`Priority::Bulk`](crate::Priority::Bulk).
    pub bulk: T,
}

impl<T> ByClass<T> {
    pub(crate) fn from_fn(mut make: impl FnMut(Class) -> T) -> Self {
        Self {
            plain: make(Class::Plain),
            interactive: make(Class::Interactive),
            standard: make(Class::Standard),
            bulk: make(Class::Bulk),
        }
    }

    pub(crate) fn of(&self, class: Class) -> &T {
        match class {
            Class::Plain => &self.plain,
            Class::Interactive => &self.interactive,
            Class::Standard => &self.standard,
            Class::Bulk => &self.bulk,
        }
    }

    /// The names of the classes with their values: `plain`, `interactive`, `standard` and `bulk`.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &T)> {
        let Self { plain, interactive, standard, bulk } = self;
        [("plain", plain), ("interactive", interactive), ("standard", standard), ("bulk", bulk)].into_iter()
    }
}
