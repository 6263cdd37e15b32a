//! `generate` with everything it can be asked for, and `chat` through a pipe.

mod command;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use command::{bantam, json, refused, tiny_run};
use serde_json::Value;

fn generate(flags: &[&str]) -> Command {
    let mut command = bantam(["generate", "--prompt", "Ann Lee", "--max-new-tokens", "24", "--model"]);
    command.arg(tiny_run()).args(flags);
    command
}

#[test]
fn what_decides_the_tokens_can_be_said_by_flags() {
    let plain = json(&mut generate(&[]));
    let first = plain["tokens"][0].as_u64().unwrap();
    let forbidden = json(&mut generate(&["--logit-bias", &format!("{first}=-inf")]));
    assert!(!forbidden["tokens"].as_array().unwrap().contains(&first.into()));
    let filters = ["--temperature", "5", "--seed", "3", "--top-p", "0.9", "--min-p", "0.01", "--top-k", "1"];
    assert_eq!(json(&mut generate(&filters))["tokens"], plain["tokens"]);
    let penalties = ["--repetition-penalty", "1.5", "--presence-penalty", "-1", "--frequency-penalty", "30"];
    let tokens = json(&mut generate(&penalties))["tokens"].as_array().unwrap().clone();
    let distinct: std::collections::BTreeSet<u64> = tokens.iter().map(|t| t.as_u64().unwrap()).collect();
    assert_eq!(distinct.len(), tokens.len(), "a penalty of 30 lets nothing come twice");
    let text = plain["text"].as_str().unwrap();
    let stop: String = text.chars().skip(3).take(2).collect();
    let stopped = json(&mut generate(&["--stop", &stop]));
    assert_eq!(stopped["text"].as_str().unwrap(), &text[..text.find(&stop).unwrap()]);
    assert_eq!((stopped["finish_reason"].as_str(), stopped["stop_string"].as_str()), (Some("stop"), Some(&*stop)));
    let told = json(&mut generate(&["--logprobs", "2"]));
    assert_eq!(told["tokens"], plain["tokens"]);
    let told = told["log_probabilities"].as_array().unwrap();
    assert_eq!(told.len(), plain["tokens"].as_array().unwrap().len());
    assert!(told.iter().all(|t| t["log_probability"] == t["top"][0][1] && t["log_probability"].as_f64() <= Some(0.0)));
}

#[test]
fn text_is_printed_as_it_is_told() {
    let text = json(&mut generate(&[]))["text"].as_str().unwrap().to_owned();
    let printed = generate(&[]).output().unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap().trim_end_matches('\n'), text.trim_end_matches('\n'));
}

#[test]
fn guessing_ahead_changes_nothing() {
    let draft = tiny_run().join("model-q8_0.gguf");
    for flags in [&["--temperature", "0.8"][..], &[]] {
        let plain = json(&mut generate(flags));
        assert!(plain["speculation"].is_null());
        for how in [&["--lookup"][..], &["--draft-model", draft.to_str().unwrap()]] {
            let guessed = json(generate(flags).args(how));
            assert_eq!((&guessed["tokens"], &guessed["text"]), (&plain["tokens"], &plain["text"]));
            assert!(guessed["speculation"]["rounds"].is_u64());
        }
    }
}

#[test]
fn regular_expressions_grammars_and_beams() {
    let dir = tempfile::tempdir().unwrap();
    let grammar = dir.path().join("g.lark");
    std::fs::write(&grammar, "start: \"on\" | \"off\" \"!\"~2\n").unwrap();
    let text = json(&mut generate(&["--regex", "[0-9]{3}-(a|b)"]))["text"].as_str().unwrap().to_owned();
    assert!(text.len() == 5 && text.as_bytes()[3] == b'-', "{text}");
    let made = json(generate(&[]).arg("--grammar").arg(&grammar));
    assert!(["on", "off!!"].contains(&made["text"].as_str().unwrap()), "{made}");
    assert_eq!(made["finish_reason"], "constraint_complete");
    let searched = json(&mut generate(&["--beams", "3", "--length-penalty", "0", "--regex", "[0-9]{3}-(a|b)"]));
    let beams = searched["beams"].as_array().unwrap();
    assert_eq!(beams.len(), 3);
    assert!(beams.windows(2).all(|w| w[0]["score"].as_f64() >= w[1]["score"].as_f64()));
    assert!(beams.iter().all(|b| b["text"].as_str().unwrap().len() == 5));
    refused(&mut generate(&["--regex", "(("]), &["--regex", "regular expression"]);
    refused(&mut generate(&["--grammar", "/no/such/file"]), &["/no/such/file"]);
    refused(&mut generate(&["--logit-bias", "x=1"]), &["--logit-bias", "ID=BIAS"]);
    refused(&mut generate(&["--top-p", "0"]), &["top_p"]);
    refused(&mut generate(&["--stop", ""]), &["stop"]);
    refused(&mut generate(&["--beams", "0"]), &["beams"]);
    refused(&mut generate(&["--beams", "2", "--temperature", "1"]), &["cannot be used with"]);
    refused(&mut generate(&["--regex", "a", "--schema", "s.json"]), &["cannot be used with"]);
}

/// `chat` with these lines on standard input.
fn chat(flags: &[&str], lines: &str) -> Output {
    let mut command = bantam(["chat", "--max-new-tokens", "12", "--model"]);
    command.arg(tiny_run()).args(flags).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn answers(flags: &[&str], lines: &str) -> Vec<Value> {
    let output = chat(&[flags, &["--json"]].concat(), lines);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_conversation_goes_on_reads_only_what_is_new_and_can_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("talk.json");
    let file = file.to_str().unwrap();
    let said =
        answers(&["--system", "Be brief."], &format!("Hello\n\n//slash\\\nand more\n/save {file}\n/exit\nnever\n"));
    assert_eq!(said.len(), 2);
    assert_eq!(said[0]["read_before"], 0);
    assert!(
        said[1]["read_before"].as_u64() > Some(5)
            && said[1]["prompt_tokens"].as_u64() > said[1]["read_before"].as_u64()
    );
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let roles: Vec<&str> = saved.as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user", "assistant"]);
    assert_eq!(saved[3]["content"], "/slash\nand more");
    assert_eq!(saved[4]["content"], said[1]["text"]);
    // Loaded, taken back and asked again, greedily: the same answer.
    let again = answers(&[], &format!("/load {file}\n/retry\n"));
    assert_eq!((again.len(), &again[0]["text"]), (1, &said[1]["text"]));
    // Cleared, it is as at the beginning; the system's message stays until it is taken away.
    let anew = answers(&["--system", "Be brief."], "Hello\nMore\n/clear\nHello\n/system\n/clear\nHello\n");
    assert_eq!(anew[2]["text"], said[0]["text"]);
    assert_eq!(anew[2]["prompt_tokens"], said[0]["prompt_tokens"]);
    assert!(anew[3]["prompt_tokens"].as_u64() < said[0]["prompt_tokens"].as_u64());
}

#[test]
fn options_are_set_between_answers_and_text_is_streamed() {
    let said = answers(&[], "Hello\n/set max_new_tokens 3\n/clear\nHello\n");
    assert_eq!(said[1]["generated_tokens"].as_u64().unwrap(), said[0]["generated_tokens"].as_u64().unwrap().min(3));
    let output = chat(&[], "Hello\n");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}\n", said[0]["text"].as_str().unwrap()));
    let help = String::from_utf8(chat(&[], "/help\n").stdout).unwrap();
    for command in ["/system", "/clear", "/retry", "/save", "/load", "/set", "/exit"] {
        assert!(help.contains(command));
    }
}

#[test]
fn mistakes_in_a_script_end_it_and_an_overflow_is_told() {
    let long = "word ".repeat(5000);
    for (lines, told) in [
        ("/nonsense\n", "no such command"),
        ("/set temperature hot\n", "not a number"),
        ("/set temperature -1\n", "temperature"),
        ("/set colour red\n", "colour"),
        ("/retry\n", "nothing was asked"),
        ("/load /no/such/file\n", "/no/such/file"),
        ("/save\n", "no file"),
        (&format!("{long}\n"), "context"),
    ] {
        let output = chat(&[], lines);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{lines}: {stderr}");
        assert!(stderr.contains(told) && stderr.lines().count() == 1, "{stderr}");
    }
}
