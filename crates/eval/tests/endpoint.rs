//! A server that speaks chat completions, as good and as bad as servers are: what may pass is tried again after the right
//! waits, what stays wrong is the item's failure with its reason, and no item is dropped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bantam_core::Result;
use bantam_eval::edge_json::{Inputs, Suite};
use bantam_eval::endpoint::{Endpoint, EndpointOptions, Wait};
use bantam_eval::harness::{
    Answerer as _, Asked, Candidates, Constraint, Grammar, Output, Prompt, Request, evaluate_answerer,
};
use serde_json::{Value, json};

/// What a server does with a request.
#[derive(Clone)]
enum Act {
    /// Answers so: status line, further header lines, body.
    Say(&'static str, &'static str, String),
    /// Closes the connection.
    Hang,
    /// Says that more comes, and closes.
    BreakOff,
    /// Says nothing until the other side gives up.
    Silence,
}

fn ok(text: &str) -> Act {
    let choice = json!({"message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    let body = json!({"choices": [choice], "usage": {"prompt_tokens": 11, "completion_tokens": 5}});
    Act::Say("200 OK", "", body.to_string())
}

fn status(line: &'static str) -> Act {
    Act::Say(line, "", json!({"error": {"message": "the server's\nreason"}}).to_string())
}

/// One request: its head and body.
type Asking = (String, Value);

/// Answers one connection after another by the script, then stops listening.
fn serve(script: Vec<Act>) -> (String, JoinHandle<Vec<Asking>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for act in script {
            let (stream, _) = listener.accept().unwrap();
            asked.push(answer(stream, &act));
        }
        asked
    });
    (address, served)
}

fn answer(mut stream: TcpStream, act: &Act) -> Asking {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    match act {
        Act::Say(status, headers, text) => {
            let length = text.len();
            let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all(format!("{head}{text}").as_bytes()).unwrap();
        }
        Act::Hang => {}
        Act::BreakOff => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{\"choices\"").unwrap(),
        Act::Silence => drop(reader.read(&mut [0])),
    }
    (head, serde_json::from_slice(&body).unwrap())
}

/// Keeps what should have been waited.
#[derive(Default)]
struct Waits(Mutex<Vec<f64>>);

impl Wait for Waits {
    fn wait(&self, time: Duration) {
        self.0.lock().unwrap().push(time.as_secs_f64());
    }
}

fn options(url: &str) -> EndpointOptions {
    EndpointOptions {
        url: url.to_owned(),
        model: "small".into(),
        api_key: Some("sesame".into()),
        constrained: false,
        max_new_tokens: 64,
        threads: 1,
        timeout: Duration::from_secs(60),
        attempts: 4,
    }
}

/// Asks once, in up to four tries.
fn ask(script: Vec<Act>, request: &Request) -> (Result<Output>, Vec<f64>, Vec<Asking>) {
    let (url, served) = serve(script);
    let waits = Waits::default();
    let output = Endpoint::new(options(&url), &waits).unwrap().answer(request);
    (output, waits.0.into_inner().unwrap(), served.join().unwrap())
}

fn question() -> Request {
    Request::chat("a schema", "a text", "JSON:")
}

#[test]
fn a_request_is_openais() {
    let constraint = Constraint {
        name: "a b/c".into(),
        place: "s.json".into(),
        grammar: Grammar::JsonSchema(Arc::new(json!({"type": "object"}))),
    };
    let request = Request { constraint: Some(constraint), ..question() };
    let (output, waits, asked) = ask(vec![ok("{}")], &request);
    let output = output.unwrap();
    assert_eq!((output.text.as_deref(), output.finish_reason.as_deref()), (Some("{}"), Some("stop")));
    assert_eq!((output.prompt_tokens, output.generated_tokens, waits.len()), (11, 5, 0));
    assert!(output.seconds.is_some() && output.note.is_none());
    let (head, body) = &asked[0];
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1"), "{head}");
    assert!(head.to_ascii_lowercase().contains("authorization: bearer sesame"), "{head}");
    let expected = json!({
        "model": "small",
        "messages": [{"role": "system", "content": "a schema"}, {"role": "user", "content": "a text"}],
        "temperature": 0,
        "max_tokens": 64,
        "response_format": {"type": "json_schema",
            "json_schema": {"name": "a_b_c", "schema": {"type": "object"}, "strict": true}},
    });
    assert_eq!(*body, expected);
    let (_, _, asked) = ask(vec![ok("{}")], &Request::chat("", "a text", ""));
    assert_eq!(asked[0].1["messages"].as_array().unwrap().len(), 1, "an empty system message is not sent");
}

#[test]
fn what_may_pass_is_tried_again() {
    let failures = [
        status("500 Internal Server Error"),
        status("503 Service Unavailable"),
        status("429 Too Many Requests"),
        status("408 Request Timeout"),
        Act::Hang,
        Act::BreakOff,
        Act::Say("200 OK", "", "rubbish".into()),
        Act::Say("200 OK", "", "{\"choices\":[]}".into()),
        Act::Say("200 OK", "", "{\"choices\":[{}]}".into()),
    ];
    for failure in failures {
        let (output, waits, _) = ask(vec![failure.clone(), failure, ok("yes")], &question());
        assert_eq!(output.unwrap().text.as_deref(), Some("yes"));
        assert_eq!(waits, [1.0, 2.0]);
    }
}

#[test]
fn the_server_says_how_long_to_wait() {
    let busy = |headers: &'static str| Act::Say("429 Too Many Requests", headers, String::new());
    let dated = "date: Sun, 28 Feb 2016 23:59:50 GMT\r\nretry-after: Mon, 29 Feb 2016 00:00:05 GMT\r\n";
    let script = vec![busy("retry-after: 7\r\n"), busy(dated), busy("retry-after: 86400\r\n"), ok("yes")];
    let (output, waits, _) = ask(script, &question());
    assert_eq!(output.unwrap().text.as_deref(), Some("yes"));
    assert_eq!(waits, [7.0, 15.0, 120.0]);
}

#[test]
fn after_the_last_try_the_item_has_failed_with_its_reason() {
    let (output, waits, _) = ask(vec![status("500 Internal Server Error"); 4], &question());
    let output = output.unwrap();
    assert_eq!(output.text, None);
    assert_eq!(output.note.as_deref(), Some("failed 4 times, at last: HTTP 500: the server's reason"));
    assert_eq!(waits, [1.0, 2.0, 4.0]);
    // Nobody listens any more.
    let waits = Waits::default();
    let output = Endpoint::new(options("http://127.0.0.1:1/v1"), &waits).unwrap().answer(&question()).unwrap();
    assert!(output.note.is_some_and(|n| n.starts_with("failed 4 times, at last: ")));
    // Nothing comes.
    let (url, served) = serve(vec![Act::Silence; 2]);
    let patience = EndpointOptions { timeout: Duration::from_millis(500), attempts: 2, ..options(&url) };
    let output = Endpoint::new(patience, &waits).unwrap().answer(&question()).unwrap();
    assert!(output.note.as_deref().is_some_and(|n| n.contains("timeout")), "{output:?}");
    served.join().unwrap();
}

#[test]
fn what_is_wrong_with_an_item_fails_it_and_what_is_wrong_with_all_ends_it() {
    for line in ["400 Bad Request", "413 Payload Too Large", "422 Unprocessable Content"] {
        let (output, waits, _) = ask(vec![status(line)], &question());
        let output = output.unwrap();
        assert!(output.text.is_none() && waits.is_empty());
        assert!(output.note.as_deref().is_some_and(|n| n.ends_with(": the server's reason")), "{output:?}");
    }
    for (line, told) in [("401 Unauthorized", "--api-key-env"), ("404 Not Found", "--endpoint")] {
        let e = ask(vec![status(line)], &question()).0.unwrap_err();
        assert!(e.exit_code() == 2 && e.to_string().contains(told) && e.to_string().contains("reason"), "{e}");
    }
    let nothing = json!({"choices": [{"message": {"content": null}, "finish_reason": "length"}]}).to_string();
    let output = ask(vec![Act::Say("200 OK", "", nothing)], &question()).0.unwrap();
    assert_eq!((output.text, output.note.as_deref()), (None, Some("the message has no content")));
    let asked = |request: &Request| ask(Vec::new(), request).0.unwrap().note.unwrap();
    assert!(asked(&Request { prompt: Prompt::Plain("a".into()), ..question() }).contains("plain text"));
    let candidates = Some(Arc::new(Candidates { texts: vec!["a".into()], ended: false }));
    assert!(asked(&Request { candidates, text: false, ..question() }).contains("candidates"));
}

#[test]
fn addresses_and_constraints_are_checked_before_anything_is_sent() {
    let refused = |url: &str| {
        let e = Endpoint::new(options(url), &Waits::default()).err().unwrap();
        assert_eq!(e.exit_code(), 2);
        e.to_string()
    };
    assert!(refused("localhost:8080").contains("no address"));
    assert!(refused("http://a b").contains("no address"));
    if !cfg!(feature = "hub") {
        assert!(refused("https://example.com/v1").contains("--features hub"));
    }
    let waits = Waits::default();
    let mut endpoint = Endpoint::new(options("http://user:secret@h:1/v1/?key=secret"), &waits).unwrap();
    assert_eq!(endpoint.made_by("p").server.unwrap().url, "http://h:1/v1");
    let labels = Grammar::Labels(Arc::new(vec!["a".into()]));
    let labels = Constraint { name: "l".into(), place: "labels.json".into(), grammar: labels };
    let e = endpoint.prepare(&labels).unwrap_err();
    assert!(e.exit_code() == 2 && e.to_string().contains("labels.json"), "{e}");
}

/// A whole suite against a bad server: every item is in the samples, the failed one with its reason.
#[test]
fn no_item_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let (data, schema) = (dir.path().join("data.jsonl"), dir.path().join("s.json"));
    std::fs::write(&schema, "{\"type\":\"object\"}").unwrap();
    let line = |id: u32| {
        let item =
            json!({"id": id.to_string(), "schema_id": "s", "prompt": format!("a: {id}"), "expected_output": {"a": id}});
        format!("{item}\n")
    };
    std::fs::write(&data, (0..3).map(line).collect::<String>()).unwrap();
    let suite = Suite::load(Inputs { data: &data, schemas: &schema, limit: None }).unwrap();
    let mut script = vec![ok("{\"a\":0}")];
    script.extend(vec![Act::Hang; 4]);
    script.push(ok("{\"a\":2}"));
    let (url, served) = serve(script);
    let waits = Waits::default();
    let mut endpoint = Endpoint::new(options(&url), &waits).unwrap();
    let (name, made_by) = (endpoint.name().to_owned(), endpoint.made_by("p"));
    let asked = Asked { answerer: &mut endpoint, name, made_by, constrained: false, threads: 1 };
    let (evaluation, _) = evaluate_answerer(&suite, asked, None, &|_, _| {}).unwrap();
    served.join().unwrap();
    assert_eq!(evaluation.samples.iter().map(|s| s.exact).collect::<Vec<_>>(), [true, false, true]);
    assert!(evaluation.samples[1].error.as_ref().unwrap().starts_with("failed 4 times"));
    assert_eq!(evaluation.result.tables.overall.json_exact.n, 3);
    assert_eq!(evaluation.result.protocol.server.unwrap().model, "small");
}
