//! Chat templates against transformers (`tests/reference/chat_templates.py`).

use bantam_formats::chat::{Message, TemplateTokens, render, variable};
use serde_json::Value;

use crate::fixtures::data;

#[test]
fn prompts_are_those_of_transformers() {
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(data("chat_templates.json")).unwrap()).unwrap();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let conversations: Vec<Vec<Message>> = golden["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c.as_array().unwrap().iter().map(|m| Message::new(text(&m["role"]), text(&m["content"]))).collect())
        .collect();
    let tokens = TemplateTokens { bos: Some("<|system|>"), eos: Some("<|end|>") };
    let mut differing = Vec::new();
    for (name, template) in golden["templates"].as_object().unwrap() {
        let cases = conversations.iter().flat_map(|c| [(c, false), (c, true)]);
        for ((messages, add), expected) in cases.zip(golden["expected"][name].as_array().unwrap()) {
            let ours = render(template.as_str().unwrap(), messages, add, tokens);
            if let Err(e) = &ours {
                assert_eq!(e.exit_code(), 2);
            }
            if ours.as_deref().ok() != expected.as_str() {
                differing.push(format!("{name}\n  ours     {ours:?}\n  expected {expected}"));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn a_refusal_names_line_and_reason() {
    let e = render("a\n{{ raise_exception('no system role') }}", &[], false, TemplateTokens::default()).unwrap_err();
    assert!(e.to_string().starts_with("chat template:2: "), "{e}");
    assert!(e.to_string().contains("no system role"), "{e}");
}

#[test]
fn a_template_says_what_it_sets_at_its_beginning() {
    let set = "{% set mode = 'x' %}{% for m in messages %}{% set mode = 'y' %}{{ m.content }}{% endfor %}";
    assert_eq!(variable(set, "mode").as_deref(), Some("x"));
    assert_eq!(variable(set, "other"), None);
    for none in ["{{ 1 }}", "{% set mode = 1 %}", "{% set mode = 'x' %}{{ messages[0].role.x.y }}", "{% set"] {
        assert_eq!(variable(none, "mode"), None, "{none}");
    }
}

#[test]
fn a_template_that_would_not_end_is_stopped() {
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}";
    let e = render(endless, &[], false, TemplateTokens::default()).unwrap_err();
    assert_eq!(e.exit_code(), 2);
}
