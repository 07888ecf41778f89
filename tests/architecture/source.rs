//! Reads Rust sources for the rules: a small scanner, enough for code that `rustfmt` has laid out.
//!
//! It knows comments, strings and braces, and nothing of macros or types.

use std::path::Path;

use crate::blank::blank;

/// One source file.
pub struct Source {
    /// Its path from the repository's root, with `/`.
    pub path: String,
    /// Its room: the folder below `src/`, or empty.
    pub room: String,
    /// How deep its module lies below the crate: 1 for `src/room/mod.rs`.
    pub depth: usize,
    /// Its text.
    pub text: String,
    /// Its text with comments and the insides of literals blanked, line for line.
    pub code: String,
    /// Whether all of it is for tests.
    pub is_test: bool,
}

/// A struct found in a source.
pub struct Struct {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub line: usize,
    /// Its fields.
    pub fields: usize,
}

/// A file's text by its path from the repository's root.
pub fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust files below these folders, in order of their paths.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(folder, &mut paths);
    }
    paths.sort();
    let mut sources: Vec<Source> = paths.into_iter().map(Source::open).collect();
    let test_modules: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let module = source.path.trim_end_matches(".rs").to_owned() + "/";
        source.is_test =
            !module.starts_with("src/") || test_modules.iter().any(|test| module.starts_with(test));
    }
    sources
}

fn collect(folder: &str, paths: &mut Vec<String>) {
    let Ok(entries) = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .read_dir()
    else {
        return;
    };
    for entry in entries {
        let entry = entry.expect("the folder can be listed");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&path, paths);
        } else if path.ends_with(".rs") {
            paths.push(path);
        }
    }
}

impl Source {
    fn open(path: String) -> Self {
        let text = read(&path);
        let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
        let is_in_room = parts[0] == "src" && parts.len() > 2;
        Self {
            room: if is_in_room { parts[1] } else { "" }.to_owned(),
            depth: parts.len() - 1 - usize::from(parts.last() == Some(&"mod")),
            code: blank(&text),
            is_test: false,
            text,
            path,
        }
    }

    /// The folders of the modules in files of their own that it declares for tests.
    fn test_modules(&self) -> Vec<String> {
        let own = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        let lines: Vec<&str> = self.code.lines().map(str::trim).collect();
        let pairs = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
        let names = pairs.filter_map(|pair| pair[1].strip_suffix(';')?.split("mod ").nth(1));
        names.map(|name| format!("{own}/{name}/")).collect()
    }

    /// Where its inline test module begins, or its end.
    fn tests_begin(&self) -> usize {
        let lines: Vec<&str> = self.code.lines().collect();
        if self.is_test {
            return 0;
        }
        let is_test_module = |pair: &[&str]| {
            pair[0].trim() == "#[cfg(test)]" && pair[1].contains("mod ") && pair[1].ends_with('{')
        };
        lines
            .windows(2)
            .position(is_test_module)
            .unwrap_or(lines.len())
    }

    /// The numbered lines of code before its tests.
    pub fn lines_outside_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines()).take(self.tests_begin())
    }

    /// The numbered lines of its tests.
    pub fn lines_of_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines()).skip(self.tests_begin())
    }

    /// Its structs with named or numbered fields.
    pub fn structs(&self) -> Vec<Struct> {
        let code = self.code.replace("->", "  ");
        let mut found = Vec::new();
        for at in words(&code, "struct") {
            let rest = &code[at + "struct".len()..];
            // A bracket that follows bounds (`where T: Fn(u8)`) is none of the struct's own.
            let bounds = rest.find(['<', '{', ';', ':']).unwrap_or(0);
            let ends: &[char] = if rest[..bounds].contains('(') {
                &['(']
            } else {
                &['{', ';']
            };
            let Some(open) = rest.find(ends) else {
                continue;
            };
            if rest.as_bytes()[open] == b';' {
                continue;
            }
            let name = rest[..open].trim();
            found.push(Struct {
                name: name
                    .split(['<', ' ', '\n'])
                    .next()
                    .unwrap_or(name)
                    .to_owned(),
                line: line_of(&code, at),
                fields: elements(&rest[open..]).len(),
            });
        }
        found
    }
}

/// The elements, divided by commas, of the bracket with which `text` begins.
fn elements(text: &str) -> Vec<&str> {
    let (mut depth, mut from) = (0usize, 1);
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' | '[' | '<' => depth += 1,
            '}' | ')' | ']' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            parts.push(text[from..at].trim());
            from = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The paths that begin with a word, with their lines: `start::a::b`, and each of `start::{a, b::c}`.
pub fn paths_from(code: &str, start: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for at in words(code, start) {
        // `path::start::x` is another crate's module of that name.
        if code[..at]
            .strip_suffix("::")
            .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        {
            continue;
        }
        if let Some(rest) = code[at + start.len()..].strip_prefix("::") {
            let line = line_of(code, at);
            found.extend(branches(rest).into_iter().map(|path| (line, path)));
        }
    }
    found
}

fn branches(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start();
    if text.starts_with('{') {
        return elements(text).into_iter().flat_map(branches).collect();
    }
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    let head = text[..end].to_owned();
    match text[end..].strip_prefix("::") {
        Some(rest) if rest.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '{') => {
            branches(rest)
                .into_iter()
                .map(|tail| [vec![head.clone()], tail].concat())
                .collect()
        }
        _ => vec![vec![head]],
    }
}

/// Whether a line has a word (or a phrase) that is no part of a longer word.
pub fn mentions(line: &str, word: &str) -> bool {
    !words(line, word).is_empty()
}

fn words(text: &str, word: &str) -> Vec<usize> {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    let (opens, closes) = (word.starts_with(is_inside), word.ends_with(is_inside));
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| !opens || !text[..*at].ends_with(is_inside))
        .filter(|at| !closes || !text[at + word.len()..].starts_with(is_inside))
        .collect()
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

#[test]
fn the_scanner_knows_comments_strings_and_paths() {
    let code = blank(
        "use crate::{a::B, c::{d, e}}; // crate::x\nlet s = \"crate::y\"; f('\"', r#\"crate::z\"#, 'a', &'b crate::w);",
    );
    let found: Vec<(usize, String)> = paths_from(&code, "crate")
        .into_iter()
        .map(|(line, path)| (line, path.join("::")))
        .collect();
    let expected = [(1, "a::B"), (1, "c::d"), (1, "c::e"), (2, "w")];
    assert_eq!(found, expected.map(|(line, path)| (line, path.to_owned())));
    assert_eq!(
        elements("{ a: Map<K, V>, #[x(y, z)] b: (u8, u8), }").len(),
        2
    );
}
