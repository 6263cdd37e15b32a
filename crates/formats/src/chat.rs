//! Chat templates: messages to one prompt, rendered as transformers' `apply_chat_template` does.

use bantam_core::{Error, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, ErrorKind, Value};
use serde::Serialize;

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
}

impl Message {
    /// A message of `role` saying `content`.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

/// The tokens a template may name.
#[derive(Clone, Copy, Debug, Default)]
pub struct TemplateTokens<'a> {
    /// Text of the token that opens a sequence.
    pub bos: Option<&'a str>,
    /// Text of the token that ends an answer.
    pub eos: Option<&'a str>,
}

/// Steps a template may take: far more than any conversation needs, and an end to templates that never finish.
const FUEL: u64 = 50_000_000;

/// Renders a chat template: Jinja with `trim_blocks`, `lstrip_blocks`, loop controls, Python's string methods, `tojson` and
/// `raise_exception`. There is no `strftime_now`: a prompt that holds the date would not repeat.
///
/// `add_generation_prompt` ends the text where the assistant's answer begins.
pub fn render(
    template: &str,
    messages: &[Message],
    add_generation_prompt: bool,
    tokens: TemplateTokens<'_>,
) -> Result<String> {
    let env = environment()?;
    let wrong = |e: minijinja::Error| {
        let line = e.line().map_or(String::new(), |l| format!(":{l}"));
        Error::input(
            format!("chat template{line}"),
            e.detail().map_or_else(|| e.kind().to_string(), |d| format!("{}: {d}", e.kind())),
            "correct the template or the messages",
        )
    };
    let compiled = env.template_from_str(template).map_err(wrong)?;
    // As in transformers: what is not given is none, but a token that the model lacks is not defined.
    let none = Value::from(());
    let mut names = vec![
        ("messages", Value::from(Serde(messages))),
        ("add_generation_prompt", Value::from(add_generation_prompt)),
        ("tools", none.clone()),
        ("documents", none),
    ];
    names.extend(tokens.bos.map(|t| ("bos_token", Value::from(t))));
    names.extend(tokens.eos.map(|t| ("eos_token", Value::from(t))));
    compiled.render(Value::from_pairs(names)).map_err(wrong)
}

/// What a template sets a variable to at its beginning, before it writes anything; `None` where it does not, where that is no text, or where it
/// cannot do without messages.
pub fn variable(template: &str, name: &str) -> Option<String> {
    let env = environment().ok()?;
    let none: [Message; 0] = [];
    let context = Value::from_pairs([("messages", Value::from(Serde(none))), ("add_generation_prompt", false.into())]);
    let compiled = env.template_from_str(template).ok()?;
    let rendered = compiled.render_captured(context).ok()?;
    rendered.state().lookup(name)?.as_str().map(str::to_owned)
}

/// Jinja as chat templates know it.
fn environment() -> Result<Environment<'static>> {
    let mut env = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    env.set_syntax(syntax.map_err(|e| Error::internal("chat template syntax", e))?);
    env.set_fuel(Some(FUEL));
    env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    env.add_filter("tojson", to_json);
    env.add_function("raise_exception", |what: String| -> Result<String, minijinja::Error> {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, what))
    });
    env.add_function("strftime_now", |_format: String| -> Result<String, minijinja::Error> {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, "strftime_now: the date is not given to templates"))
    });
    Ok(env)
}

/// transformers' `tojson`: Python's `json.dumps` without escaping of non-ASCII or of HTML, separators `", "` and `": "`.
fn to_json(value: &Value, options: Kwargs) -> Result<Value, minijinja::Error> {
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used()?;
    let failed = |e: serde_json::Error| minijinja::Error::new(ErrorKind::BadSerialization, e.to_string());
    let mut out = Vec::new();
    match indent {
        Some(n) => {
            let spaces = vec![b' '; n.min(16)];
            let formatter = serde_json::ser::PrettyFormatter::with_indent(&spaces);
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter)).map_err(failed)?;
        }
        None => {
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, PythonSpacing)).map_err(failed)?
        }
    }
    Ok(Value::from_safe_string(String::from_utf8_lossy(&out).into_owned()))
}

/// `json.dumps`'s default separators.
struct PythonSpacing;

impl serde_json::ser::Formatter for PythonSpacing {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }
    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }
    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}
