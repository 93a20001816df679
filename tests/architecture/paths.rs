//! The paths in a source file, and which top-level modules of the crate they lead to.

use crate::lexer::{Token, tokens};

/// A top-level module that a file names.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) line: usize,
    /// The module; `*` for a glob of the root, `crate` for the root as such.
    pub(crate) target: String,
}

/// The module path of a file named relative to `src`; empty for the root.
pub(crate) fn module_of(name: &str) -> Vec<String> {
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    let mut path: Vec<String> = stem.split('/').map(String::from).collect();
    if matches!(path.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

/// The top-level modules that a file names by `crate::` or by enough `super::`.
pub(crate) fn imports(module: &[String], text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for Found { line, depth, path, .. } in walk(text) {
        let supers = path.iter().take_while(|segment| *segment == "super").count();
        let rest = match path.first().map(String::as_str) {
            Some("crate") => &path[1..],
            // So many steps lead from here to the root; with fewer one stays in the own top-level module, and with more
            // nothing compiles.
            Some("super") if supers == module.len() + depth => &path[supers..],
            _ => continue,
        };
        let target = rest.first().cloned().unwrap_or_else(|| String::from("crate"));
        found.push(Import { line, target });
    }
    found
}

/// Every path in `text`, groups of `use` taken apart: `a::{b, c::d}` is `a::b` and `a::c::d`.
pub(crate) fn scan(text: &str) -> Vec<(usize, Vec<String>)> {
    walk(text).into_iter().map(|found| (found.line, found.path)).collect()
}

/// A path in a file.
pub(crate) struct Found {
    line: usize,
    /// How many `mod name { .. }` of the same file are around it.
    pub(crate) depth: usize,
    pub(crate) path: Vec<String>,
    /// Whether it stands in a `pub use`.
    pub(crate) passes_on: bool,
    /// Whether it is that of a `pub(in path)`, which names no item.
    pub(crate) is_scope: bool,
}

/// Every path in `text`, as for [`scan`].
pub(crate) fn walk(text: &str) -> Vec<Found> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    // For each brace that is open: whether it is that of a module.
    let mut braces: Vec<bool> = Vec::new();
    let (mut at, mut passes_on) = (0, false);
    while let Some((line, token)) = tokens.get(at) {
        at += 1;
        match token {
            Token::Mark('{') => {
                let before =
                    |back: usize| at.checked_sub(back).and_then(|i| tokens.get(i)).map(|(_, token)| token);
                let named = matches!(before(2), Some(Token::Word(_)));
                braces.push(named && before(3) == Some(&Token::Word(String::from("mod"))));
            }
            Token::Mark('}') => {
                braces.pop();
            }
            Token::Mark(';') => passes_on = false,
            Token::Word(word) if word == "use" => {
                let before = at.checked_sub(2).map(|before| &tokens[before].1);
                passes_on = before.is_some_and(|token| {
                    *token == Token::Mark(')') || *token == Token::Word(String::from("pub"))
                });
            }
            Token::Word(word) => {
                let depth = braces.iter().filter(|is_module| **is_module).count();
                // `pub(crate)` and `pub(super)` name no import; `pub(in path)` does.
                let visibility = at >= 3
                    && tokens[at - 2].1 == Token::Mark('(')
                    && tokens[at - 3].1 == Token::Word(String::from("pub"));
                if visibility && word != "in" {
                    continue;
                }
                let is_scope = at >= 4
                    && tokens[at - 2].1 == Token::Word(String::from("in"))
                    && tokens[at - 3].1 == Token::Mark('(')
                    && tokens[at - 4].1 == Token::Word(String::from("pub"));
                let mut paths = Vec::new();
                path(&tokens, &mut at, vec![word.clone()], &mut paths);
                found.extend(paths.into_iter().map(|path| Found {
                    line: *line,
                    depth,
                    path,
                    passes_on,
                    is_scope,
                }));
            }
            _ => {}
        }
    }
    found
}

/// Reads on behind a segment; `at` is left behind the path.
fn path(tokens: &[(usize, Token)], at: &mut usize, so_far: Vec<String>, into: &mut Vec<Vec<String>>) {
    if tokens.get(*at).is_none_or(|(_, token)| *token != Token::PathSeparator) {
        into.push(so_far);
        return;
    }
    *at += 1;
    match tokens.get(*at).map(|(_, token)| token) {
        Some(Token::Word(word)) => {
            *at += 1;
            path(tokens, at, [so_far, vec![word.clone()]].concat(), into);
        }
        Some(Token::Mark('*')) => {
            *at += 1;
            into.push([so_far, vec![String::from("*")]].concat());
        }
        Some(Token::Mark('{')) => {
            *at += 1;
            while let Some((_, token)) = tokens.get(*at) {
                *at += 1;
                match token {
                    Token::Mark('}') => return,
                    Token::Mark('*') => into.push([so_far.clone(), vec![String::from("*")]].concat()),
                    // What follows is a name for here, not a path.
                    Token::Word(word) if word == "as" => *at += 1,
                    Token::Word(word) => {
                        let next = if word == "self" {
                            so_far.clone()
                        } else {
                            [so_far.clone(), vec![word.clone()]].concat()
                        };
                        path(tokens, at, next, into);
                    }
                    _ => {}
                }
            }
        }
        // A turbofish or the like.
        _ => into.push(so_far),
    }
}
