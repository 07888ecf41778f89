//! Takes comments and literals out of Rust text, so that the rules see only code.

/// The text with comments and the insides of literals turned to spaces.
pub fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = skip(rest, out.chars().next_back());
        let length = skipped.unwrap_or(first.len_utf8());
        let (head, tail) = rest.split_at(length);
        match skipped {
            Some(_) => out.extend(head.chars().map(|c| if c == '\n' { c } else { ' ' })),
            None => out.push_str(head),
        }
        rest = tail;
    }
    out
}

/// The length of the comment or literal with which `rest` begins, if it does.
fn skip(rest: &str, before: Option<char>) -> Option<usize> {
    let up_to = |end: Option<usize>| Some(end.unwrap_or(rest.len()));
    if rest.starts_with("//") {
        return up_to(rest.find('\n'));
    }
    if rest.starts_with("/*") {
        return up_to(rest.find("*/").map(|at| at + 2));
    }
    let is_word_before = before.is_some_and(|c| c.is_alphanumeric() && c != 'b' || c == '_');
    if rest.starts_with('r') && !is_word_before {
        let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
        if rest[1 + hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let from = 2 + hashes;
            return up_to(rest[from..].find(&close).map(|at| from + at + close.len()));
        }
    }
    if rest.starts_with('"') {
        return up_to(end_of_literal(rest, '"'));
    }
    // A character, not a lifetime: escaped, or closed after one.
    let mut chars = rest.chars();
    if chars.next() == Some('\'') {
        let second = chars.next();
        if second == Some('\\') || chars.next() == Some('\'') {
            return up_to(end_of_literal(rest, '\''));
        }
    }
    None
}

fn end_of_literal(rest: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == quote {
            return Some(at + 1);
        }
    }
    None
}
