//! The floor plan of `src`, held by a test: a file imports lower floors or its own folder, and nothing else.
//!
//! Test code in `src` is held to it as well: a unit test that needs an upper floor belongs into `tests`.

// What can't be read fails the test.
#![allow(clippy::unwrap_used)]

mod circles;
mod floors;
mod lexer;
mod paths;

use std::fs;
use std::path::{Path, PathBuf};

use circles::{ALLOWED, Imports, LIBRARIES};
use floors::{LONGEST_FILE, SIDEWAYS, judge};
use paths::{Import, imports, module_of, scan};

struct Source {
    /// Relative to the folder that was read, with `/`.
    name: String,
    text: String,
}

fn sources() -> Vec<Source> {
    sources_in("src")
}

/// The files of a folder of the repository.
fn sources_in(folder: &str) -> Vec<Source> {
    fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths = Vec::new();
    collect(&src, &mut paths);
    paths.sort();
    let source = |path: &PathBuf| Source {
        name: path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/"),
        text: fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(source).collect()
}

/// What is wrong with one file's imports.
fn offences(name: &str, text: &str) -> Vec<String> {
    let module = module_of(name);
    // The root names every module to declare and to re-export it.
    let Some(own) = module.first() else { return Vec::new() };
    let judged = imports(&module, text).into_iter().filter_map(|Import { line, target }| {
        judge(own, &target).err().map(|reason| format!("src/{name}:{line}: {reason}"))
    });
    let mut offences: Vec<String> = judged.collect();
    offences.dedup();
    offences
}

fn assert_none(offences: Vec<String>) {
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

#[test]
fn files_import_lower_floors_or_their_own_folder() {
    let sources = sources();
    assert!(!sources.is_empty(), "src is empty");
    assert_none(sources.iter().flat_map(|source| offences(&source.name, &source.text)).collect());
}

#[test]
fn every_allowance_is_used() {
    let sources = sources();
    let used = |from: &str, to: &str| {
        sources.iter().any(|source| {
            let module = module_of(&source.name);
            module.first().is_some_and(|own| own == from)
                && imports(&module, &source.text).iter().any(|import| import.target == to)
        })
    };
    let unused = SIDEWAYS.iter().filter(|(from, to, _)| !used(from, to));
    assert_none(
        unused.map(|(from, to, _)| format!("`{from}` no longer imports `{to}`: strike it off")).collect(),
    );
}

#[test]
fn every_module_has_its_floor() {
    let unplaced = sources().into_iter().filter_map(|source| {
        let own = module_of(&source.name).first()?.clone();
        floors::floor_of(&own).is_none().then(|| format!("src/{}: `{own}` is on no floor", source.name))
    });
    assert_none(unplaced.collect());
}

#[test]
fn no_file_of_a_library_is_too_long() {
    let long = LIBRARIES.into_iter().flat_map(|folder| {
        let sources = sources_in(folder);
        assert!(!sources.is_empty(), "{folder} is empty");
        sources.into_iter().filter_map(move |source| {
            let lines = source.text.lines().count();
            (lines > LONGEST_FILE)
                .then(|| format!("{folder}/{}: {lines} lines, over {LONGEST_FILE}", source.name))
        })
    });
    assert_none(long.collect());
}

fn all_imports() -> Vec<Imports> {
    LIBRARIES.map(|folder| Imports::read(folder, &sources_in(folder))).into()
}

#[test]
fn no_files_import_each_other_in_a_loop() {
    let found = all_imports().into_iter().flat_map(|mut imports| {
        ALLOWED.iter().for_each(|(from, to)| _ = imports.remove(from, to));
        let circles = imports.circles().into_iter();
        circles.map(|(from, to)| format!("{from} imports {to}, which leads back to it")).collect::<Vec<_>>()
    });
    assert_none(found.collect());
}

#[test]
fn every_import_that_may_close_a_circle_does() {
    let imports = all_imports();
    let closes = |from: &str, to: &str| imports.iter().any(|all| all.circles().contains(&(from, to)));
    let rest = ALLOWED.iter().filter(|(from, to)| !closes(from, to));
    assert_none(rest.map(|(from, to)| format!("{from} -> {to} is in no circle: strike it off")).collect());
}

/// What a policy decides follows from what it is told: no thread, atomic, lock, clock or runtime.
const IMPURE: [&str; 9] = [
    "std::thread",
    "std::sync",
    "crate::sync",
    "crate::clock",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "tokio::",
];

fn impurities(name: &str, text: &str) -> Vec<String> {
    let used = scan(text).into_iter().filter_map(|(line, path)| {
        let path = path.join("::") + "::";
        let impure = IMPURE.iter().find(|impure| {
            let impure = impure.trim_end_matches(':');
            path.starts_with(&format!("{impure}::")) || path.contains(&format!("::{impure}::"))
        });
        impure.map(|impure| format!("src/{name}:{line}: a policy is pure, but this uses `{impure}`"))
    });
    used.collect()
}

#[test]
fn policies_are_pure() {
    let policies = sources().into_iter().filter(|source| source.name.starts_with("policy"));
    assert_none(policies.flat_map(|source| impurities(&source.name, &source.text)).collect());
}

mod it_can_fail {
    use super::*;

    #[test]
    fn on_an_upward_import() {
        assert_eq!(offences("queue/mod.rs", "use crate::pool::Permit;").len(), 1);
        assert_eq!(offences("admission/permits.rs", "fn f() { crate::processor::go(); }").len(), 1);
        assert_eq!(
            offences("pool/mod.rs", "use super::super::service::Layer;").len(),
            0,
            "that is beyond the root"
        );
        assert_eq!(offences("pool/run.rs", "use super::super::service::Layer;").len(), 1);
        assert_eq!(
            offences("pool/run.rs", "mod tests { use super::super::super::service::Layer; }").len(),
            1
        );
        assert_eq!(offences("convert/rtf/read.rs", "use crate::processor::Request;").len(), 1);
    }

    #[test]
    fn on_a_sideways_import() {
        assert_eq!(offences("memory/mod.rs", "use crate::admission::Permits;").len(), 1);
        assert_eq!(offences("park/idle.rs", "use crate::{sync::Mutex, queue::{Local, Queues}};").len(), 1);
        assert_eq!(offences("park/idle.rs", "use crate::{sync::Mutex, error};").len(), 0);
    }

    #[test]
    fn on_a_name_taken_from_the_root() {
        let found = offences("queue/mod.rs", "use crate::JoinError;");
        assert!(found[0].contains("the module that defines it"), "{found:?}");
    }

    #[test]
    fn on_a_glob_and_on_the_root_itself() {
        assert_eq!(offences("queue/mod.rs", "use crate::*;").len(), 1);
        assert_eq!(offences("queue/mod.rs", "use crate as root;").len(), 1);
        assert_eq!(offences("queue/mod.rs", "pub(crate) fn f() {}").len(), 0);
        assert_eq!(offences("queue/mod.rs", "pub(in crate::pool) fn f() {}").len(), 1);
    }

    #[test]
    fn but_not_on_what_is_no_code() {
        let text = r###"
            //! See [`crate::pool::Run`].
            /* crate::pool /* nested */ crate::service */
            const S: &str = "use crate::pool; \" crate::pool";
            const R: &str = r##"crate::pool "# crate::pool"##;
            const C: [char; 2] = ['"', '\''];
            fn f<'a>(x: &'a str) -> &'a str { x } // crate::pool
            use crate::sync::Mutex;
        "###;
        assert_eq!(offences("queue/mod.rs", text), Vec::<String>::new());
    }

    #[test]
    fn on_a_circle_of_files() {
        let files = [
            ("mod.rs", "mod a; mod b; pub(crate) use {b::B, b::C}; use a::A; struct M;"),
            ("a.rs", "use super::C; struct A;"),
            ("b.rs", "mod tests { use super::*; } struct B;"),
        ];
        let circles = |b: &str| {
            let with_b = |(name, text): (&str, &str)| Source {
                name: format!("x/{name}"),
                text: if name == "b.rs" { format!("{b} {text}") } else { text.into() },
            };
            let imports = Imports::read("src", &files.map(with_b));
            imports.circles().into_iter().map(|(from, to)| format!("{from} {to}")).collect::<Vec<_>>()
        };
        assert_eq!(circles(""), Vec::<String>::new());
        assert_eq!(circles("use super::a::A;"), ["src/x/a.rs src/x/b.rs", "src/x/b.rs src/x/a.rs"]);
        assert_eq!(circles("fn f() { crate::x::a::f() }").len(), 2);
        // Through the file that passes a name on, if it uses the other.
        let round = ["src/x/a.rs src/x/b.rs", "src/x/b.rs src/x/mod.rs", "src/x/mod.rs src/x/a.rs"];
        assert_eq!(circles("use super::M;"), round);
    }

    #[test]
    fn on_an_impure_policy() {
        assert_eq!(impurities("policy/a.rs", "use std::{fmt, sync::Arc};").len(), 1);
        assert_eq!(impurities("policy/a.rs", "let now = Instant::now();").len(), 1);
        assert_eq!(impurities("policy/a.rs", "use tokio::sync::watch;").len(), 1);
        assert_eq!(impurities("policy/a.rs", "use std::time::Duration; // std::thread").len(), 0);
    }
}
