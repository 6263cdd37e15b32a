//! Answers from a server that speaks OpenAI's chat completions.
//!
//! What may pass by itself (a time-out, a broken connection, 408, 425, 429, 5xx, an answer that is none) is tried again after a
//! wait that doubles, or as long as the server says. What is still wrong then is the item's output: failed, and why.

mod retry;

use std::time::Duration;

use bantam_core::{Error, Result};
use bantam_runtime::measure::{Clock, WallClock};
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::StatusCode;

pub use retry::{Sleep, Wait};

use crate::harness::{Answerer, Constraint, Grammar, Output, Prompt, Request};
use crate::result::{Decoding, MadeBy, Server};

/// Most bytes of an answer that are read.
const LARGEST_ANSWER: u64 = 16 << 20;
/// Characters of a server's message that are kept.
const SHOWN: usize = 200;

/// How a server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointOptions {
    /// The API's address: `http://127.0.0.1:8080/v1`, or that of its `chat/completions`.
    pub url: String,
    /// The model to ask for.
    pub model: String,
    /// Sent as a bearer token.
    pub api_key: Option<String>,
    /// Whether answers have to fit the items' schemas (`response_format` with `json_schema`).
    pub constrained: bool,
    /// Most tokens an answer may have.
    pub max_new_tokens: usize,
    /// Items asked at a time.
    pub threads: usize,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// How often an item is tried.
    pub attempts: u32,
}

/// A server, and how it waits between two tries.
pub struct Endpoint<'w> {
    options: EndpointOptions,
    address: String,
    agent: Agent,
    wait: &'w dyn Wait,
}

/// Why a try failed.
enum Failure {
    /// It may pass; the server may have said after how long.
    Passing(String, Option<Duration>),
    /// This item cannot be answered.
    Item(String),
    /// No item can.
    All(Error),
}

impl<'w> Endpoint<'w> {
    /// A server at an address; nothing is sent yet.
    ///
    /// # Errors
    /// An input error when the address is none, or is https in a build without TLS.
    pub fn new(options: EndpointOptions, wait: &'w dyn Wait) -> Result<Self> {
        let url = options.url.trim_end_matches('/');
        let remedy = "give http://host:port/v1 or https://...";
        let lower = url.to_ascii_lowercase();
        if !lower.starts_with("http://") && !lower.starts_with("https://") {
            return Err(Error::input("--endpoint", format_args!("`{url}` is no address"), remedy));
        }
        if lower.starts_with("https://") && !cfg!(feature = "hub") {
            let what = "this build has no TLS";
            return Err(Error::input("--endpoint", what, "build with `--features hub`, or give an http:// address"));
        }
        if url.parse::<ureq::http::Uri>().is_err() {
            return Err(Error::input("--endpoint", format_args!("`{url}` is no address"), remedy));
        }
        let config = Agent::config_builder()
            .timeout_global(Some(options.timeout))
            .http_status_as_error(false)
            .max_idle_connections_per_host(options.threads)
            .build();
        let whole = if url.ends_with("/chat/completions") { "" } else { "/chat/completions" };
        Ok(Self { address: format!("{url}{whole}"), agent: config.new_agent(), options, wait })
    }

    /// What results call it.
    pub fn name(&self) -> &str {
        &self.options.model
    }

    /// The server, and how it is asked, for the protocol. `prompt` says what requests are made of.
    pub fn made_by(&self, prompt: &str) -> MadeBy {
        // Neither a password nor a key in the query is anyone's to read.
        let url = self.options.url.split(['?', '#']).next().unwrap_or_default();
        let url = match url.split_once("://") {
            Some((scheme, rest)) => {
                let host = rest.split('/').next().unwrap_or_default();
                let kept = host.rfind('@').map_or(rest, |at| &rest[at + 1..]);
                format!("{scheme}://{}", kept.trim_end_matches('/'))
            }
            None => url.to_owned(),
        };
        let decoding = Decoding {
            prompt: format!("the server's chat template: {prompt}"),
            chat_template: None,
            strategy: "temperature 0".to_owned(),
            max_new_tokens: self.options.max_new_tokens,
            context: None,
            constraint: self.options.constrained.then(|| "response_format json_schema, strict".to_owned()),
        };
        let server = Server { url, model: self.options.model.clone() };
        MadeBy { server: Some(server), decoding: Some(decoding), ..MadeBy::default() }
    }

    fn body(&self, request: &Request) -> Result<Value, String> {
        let Prompt::Chat { messages, .. } = &request.prompt else {
            return Err("a chat endpoint does not continue a plain text".to_owned());
        };
        if !request.text {
            return Err("a chat endpoint does not weigh candidates".to_owned());
        }
        // Many templates have no place for an empty system message.
        let said = messages.iter().filter(|m| m.role != "system" || !m.content.is_empty());
        let mut body = json!({
            "model": self.options.model,
            "messages": said.collect::<Vec<_>>(),
            "temperature": 0,
            "max_tokens": self.options.max_new_tokens,
        });
        if let Some(constraint) = &request.constraint {
            body["response_format"] = response_format(constraint)?;
        }
        Ok(body)
    }

    /// One try.
    fn ask(&self, body: &str) -> Result<Output, Failure> {
        let mut request = self.agent.post(&self.address).header("content-type", "application/json");
        if let Some(key) = &self.options.api_key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let mut response = request.send(body).map_err(|e| Failure::Passing(e.to_string(), None))?;
        let (status, wait) = (response.status(), retry::told(response.headers()));
        let read = response.body_mut().with_config().limit(LARGEST_ANSWER).lossy_utf8(true).read_to_string();
        let text = match read {
            Ok(text) => text,
            Err(e) => return Err(Failure::Passing(format!("the answer broke off: {e}"), wait)),
        };
        let said = || format!("HTTP {}: {}", status.as_u16(), message(&text));
        match status {
            StatusCode::OK => answer(&text).map_err(|why| Failure::Passing(why, wait)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Failure::All(Error::input(&self.address, said(), "give the key with --api-key-env VAR")))
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                let remedy = "check --endpoint and --endpoint-model";
                Err(Failure::All(Error::input(&self.address, said(), remedy)))
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                Err(Failure::Passing(said(), wait))
            }
            _ if status.is_client_error() => Err(Failure::Item(said())),
            _ => Err(Failure::Passing(said(), wait)),
        }
    }
}

impl Answerer for Endpoint<'_> {
    fn prepare(&mut self, constraint: &Constraint) -> Result<()> {
        response_format(constraint).map(drop).map_err(|what| {
            Error::input(&constraint.place, what, "leave out --constrained, or evaluate a model on this machine")
        })
    }

    fn answer(&self, request: &Request) -> Result<Output> {
        let body = match self.body(request) {
            Ok(body) => body.to_string(),
            Err(why) => return Ok(Output::missing(why)),
        };
        let clock = WallClock::start();
        let mut tried = 0;
        loop {
            let begin = clock.now();
            tried += 1;
            match self.ask(&body) {
                Ok(output) => {
                    let seconds = clock.now().saturating_sub(begin).as_secs_f64();
                    return Ok(Output { seconds: Some(seconds), ..output });
                }
                Err(Failure::All(e)) => return Err(e),
                Err(Failure::Item(why)) => return Ok(Output::missing(why)),
                Err(Failure::Passing(why, _)) if tried >= self.options.attempts => {
                    return Ok(Output::missing(format!("failed {tried} times, at last: {why}")));
                }
                Err(Failure::Passing(_, told)) => self.wait.wait(retry::pause(tried, told)),
            }
        }
    }
}

/// The key in an environment variable. `place` is where the variable was named.
///
/// # Errors
/// An input error when it is not set or is no key.
pub fn api_key(place: &str, variable: &str) -> Result<String> {
    let key = std::env::var(variable).map(|key| key.trim().to_owned()).unwrap_or_default();
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_graphic()) {
        let what = if key.is_empty() { "is not set" } else { "is no key" };
        return Err(Error::input(place, format_args!("the environment variable {variable} {what}"), "export it"));
    }
    Ok(key)
}

/// What a constraint is to a chat endpoint.
fn response_format(constraint: &Constraint) -> Result<Value, String> {
    let Grammar::JsonSchema(schema) = &constraint.grammar else {
        return Err("a chat endpoint takes no constraint but a JSON Schema".to_owned());
    };
    // OpenAI's rule for names.
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = constraint.name.chars().map(kept).take(64).collect();
    Ok(json!({"type": "json_schema", "json_schema": {"name": name, "schema": **schema, "strict": true}}))
}

/// The answer in a body of status 200.
fn answer(text: &str) -> Result<Output, String> {
    #[derive(Deserialize)]
    struct Body {
        choices: Vec<Choice>,
        #[serde(default)]
        usage: Option<Usage>,
    }
    #[derive(Deserialize)]
    struct Choice {
        message: Said,
        #[serde(default)]
        finish_reason: Option<String>,
    }
    #[derive(Deserialize)]
    struct Said {
        #[serde(default)]
        content: Option<String>,
    }
    #[derive(Default, Deserialize)]
    struct Usage {
        #[serde(default)]
        prompt_tokens: usize,
        #[serde(default)]
        completion_tokens: usize,
    }
    let body: Body = serde_json::from_str(text).map_err(|e| format!("not a completion: {e}: {}", message(text)))?;
    let choice = body.choices.into_iter().next().ok_or("a completion without choices")?;
    let usage = body.usage.unwrap_or_default();
    let note = choice.message.content.is_none().then(|| "the message has no content".to_owned());
    Ok(Output {
        text: choice.message.content,
        note,
        finish_reason: choice.finish_reason,
        prompt_tokens: usage.prompt_tokens,
        generated_tokens: usage.completion_tokens,
        ..Output::default()
    })
}

/// What a server says of an error, on one line and short: `error.message`, or the body's beginning.
fn message(text: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(text).ok();
    let of = |value: &Value| value["error"]["message"].as_str().or(value["error"].as_str()).map(str::to_owned);
    let said = parsed.as_ref().and_then(of).unwrap_or_else(|| text.to_owned());
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    line.char_indices().nth(SHOWN).map_or(line.clone(), |(at, _)| format!("{}...", &line[..at]))
}
