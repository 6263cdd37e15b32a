//! Is an output a refusal, or a call that went wrong?
//!
//! The published irrelevance score counts every output that cannot be decoded as a correct refusal, a call with a missing
//! bracket too. Here a refusal says that there is nothing to call: an empty list, or words that try no call.

use crate::function_call::{Call, CallError};

/// Whether an output refuses, `decoded` being what was found in it and `functions` the names offered.
///
/// An output refuses if it decodes to no call, or if it does not decode, holds a letter, begins with no `[`, `{` or `<`
/// (backquotes and a language's name aside), and neither a function offered nor any name with a keyword argument is
/// followed by `(`.
pub fn refuses<'a>(
    output: &str,
    decoded: &Result<Vec<Call>, CallError>,
    functions: impl IntoIterator<Item = &'a str>,
) -> bool {
    if let Ok(calls) = decoded {
        return calls.is_empty() && output.contains('[');
    }
    let text = output.trim_matches(|c: char| c.is_whitespace() || c == '`');
    let text = ["json", "python"].iter().find_map(|l| text.strip_prefix(l)).unwrap_or(text).trim_start();
    if text.starts_with(['[', '{', '<']) || !text.contains(char::is_alphabetic) {
        return false;
    }
    let called = functions.into_iter().any(|name| {
        let last = name.rsplit('.').next().unwrap_or(name);
        [name, last].into_iter().any(|name| text.contains(&format!("{name}(")) || text.contains(&format!("\"{name}\"")))
    });
    !called && !text.match_indices('(').any(|(at, _)| opens_a_call(text, at))
}

/// Whether a bracket has a name before it and a keyword argument after it.
fn opens_a_call(text: &str, at: usize) -> bool {
    let is_name = |c: char| c == '_' || c.is_alphanumeric();
    let after = text[at + 1..].trim_start();
    let keyword = after.find(|c| !is_name(c)).filter(|end| *end > 0);
    let assigns = keyword.is_some_and(|end| {
        let rest = after[end..].trim_start();
        rest.starts_with('=') && !rest.starts_with("==")
    });
    assigns && text[..at].ends_with(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function_call::python;

    #[test]
    fn words_refuse_and_broken_calls_do_not() {
        let refuses = |output: &str| refuses(output, &python::parse(output), ["math.area", "sum"]);
        for refusal in [
            "[]",
            "I cannot do that.",
            "None of the function(s) fit (sorry).",
            "`No suitable function.`",
            "```\n[]\n```",
        ] {
            assert!(refuses(refusal), "{refusal}");
        }
        for broken in [
            "",
            "...",
            "[math.area(a=1",
            "math.area(a=1",
            "area(1, 2",
            "Let me try: f(x=3",
            "[{\"name\": \"sum\"}]",
            "{\"sum\": {}}",
            "```json\n[{\"x\"\n```",
            "[sum(a=1)]",
            "<tool_call>sum</tool_call>",
            "I call \"sum\" with 3",
        ] {
            assert!(!refuses(broken), "{broken}");
        }
    }
}
