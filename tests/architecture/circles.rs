//! Circles of files: files of one library that import each other in a loop.
//!
//! A path counts as an import of the file that defines the name. A `pub use` only passes a name on,
//! so it is followed and is no import itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::Source;
use crate::paths::{Found, module_of, walk};

/// The libraries of the workspace.
pub(crate) const LIBRARIES: [&str; 6] = [
    "src",
    "benches/peers/src",
    "crates/convert/src",
    "crates/documents/src",
    "crates/forecast/src",
    "crates/slice/src",
];

/// Imports that still close a circle: the file, and the file that it imports. None may be added.
pub(crate) const ALLOWED: [(&str, &str); 0] = [];

/// The longest chain of `pub use` that is followed.
const MAX_HOPS: usize = 8;

type Path = Vec<String>;

/// The imports between the files of one library.
pub(crate) struct Imports {
    /// For each file, the files that it imports.
    pub(crate) of: BTreeMap<String, BTreeSet<String>>,
}

impl Imports {
    /// Reads the imports of `sources`, which lie in `folder`.
    pub(crate) fn read(folder: &str, sources: &[Source]) -> Self {
        let library = Library::new(sources);
        let full = |name: &str| format!("{folder}/{name}");
        let of = sources.iter().map(|source| {
            let targets = library.imports(source).into_iter().filter(|name| *name != source.name);
            (full(&source.name), targets.map(full).collect())
        });
        Self { of: of.collect() }
    }

    /// Leaves out one import. Returns whether it was there.
    pub(crate) fn remove(&mut self, from: &str, to: &str) -> bool {
        self.of.get_mut(from).is_some_and(|targets| targets.remove(to))
    }

    /// Returns whether a chain of imports leads from one file to the other.
    pub(crate) fn lead(&self, from: &str, to: &str) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            for target in self.of.get(file).into_iter().flatten() {
                if target == to {
                    return true;
                }
                if seen.insert(target) {
                    open.push(target);
                }
            }
        }
        false
    }

    /// Returns the imports that are part of a circle.
    pub(crate) fn circles(&self) -> Vec<(&str, &str)> {
        let all = self.of.iter().flat_map(|(from, targets)| targets.iter().map(move |to| (from, to)));
        all.filter(|(from, to)| self.lead(to, from)).map(|(from, to)| (from.as_str(), to.as_str())).collect()
    }
}

/// What a module passes on by `pub use`, and its file.
#[derive(Default)]
struct Module<'s> {
    file: Option<&'s str>,
    passes_on: Vec<Path>,
}

struct Library<'s> {
    modules: BTreeMap<Path, Module<'s>>,
}

impl<'s> Library<'s> {
    fn new(sources: &'s [Source]) -> Self {
        let mut modules: BTreeMap<Path, Module<'s>> = BTreeMap::new();
        for source in sources {
            modules.insert(module_of(&source.name), Module { file: Some(&source.name), ..Module::default() });
        }
        let mut library = Self { modules };
        for source in sources {
            let module = module_of(&source.name);
            let passed = walk(&source.text).into_iter().filter(|found| found.passes_on && found.depth == 0);
            let passed: Vec<Path> = passed.filter_map(|found| library.absolute(&module, &found)).collect();
            library.modules.entry(module).or_default().passes_on = passed;
        }
        library
    }

    /// Returns the files that define what `source` names.
    fn imports(&self, source: &Source) -> BTreeSet<&'s str> {
        let module = module_of(&source.name);
        let found = walk(&source.text).into_iter().filter(|found| !found.passes_on && !found.is_scope);
        found.filter_map(|found| self.file_of(self.absolute(&module, &found)?, MAX_HOPS)).collect()
    }

    /// Returns the path from the root of the library, or `None` for a path that leads out of the
    /// library or stays in the module.
    fn absolute(&self, module: &[String], found: &Found) -> Option<Path> {
        let Found { depth, path, .. } = found;
        let supers = path.iter().take_while(|segment| *segment == "super").count();
        let (base, rest) = match path.first()?.as_str() {
            "crate" => (&module[..0], &path[1..]),
            // Within the modules of the file itself.
            "super" if supers <= *depth => return None,
            "super" => (module.get(..(module.len() + depth).checked_sub(supers)?)?, &path[supers..]),
            "self" if *depth == 0 => (module, &path[1..]),
            first => {
                let child = [module, &[String::from(first)]].concat();
                let is_child = *depth == 0 && path.len() > 1 && self.modules.contains_key(&child);
                return is_child.then(|| [module, path].concat());
            }
        };
        Some([base, rest].concat())
    }

    /// Returns the file that defines what a path names.
    fn file_of(&self, path: Path, hops: usize) -> Option<&'s str> {
        let length = (0..=path.len()).rev().find(|&length| self.modules.contains_key(&path[..length]))?;
        let module = &self.modules[&path[..length]];
        let passed = path
            .get(length)
            .and_then(|name| module.passes_on.iter().find(|passed| hops > 0 && passed.last() == Some(name)));
        match passed {
            Some(passed) => self.file_of(passed.clone(), hops - 1),
            None => module.file,
        }
    }
}
