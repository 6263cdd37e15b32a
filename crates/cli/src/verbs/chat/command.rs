//! What a line of a conversation asks for.

use bantam_core::{Error, Result};
use bantam_runtime::GenerateOptions;

/// A line, understood.
pub enum Command<'a> {
    Nothing,
    Say(&'a str),
    Help,
    System(&'a str),
    Clear,
    Retry,
    Save(&'a str),
    Load(&'a str),
    Set(&'a str, &'a str),
    Exit,
}

/// What `/help` prints.
pub const HELP: &str = "\
/system [TEXT]    set the system's message, or take it away
/clear            forget what was said, but not the system's message
/retry            ask the last question again, with the next seed
/save FILE        write the conversation as JSON
/load FILE        go on from a conversation that /save wrote
/set KEY VALUE    max_new_tokens, temperature, top_k, top_p, min_p, repetition_penalty,
                  presence_penalty, frequency_penalty or seed
/exit             end; so does the end of the input
A line that begins with // is said with one / less. A line that ends with \\ goes on in the next.
";

impl<'a> Command<'a> {
    /// An input error when a command is unknown or lacks something.
    pub fn parse(line: &'a str) -> Result<Self> {
        let line = line.trim_end();
        let Some(command) = line.strip_prefix('/') else {
            return Ok(if line.trim().is_empty() { Self::Nothing } else { Self::Say(line) });
        };
        if command.starts_with('/') {
            return Ok(Self::Say(command));
        }
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        let file = || match rest {
            "" => Err(Error::input(format_args!("/{name}"), "no file", format_args!("name one: /{name} chat.json"))),
            path => Ok(path),
        };
        Ok(match name {
            "help" => Self::Help,
            "system" => Self::System(rest),
            "clear" => Self::Clear,
            "retry" => Self::Retry,
            "save" => Self::Save(file()?),
            "load" => Self::Load(file()?),
            "exit" | "quit" => Self::Exit,
            "set" => match rest.split_once(char::is_whitespace) {
                Some((key, value)) => Self::Set(key, value.trim()),
                None => return Err(Error::input("/set", "no key and value", "say for instance /set temperature 0.7")),
            },
            _ => return Err(Error::input(format_args!("/{name}"), "no such command", "/help lists them")),
        })
    }
}

/// Sets one option. An input error when there is none of that name or the value is no number.
pub fn set(options: &mut GenerateOptions, key: &str, value: &str) -> Result<()> {
    fn number<T: std::str::FromStr>(value: &str) -> Result<T> {
        value
            .parse()
            .map_err(|_| Error::input("/set", format_args!("`{value}` is not a number for it"), "give a number"))
    }
    let sampling = &mut options.sampling;
    match key {
        "max_new_tokens" => options.max_new_tokens = number(value)?,
        "temperature" => sampling.temperature = number(value)?,
        "top_k" => sampling.top_k = number(value)?,
        "top_p" => sampling.top_p = number(value)?,
        "min_p" => sampling.min_p = number(value)?,
        "repetition_penalty" => sampling.repetition_penalty = number(value)?,
        "presence_penalty" => sampling.presence_penalty = number(value)?,
        "frequency_penalty" => sampling.frequency_penalty = number(value)?,
        "seed" => sampling.seed = number(value)?,
        _ => return Err(Error::input("/set", format_args!("there is no `{key}`"), "/help lists what can be set")),
    }
    Ok(())
}
