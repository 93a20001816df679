//! Definitions of references (`[label]: address "title"`). A part may refer to definitions anywhere
//! in the document.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::memmem;
use pulldown_cmark::{BrokenLink, BrokenLinkCallback, CowStr, Event, Parser, Tag};
use unicase::UniCase;

use super::super::reading::Reading;
use super::super::text::Text;

/// The target of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    address: CowStr<'static>,
    title: CowStr<'static>,
}

type Targets = HashMap<UniCase<CowStr<'static>>, Target>;

/// The definitions of a document.
#[derive(Debug, Clone, Default)]
pub(super) struct Definitions {
    targets: Targets,
    /// The definitions of the preceding stretches, if this is a stretch of a document.
    before: Option<Arc<Definitions>>,
    /// The approximate size in bytes.
    bytes: usize,
}

/// The document can't be converted in parts. Two definitions of a label differ; or there is a
/// footnote, and footnotes are numbered throughout the document; or the text is too complex.
#[derive(Debug)]
pub(super) struct Inseparable;

impl Definitions {
    /// Returns an empty set after the definitions of the preceding stretches.
    pub(super) fn after(before: &Arc<Self>) -> Self {
        Self { before: Some(Arc::clone(before)), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.before.as_ref().is_none_or(|before| before.is_empty())
    }

    /// The approximate size in bytes, without the definitions of the preceding stretches.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it is empty, without the definitions of the preceding stretches.
    pub(super) fn is_none_of_its_own(&self) -> bool {
        self.targets.is_empty()
    }

    /// Removes the definitions of the preceding stretches.
    pub(super) fn own(self) -> Self {
        Self { before: None, ..self }
    }

    /// Adds the definitions of the next stretch.
    pub(super) fn append(&mut self, next: Self) {
        self.bytes += next.bytes;
        self.targets.extend(next.targets);
    }

    fn get<'a>(&'a self, label: &UniCase<CowStr<'a>>) -> Option<&'a Target> {
        // The keys outlive the label: shortening their lifetime lets a short-lived label be looked
        // up.
        let targets: &'a HashMap<UniCase<CowStr<'a>>, Target> = &self.targets;
        targets.get(label).or_else(|| self.before.as_ref()?.get(label))
    }

    /// Adds the definitions of a stretch of the document between two cuts. Returns their labels.
    pub(super) fn read(&mut self, text: &str, reading: Reading) -> Result<Vec<String>, Inseparable> {
        let text = Text::of(text, 0);
        let text = text.get();
        reading.measure(text, 0, 0).map_err(|_| Inseparable)?;
        let parser = reading.parser(text, None::<Lookup<'_>>);
        let mut labels = Vec::new();
        self.define(&parser, |label| labels.push(label.to_owned()))?;
        let is_note = |event| matches!(event, Event::Start(Tag::FootnoteDefinition(_)));
        if memmem::find(text.as_bytes(), b"[^").is_some() && parser.into_iter().any(is_note) {
            return Err(Inseparable);
        }
        Ok(labels)
    }

    /// Adds the definitions that a parser has found, and passes their labels to `found`.
    pub(super) fn define<'p>(
        &mut self,
        parser: &Parser<'p, impl BrokenLinkCallback<'p>>,
        mut found: impl FnMut(&str),
    ) -> Result<(), Inseparable> {
        for (label, definition) in parser.reference_definitions().iter() {
            let target = Target {
                address: definition.dest.to_string().into(),
                title: definition.title.as_deref().unwrap_or_default().to_owned().into(),
            };
            let key: UniCase<CowStr<'static>> = UniCase::new(label.to_owned().into());
            if self.before.as_ref().and_then(|before| before.get(&key)).is_some_and(|known| *known != target)
            {
                return Err(Inseparable);
            }
            match self.targets.entry(key) {
                Entry::Occupied(known) if *known.get() != target => return Err(Inseparable),
                Entry::Occupied(_) => {}
                Entry::Vacant(place) => {
                    self.bytes += size_of::<(UniCase<CowStr<'_>>, Target)>()
                        + label.len()
                        + target.address.len()
                        + target.title.len();
                    place.insert(target);
                }
            }
            found(label);
        }
        Ok(())
    }

    /// Whether a part has exactly the definitions with these labels, and all are as they are here.
    pub(super) fn are_those_of(&self, parser: &Parser<'_, Lookup<'_>>, labels: &[String]) -> bool {
        let found = parser.reference_definitions();
        found.iter().count() == labels.len()
            && labels.iter().all(|label| {
                let known = self.get(&UniCase::new(label.as_str().into()));
                found.get(label).zip(known).is_some_and(|(definition, target)| {
                    definition.dest == target.address
                        && definition.title.as_deref().unwrap_or_default() == &*target.title
                })
            })
    }
}

/// Resolves references that a part does not define itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) definitions: &'a Definitions,
    /// A flag that is set if a reference has no definition.
    pub(super) missed: Option<&'a AtomicBool>,
}

impl<'a> BrokenLinkCallback<'a> for Lookup<'a> {
    fn handle_broken_link(&mut self, link: BrokenLink<'a>) -> Option<(CowStr<'a>, CowStr<'a>)> {
        let Some(target) = self.definitions.get(&UniCase::new(link.reference)) else {
            if let Some(missed) = self.missed {
                missed.store(true, Ordering::Relaxed);
            }
            return None;
        };
        Some((CowStr::Borrowed(&target.address), CowStr::Borrowed(&target.title)))
    }
}

/// Finds candidates for a definition of a reference or a footnote: both contain these two
/// characters.
pub(super) fn finder() -> memmem::Finder<'static> {
    memmem::Finder::new("]:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use millpond_convert::ConversionOptions;

    fn reading() -> Reading {
        Reading::new(&ConversionOptions::default())
    }

    fn resolve(definitions: &Definitions, reference: &str) -> Option<(String, String)> {
        let lookup = Lookup { definitions, missed: None };
        let mut parser = reading().parser(reference, Some(lookup));
        parser.find_map(|event| match event {
            Event::Start(Tag::Link { dest_url, title, .. }) => {
                Some((dest_url.to_string(), title.to_string()))
            }
            _ => None,
        })
    }

    #[test]
    fn a_reference_finds_what_is_defined_elsewhere_in_any_case() {
        let mut definitions = Definitions::default();
        assert_eq!(definitions.read("text\n\n> [ẞ  b]: /1 'T'\n", reading()).unwrap(), ["ẞ b"]);
        assert_eq!(definitions.read("[c]: </2>\n[c]: /3\n", reading()).unwrap(), ["c"]);
        assert_eq!(resolve(&definitions, "[SS\nB]"), Some(("/1".into(), "T".into())));
        assert_eq!(resolve(&definitions, "[x][C]"), Some(("/2".into(), String::new())));
        assert_eq!(resolve(&definitions, "[d]"), None);
    }

    #[test]
    fn the_same_label_may_be_defined_again_but_not_otherwise() {
        let mut definitions = Definitions::default();
        definitions.read("[a]: /1\n", reading()).unwrap();
        assert!(definitions.read("[A]: /1\n", reading()).is_ok());
        assert!(definitions.read("[a]: /2\n", reading()).is_err());
        assert!(definitions.read("[a]: /1 'T'\n", reading()).is_err());
    }

    #[test]
    fn footnotes_are_not_for_parts() {
        let mut definitions = Definitions::default();
        assert!(definitions.read("`[^1]: a`\n", reading()).is_ok());
        assert!(definitions.read("> [^1]: a\n", reading()).is_err());
    }
}
