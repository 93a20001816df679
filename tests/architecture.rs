//! Imports only point down the floors of `docs/architecture.md`, every file stays small, and decisions stay pure.
//!
//! The scan is plain: comments and string literals are blanked, then every path that begins with `crate::` is looked up, and
//! `super::` is followed from the file's own module. `#[cfg(test)]` code is held to the same rule.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first. Modules of one floor do not know each other, except as `ALLOWED` says.
const FLOORS: &[&[&str]] = &[
    &["sync", "error", "topology"],
    &["config"],
    &["task", "queue", "park", "metrics"],
    &["policy"],
    &["admission", "memory"],
    &["pool", "test_util"],
    &["convert"],
    &["processor"],
    &["service", "telemetry"],
];

/// Imports within a floor, each with its reason.
const ALLOWED: &[(&str, &str)] = &[
    // A queue holds tasks; it knows them by their trait only.
    ("queue", "task"),
];

const LONGEST_FILE: usize = 400;

/// What a pure decision must not touch.
const IMPURE: &[&str] = &["std::thread", "std::sync", "Instant::now", "SystemTime", "tokio::", "crate::sync"];

fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.sort();
    assert!(found.len() > 20, "the scan found only {} files", found.len());
    found
        .into_iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_path_buf(), fs::read_to_string(&path).unwrap()))
        .collect()
}

/// The module path of a file below `src`: `pool/run.rs` is `["pool", "run"]`.
fn module(path: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// Source without comments and string literals. (Raw strings with `#` and char literals of `"` are not told apart; the
/// house has none that look like a path.)
fn code(source: &str) -> String {
    let mut out = String::new();
    for line in source.lines() {
        let line = line.split("//").next().unwrap_or_default();
        let mut in_string = false;
        let mut previous = ' ';
        for c in line.chars() {
            if c == '"' && previous != '\\' && previous != '\'' {
                in_string = !in_string;
            } else if !in_string {
                out.push(c);
            }
            previous = c;
        }
        out.push('\n');
    }
    out
}

/// The top-level modules that a file names.
fn imports(path: &Path, source: &str) -> Vec<String> {
    let own = module(path);
    let is_folder = path.ends_with("mod.rs");
    let code = code(source);
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        found.extend(names(&code[at + "crate::".len()..]));
    }
    for (at, _) in code.match_indices("super::") {
        if code[..at].ends_with("super::") {
            continue;
        }
        let mut rest = &code[at..];
        let mut ups = 0;
        while let Some(after) = rest.strip_prefix("super::") {
            rest = after;
            ups += 1;
        }
        // A file `a/b.rs` is module a::b: one `super` is `a`, two are the root. An inline `mod tests` is one deeper, which
        // can only make the path shorter than it is taken for here, never reach another folder unseen.
        let depth = own.len() - usize::from(is_folder && own.is_empty());
        if ups >= depth {
            found.extend(names(rest));
        }
    }
    found
}

/// The first segments after a `crate::`, which may be a group in braces.
fn names(rest: &str) -> Vec<String> {
    fn first(text: &str) -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    }
    let Some(group) = rest.trim_start().strip_prefix('{') else { return vec![first(rest)] };
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(first(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(first(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// What is wrong with the imports of one file.
fn offences(path: &Path, source: &str) -> Vec<String> {
    let own = module(path);
    let Some(top) = own.first().filter(|top| *top != "lib") else { return Vec::new() };
    let Some(here) = floor(top) else {
        return vec![format!("{top} stands on no floor: give it one in this test")];
    };
    let mut found = Vec::new();
    for import in imports(path, source) {
        if import == *top || ALLOWED.contains(&(top.as_str(), import.as_str())) {
            continue;
        }
        // A name of the crate's root is an item re-exported there, unless it is a module.
        if let Some(there) = floor(&import) {
            if there >= here {
                found.push(format!("{} imports {import}, which is not below it", path.display()));
            }
        }
    }
    found
}

#[test]
fn imports_point_down() {
    let found: Vec<_> = sources().iter().flat_map(|(path, source)| offences(path, source)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_scan_sees_an_upward_import() {
    let upward = [
        "use crate::pool::Shared;",
        "use crate::{error::JoinError, pool::{Shared, Worker}};",
        "fn f() -> crate::pool::Worker { todo }",
        "use super::super::pool::Worker;",
    ];
    for source in upward {
        assert_eq!(offences(Path::new("admission/permits.rs"), source).len(), 1, "{source}");
    }
    let sideways = offences(Path::new("park/idle.rs"), "use crate::task::Run;");
    assert_eq!(sideways.len(), 1);
    let unplaced = offences(Path::new("cellar/wine.rs"), "");
    assert_eq!(unplaced.len(), 1);
}

#[test]
fn the_scan_lets_pass_what_is_allowed() {
    let fine = [
        "use crate::task::Run; use crate::sync::Mutex;",
        "// see crate::pool::Shared",
        "/// [`run`](crate::pool::Run)",
        "let s = \"crate::pool::Run\";",
        "use super::call::Call;",
    ];
    for source in fine {
        assert_eq!(offences(Path::new("admission/permits.rs"), source), Vec::<String>::new(), "{source}");
    }
}

#[test]
fn every_file_is_small() {
    for (path, source) in sources() {
        let lines = source.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines: split it", path.display());
    }
}

#[test]
fn decisions_are_pure() {
    for (path, source) in sources().iter().filter(|(path, _)| path.starts_with("policy")) {
        let code = code(source);
        for impure in IMPURE {
            assert!(!code.contains(impure), "{} uses {impure}", path.display());
        }
    }
}
