//! What a conversion left out, replaced or assumed.

use std::fmt;

/// One kind of content that a conversion left out, replaced or assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Loss {
    /// The data of a picture. Its alternative text, if any, and its link are kept.
    Picture,
    /// An embedded object.
    Object,
    /// A comment in the margin.
    Comment,
    /// A header or footer of the pages.
    HeaderFooter,
    /// A field without text in the output: an index entry, a computed date.
    Field,
    /// A range of text that is marked as deleted.
    DeletedText,
    /// A range of text that is hidden.
    HiddenText,
    /// A character that Unicode does not have, written as U+FFFD.
    Character,
    /// A piece of raw HTML that is missing in the output.
    RawHtml,
    /// A link or picture target that is not allowed, for example `javascript:`. Its text is kept.
    LinkTarget,
    /// Metadata before the text, missing in the output.
    FrontMatter,
    /// The header of an RTF document was missing, and was assumed.
    AssumedHead,
    /// A group of an RTF document was open at its end, or was closed once too often; its end was
    /// assumed.
    AssumedEnd,
}

impl Loss {
    const ALL: [Self; 13] = [
        Self::Picture,
        Self::Object,
        Self::Comment,
        Self::HeaderFooter,
        Self::Field,
        Self::DeletedText,
        Self::HiddenText,
        Self::Character,
        Self::RawHtml,
        Self::LinkTarget,
        Self::FrontMatter,
        Self::AssumedHead,
        Self::AssumedEnd,
    ];

    /// Returns the name used in JSON: `picture`, `deleted_text`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Object => "object",
            Self::Comment => "comment",
            Self::HeaderFooter => "header_footer",
            Self::Field => "field",
            Self::DeletedText => "deleted_text",
            Self::HiddenText => "hidden_text",
            Self::Character => "character",
            Self::RawHtml => "raw_html",
            Self::LinkTarget => "link_target",
            Self::FrontMatter => "front_matter",
            Self::AssumedHead => "assumed_head",
            Self::AssumedEnd => "assumed_end",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a conversion left out, replaced or assumed: a count for each kind. A document has the same
/// report whether it is converted whole, in parts or while it is read.
///
/// ```
/// use millpond::convert::{Loss, Report};
///
/// let mut report = Report::default();
/// assert!(report.is_empty());
/// report.add(Loss::Picture);
/// report.add(Loss::Picture);
/// assert_eq!(report.count(Loss::Picture), 2);
/// assert_eq!(report.to_string(), "picture: 2");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// `None`: no counts. Most documents lose nothing, and each answer moves its report.
    counts: Option<Box<[u32; Loss::ALL.len()]>>,
}

impl Report {
    /// Adds one to the count of `loss`.
    pub fn add(&mut self, loss: Loss) {
        let count = &mut self.counts.get_or_insert_default()[loss as usize];
        *count = count.saturating_add(1);
    }

    /// Adds the counts of another report, for example of a part of the document.
    pub fn merge(&mut self, other: &Self) {
        let Some(more) = &other.counts else { return };
        for (count, more) in self.counts.get_or_insert_default().iter_mut().zip(more.iter()) {
            *count = count.saturating_add(*more);
        }
    }

    /// Returns the count of one kind.
    #[must_use]
    pub fn count(&self, loss: Loss) -> u32 {
        self.counts.as_ref().map_or(0, |counts| counts[loss as usize])
    }

    /// Whether all counts are 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_none()
    }

    /// Returns the kinds with a count above 0, and these counts.
    pub fn iter(&self) -> impl Iterator<Item = (Loss, u32)> + '_ {
        Loss::ALL.into_iter().map(|loss| (loss, self.count(loss))).filter(|(_, count)| *count > 0)
    }
}

/// `picture: 2, comment: 1`; `nothing` if it is empty.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (at, (loss, count)) in self.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{loss}: {count}")?;
        }
        Ok(())
    }
}

/// A map from the names of the kinds to their counts.
#[cfg(feature = "serde")]
impl serde::Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(loss, count)| (loss.name(), count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_count_and_a_name_of_its_own() {
        let mut names = Vec::new();
        for (at, loss) in Loss::ALL.into_iter().enumerate() {
            assert_eq!(loss as usize, at);
            let mut report = Report::default();
            report.add(loss);
            assert_eq!(report.iter().collect::<Vec<_>>(), [(loss, 1)]);
            names.push(loss.name());
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Loss::ALL.len());
    }

    #[test]
    fn counts_of_parts_add_up_and_do_not_overflow() {
        let (mut sum, mut part) = (Report::default(), Report::default());
        part.add(Loss::Comment);
        part.add(Loss::Object);
        sum.merge(&part);
        sum.merge(&part);
        assert_eq!(sum.to_string(), "object: 2, comment: 2");
        part.counts.as_mut().unwrap().fill(u32::MAX);
        sum.merge(&part);
        sum.add(Loss::Object);
        assert_eq!(sum.count(Loss::Object), u32::MAX);
    }
}
