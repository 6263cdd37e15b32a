//! Constrained text of a model with random weights is always an instance of its schema, compact, keys in schema order but for sets of slots.

mod random_model;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bantam_formats::ModelConfig;
use bantam_runtime::measure::WallClock;
use bantam_runtime::{ConstraintCompiler, FinishReason, GenerateOptions, SamplingOptions, Session, generate};
use random_model::{llama, model, tokenizer};
use serde_json::{Value, json};

fn config() -> ModelConfig {
    ModelConfig { vocab_size: 410, max_position_embeddings: 4096, ..llama() }
}

/// Schemas whose instances are bounded, so that a random model reaches their end.
fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        (
            "flat",
            json!({
                "type": "object",
                "properties": {
                    "theme": {"type": "string", "enum": ["light", "dark", "auto"]},
                    "size": {"type": "integer", "minimum": 1, "maximum": 99},
                    "on": {"type": "boolean"},
                    "code": {"type": "string", "minLength": 1, "maxLength": 8},
                    "none": {"type": "null"}
                },
                "required": ["theme", "on"],
                "additionalProperties": false
            }),
        ),
        (
            "nested",
            json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": {
                    "z_first": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
                    "a_second": {
                        "type": "object",
                        "properties": {
                            "when": {"type": "string", "format": "date"},
                            "where": {"$ref": "#/$defs/place"}
                        },
                        "required": ["when", "where"],
                        "additionalProperties": false
                    },
                    "items": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 3,
                        "items": {
                            "type": "object",
                            "properties": {
                                "sku": {"type": "string", "maxLength": 5},
                                "qty": {"type": "integer", "minimum": 0, "maximum": 500},
                                "tags": {"type": "array", "maxItems": 2, "items": {"type": "string", "maxLength": 3}}
                            },
                            "required": ["sku", "qty", "tags"],
                            "additionalProperties": false
                        }
                    }
                },
                "required": ["z_first", "a_second", "items"],
                "additionalProperties": false,
                "$defs": {"place": {"type": "string", "enum": ["here", "there \"quoted\"", "überall"]}}
            }),
        ),
        (
            "choice",
            json!({
                "type": "array",
                "maxItems": 3,
                "items": {"anyOf": [{"type": "boolean"}, {"type": "integer", "minimum": -9, "maximum": 9}, {"const": "x"}]}
            }),
        ),
        ("bounded number", json!({"type": "integer", "minimum": 10, "maximum": 99})),
    ]
}

/// Order of keys as written, at every depth.
fn key_orders(value: &Value, out: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(map) => {
            out.push(map.keys().cloned().collect());
            map.values().for_each(|v| key_orders(v, out));
        }
        Value::Array(items) => items.iter().for_each(|v| key_orders(v, out)),
        _ => {}
    }
}

#[test]
fn random_models_write_valid_compact_json_in_schema_order() {
    let (tokenizer, _) = tokenizer();
    let compiler = ConstraintCompiler::new(&tokenizer, &[0]).unwrap();
    for (name, schema) in schemas() {
        let validator = jsonschema::validator_for(&schema).unwrap();
        let constraint = compiler.compile(name, &schema).unwrap();
        for seed in 0..12 {
            let model = model(&config(), seed);
            let options = GenerateOptions {
                max_new_tokens: 900,
                sampling: SamplingOptions {
                    temperature: if seed == 0 { 0.0 } else { 2.0 },
                    seed,
                    ..Default::default()
                },
                end_tokens: vec![0],
                ..Default::default()
            };
            let written = generate(
                &mut Session::new(&model),
                &tokenizer,
                &[7, 8],
                &options,
                Some(&constraint),
                &WallClock::start(),
            )
            .unwrap();
            assert_eq!(written.finish_reason, FinishReason::ConstraintComplete, "{name} {seed}: {}", written.text);
            assert_eq!(written.tokens.len(), written.generated_tokens);
            let value: Value =
                serde_json::from_str(&written.text).unwrap_or_else(|e| panic!("{name}: {e}: {}", written.text));
            assert!(validator.is_valid(&value), "{name}: {}", written.text);
            // Outside strings nothing is white space.
            let mut inside = false;
            let mut escaped = false;
            for c in written.text.chars() {
                assert!(inside || !c.is_whitespace(), "{name}: {}", written.text);
                inside ^= c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
            }
            if name == "nested" {
                let mut orders = Vec::new();
                key_orders(&value, &mut orders);
                assert_eq!(orders[0], ["z_first", "a_second", "items"]);
                assert_eq!(orders[1], ["when", "where"]);
                assert!(orders[2..].iter().all(|o| o == &["sku", "qty", "tags"]));
            }
        }
    }
}

#[test]
fn a_cut_off_text_says_length_and_writes_no_more_than_asked() {
    let (tokenizer, _) = tokenizer();
    let constraint = ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile("nested", &schemas()[1].1).unwrap();
    let model = model(&config(), 1);
    for n in [1, 2, 5, 20] {
        let options = GenerateOptions::greedy(n, &[0]);
        let written =
            generate(&mut Session::new(&model), &tokenizer, &[7], &options, Some(&constraint), &WallClock::start())
                .unwrap();
        assert_eq!((written.generated_tokens, written.finish_reason), (n, FinishReason::Length));
    }
}

#[test]
fn the_full_context_ends_the_text() {
    let (tokenizer, _) = tokenizer();
    let model = model(&ModelConfig { max_position_embeddings: 12, ..config() }, 1);
    let free = GenerateOptions { end_tokens: vec![], ..GenerateOptions::greedy(100, &[]) };
    let written = generate(&mut Session::new(&model), &tokenizer, &[7; 5], &free, None, &WallClock::start()).unwrap();
    assert!(written.finish_reason == FinishReason::Context || written.finish_reason == FinishReason::Stop);
    let schema = json!({"type": "string", "minLength": 100});
    let constraint = ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile("long", &schema).unwrap();
    let written =
        generate(&mut Session::new(&model), &tokenizer, &[7; 5], &free, Some(&constraint), &WallClock::start())
            .unwrap();
    // Seven tokens are read after the prompt, and the last one is chosen from what follows them.
    assert_eq!((written.finish_reason, written.generated_tokens), (FinishReason::Context, 8));
}

#[test]
fn forced_text_is_spelled_as_the_tokenizer_spells_it() {
    let (tokenizer, _) = tokenizer();
    let schema = json!({"type": "object", "properties": {"order_id": {"const": "A-1"}, "paid": {"const": true}},
        "required": ["order_id", "paid"], "additionalProperties": false});
    let constraint = ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile("all forced", &schema).unwrap();
    let model = model(&config(), 1);
    let options = GenerateOptions::greedy(100, &[0]);
    let written =
        generate(&mut Session::new(&model), &tokenizer, &[7], &options, Some(&constraint), &WallClock::start())
            .unwrap();
    assert_eq!(written.text, r#"{"order_id":"A-1","paid":true}"#);
    assert_eq!(written.tokens, tokenizer.encode(&written.text, false));
}

#[test]
fn a_compiled_schema_serves_many_texts_independently() {
    let (tokenizer, _) = tokenizer();
    let constraint =
        ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile("n", &json!({"enum": ["aa", "bb"]})).unwrap();
    let (mut first, mut second) = (constraint.start(), constraint.start());
    let text = |s: &str| tokenizer.encode(s, false);
    for token in text("\"aa\"") {
        first.accept(token).unwrap();
    }
    assert!(first.is_complete() && !second.is_complete());
    for token in text("\"bb\"") {
        second.accept(token).unwrap();
    }
    assert!(second.is_complete());
    assert_eq!(constraint.start().accept(text("x")[0]).unwrap_err().exit_code(), 2);
}

#[test]
fn slots_come_in_any_order_and_each_at_most_once() {
    let (tokenizer, _) = tokenizer();
    let text =
        json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/short"}, "minItems": 2}]});
    let slots = json!({"type": "object", "properties": {"to \"a\"": text, "from": text, "count": {"type": "integer"}},
        "additionalProperties": false});
    let schema = json!({"$defs": {"short": {"type": "string", "maxLength": 3}}, "type": "object",
        "properties": {"intent": {"enum": ["go", "stay"]}, "note": {"type": "string"}, "slots": slots},
        "required": ["intent", "slots"], "additionalProperties": false});
    let constraint = ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile("s", &schema).unwrap();
    let whole = |text: &str| {
        let mut state = constraint.start();
        tokenizer.encode(text, false).into_iter().all(|t| state.accept(t).is_ok()) && state.may_end()
    };
    for text in [
        r#"{"intent":"go","slots":{}}"#,
        r#"{"intent":"stay","slots":{"from":"x"}}"#,
        r#"{"intent":"go","slots":{"to \"a\"":"b","from":"c d"}}"#,
        r#"{"intent":"go","slots":{"from":"c","to \"a\"":["abc","b"]}}"#,
        r#"{"intent":"go","note":"n","slots":{"count":3,"from":"c","to \"a\"":"b"}}"#,
    ] {
        assert!(whole(text), "{text}");
    }
    for text in [
        r#"{"slots":{},"intent":"go"}"#,
        r#"{"intent":"go"}"#,
        r#"{"intent":"go","slots":{"from":"a","from":"b"}}"#,
        r#"{"intent":"go","slots":{"from":"a",}}"#,
        r#"{"intent":"go","slots":{"other":"a"}}"#,
        r#"{"intent":"go","slots":{"count":"a"}}"#,
        r#"{"intent":"go","slots":{"from":["abcd","b"]}}"#,
        r#"{"intent":"go","slots":{"count":3,"from":"c","to \"a\"":"b","#,
    ] {
        assert!(!whole(text), "{text}");
    }
    // What a random model writes under it is an instance.
    let validator = jsonschema::validator_for(&schema).unwrap();
    let model = model(&config(), 3);
    for prompt in 1..8 {
        let options = GenerateOptions::greedy(600, &[0]);
        let clock = WallClock::start();
        let written =
            generate(&mut Session::new(&model), &tokenizer, &[prompt], &options, Some(&constraint), &clock).unwrap();
        if written.finish_reason == FinishReason::ConstraintComplete {
            assert!(validator.is_valid(&serde_json::from_str(&written.text).unwrap()), "{}", written.text);
        }
    }
    let impossible = json!({"properties": {"a": {}, "s": slots}, "required": ["z"], "additionalProperties": false});
    let refused = ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile("s", &impossible);
    assert_eq!(refused.err().map(|e| e.exit_code()), Some(2));
}

#[test]
fn verbatim_strings_are_words_of_the_text() {
    let (tokenizer, _) = tokenizer();
    let compiler = ConstraintCompiler::new(&tokenizer, &[0]).unwrap();
    let text = json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 2}]});
    let slots = json!({"properties": {"a": text, "b": text}, "additionalProperties": false});
    let closed = json!({"properties": {"kind": {"enum": ["k"]}, "slots": slots}, "required": ["kind", "slots"],
        "additionalProperties": false});
    let open = json!({"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}, "required": ["name"]});
    let said = "add \"Ära\" by P!nk (live), on 5th\nst. <b>";
    let whole = |schema: &Value, text: &str| {
        let constraint = compiler.compile("s", &bantam_runtime::verbatim(schema, said)).unwrap();
        let mut state = constraint.start();
        tokenizer.encode(text, false).into_iter().all(|t| state.accept(t).is_ok()) && state.may_end()
    };
    for value in ["P!nk", "P!nk (live)", "\"Ära\"", "Ära", "5th\nst.", said] {
        let object = json!({"name": value}).to_string();
        assert!(whole(&open, &object), "{object}");
        let object = json!({"kind": "k", "slots": {"b": value, "a": [value, "add"]}}).to_string();
        assert!(whole(&closed, &object), "{object}");
    }
    for value in ["Pink", "P!n", "Ära by P!nk ", "add Ära", "", "5th st"] {
        let object = json!({"name": value}).to_string();
        assert!(!whole(&open, &object), "{object}");
        let object = json!({"kind": "k", "slots": {"b": value}}).to_string();
        assert!(!whole(&closed, &object), "{object}");
    }
}

#[test]
fn the_end_is_allowed_only_when_the_text_is_whole() {
    let (tokenizer, _) = tokenizer();
    let constraint =
        ConstraintCompiler::new(&tokenizer, &[0]).unwrap().compile("n", &json!({"type": "integer"})).unwrap();
    let mut state = constraint.start();
    let mut logits = vec![0f32; 410];
    state.mask(&mut logits).unwrap();
    assert_eq!(logits[0], f32::NEG_INFINITY);
    assert!(!state.may_end());
    state.accept(tokenizer.encode("1", false)[0]).unwrap();
    let mut logits = vec![0f32; 410];
    state.mask(&mut logits).unwrap();
    assert_eq!(logits[0], 0.0);
    assert!(state.may_end() && !state.is_complete());
    // Ids that the model has and the tokenizer has not are never allowed.
    assert!(logits[tokenizer.vocab_size()..].iter().all(|l| *l == f32::NEG_INFINITY));
}

#[test]
fn schemas_beyond_the_engine_are_input_errors_naming_schema_and_keyword() {
    let (tokenizer, _) = tokenizer();
    let compiler = ConstraintCompiler::new(&tokenizer, &[0]).unwrap();
    let bad = [
        (json!({"type": "string", "not": {"const": "a"}}), "not"),
        (json!({"type": "array", "uniqueItems": true}), "uniqueItems"),
        (json!({"type": "object", "properties": {"a": {"type": "object", "if": {}, "then": {}}}}), "if"),
        (json!({"type": "array", "contains": {"const": 1}}), "contains"),
        (json!({"type": "strin"}), "strin"),
        (json!({"type": 5}), "type"),
        (json!({"type": "string", "pattern": "(?=x)y"}), "look"),
        (json!({"type": "object", "properties": 3}), "properties"),
        (json!({"type": "integer", "minimum": "low"}), "minimum"),
        (json!({"$ref": "https://example.org/x.json"}), "ref"),
        (json!({"$ref": "#/$defs/none"}), "none"),
        (json!({"type": "integer", "minimum": 5, "maximum": 3}), "minimum"),
        (json!(false), "schema"),
        (json!("text"), "schema"),
    ];
    for (schema, keyword) in bad {
        let error = compiler.compile("broken.json", &schema).err().unwrap_or_else(|| panic!("accepted {schema}"));
        let line = error.to_string();
        assert_eq!(error.exit_code(), 2);
        assert!(line.starts_with("broken.json: #") && line.contains(keyword) && !line.contains('\n'), "{line}");
    }
}

#[test]
fn formats_bind_only_when_asked_to() {
    let (tokenizer, _) = tokenizer();
    let schema = json!({"type": "object", "properties": {"format": {"type": "string", "format": "date"}},
        "required": ["format"], "additionalProperties": false});
    let write = |compiler: &ConstraintCompiler, text: &str| {
        let mut state = compiler.compile("s", &schema).unwrap().start();
        tokenizer.encode(text, false).into_iter().all(|t| state.accept(t).is_ok()) && state.is_complete()
    };
    let (date, other) = (r#"{"format":"2024-02-29"}"#, r#"{"format":"29 February"}"#);
    let free = ConstraintCompiler::new(&tokenizer, &[0]).unwrap();
    assert!(write(&free, date) && write(&free, other));
    let bound = free.assert_formats(true);
    assert!(write(&bound, date) && !write(&bound, other));
    let unknown = bound.compile("s.json", &json!({"type": "string", "format": "moon-phase"})).err().unwrap();
    assert!(unknown.exit_code() == 2 && unknown.to_string().contains("moon-phase"));
}

/// Texts of random models under a constraint, greedy and drawn.
fn texts(constraint: &bantam_runtime::Constraint) -> Vec<String> {
    let (tokenizer, _) = tokenizer();
    (0..8)
        .map(|seed| {
            let sampling = SamplingOptions { temperature: seed as f32 / 2.0, seed, ..Default::default() };
            let options = GenerateOptions { sampling, ..GenerateOptions::greedy(200, &[0]) };
            let model = model(&config(), seed);
            let clock = WallClock::start();
            let written =
                generate(&mut Session::new(&model), &tokenizer, &[7, 8], &options, Some(constraint), &clock).unwrap();
            assert_eq!(written.finish_reason, FinishReason::ConstraintComplete, "{}", written.text);
            written.text
        })
        .collect()
}

#[test]
fn regular_expressions_are_matched_whole() {
    let (tokenizer, _) = tokenizer();
    let compiler = ConstraintCompiler::new(&tokenizer, &[0]).unwrap();
    let constraint = compiler.compile_regex("--regex", "[A-Z]{2}/[0-9]{1,3}( (yes|no))?").unwrap();
    for text in texts(&constraint) {
        let (code, rest) = text.split_once('/').unwrap();
        let (number, word) = rest.split_once(' ').map_or((rest, None), |(n, w)| (n, Some(w)));
        assert!(code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()), "{text}");
        assert!((1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()), "{text}");
        assert!(matches!(word, None | Some("yes" | "no")), "{text}");
    }
    for bad in ["(", "a{3", "(?=x)y", "[z-a]"] {
        let error = compiler.compile_regex("--regex", bad).err().unwrap_or_else(|| panic!("accepted {bad}"));
        assert!(error.exit_code() == 2 && error.to_string().starts_with("--regex: "), "{error}");
    }
}

#[test]
fn grammars_in_larks_syntax_are_followed() {
    let (tokenizer, _) = tokenizer();
    let compiler = ConstraintCompiler::new(&tokenizer, &[0]).unwrap();
    let grammar = "start: sum\nsum: term (\"+\" term)~1..3\nterm: NUMBER | \"(\" NUMBER \"-\" NUMBER \")\"\nNUMBER: /[0-9]{1,2}/\n";
    let constraint = compiler.compile_lark("sum.lark", grammar).unwrap();
    for text in texts(&constraint) {
        let number = |n: &str| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
        let terms: Vec<&str> = text.split('+').collect();
        assert!((2..=4).contains(&terms.len()), "{text}");
        for term in terms {
            let inner = term.strip_prefix('(').and_then(|t| t.strip_suffix(')')).and_then(|t| t.split_once('-'));
            assert!(inner.map_or_else(|| number(term), |(a, b)| number(a) && number(b)), "{text}");
        }
    }
    for bad in ["", "start: missing", "start: \"a", "begin: \"a\""] {
        let error = compiler.compile_lark("sum.lark", bad).err().unwrap_or_else(|| panic!("accepted {bad}"));
        assert!(error.exit_code() == 2 && error.to_string().starts_with("sum.lark: "), "{error}");
    }
}

#[test]
fn the_part_of_the_schema_that_is_at_fault_is_named() {
    let (tokenizer, _) = tokenizer();
    let compiler = ConstraintCompiler::new(&tokenizer, &[0]).unwrap();
    let schema = json!({
        "type": "object",
        "properties": {
            "good": {"$ref": "#/$defs/fine"},
            "list": {"type": "array", "items": {"type": "object", "properties": {"a/b": {"type": "string", "not": {}}}}}
        },
        "$defs": {"fine": {"type": "string"}}
    });
    let line = compiler.compile("s.json", &schema).err().unwrap().to_string();
    assert!(line.starts_with("s.json: #/properties/list/items/properties/a~1b: "), "{line}");
}

#[test]
fn a_tokenizer_without_an_end_is_refused() {
    let (tokenizer, _) = tokenizer();
    assert!(ConstraintCompiler::new(&tokenizer, &[9999]).err().is_none_or(|e| e.exit_code() == 2));
}

/// `value` with every object's keys in its schema's order, keys the schema does not name last.
fn in_schema_order(value: &Value, schema: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let properties = schema["properties"].as_object();
            let named = properties.into_iter().flatten().filter_map(|(k, s)| Some((k, map.get(k)?, s)));
            let others = map.iter().filter(|(k, _)| properties.is_none_or(|p| !p.contains_key(*k)));
            named
                .map(|(k, v, s)| (k.clone(), in_schema_order(v, s)))
                .chain(others.map(|(k, v)| (k.clone(), v.clone())))
                .collect()
        }
        Value::Array(items) => items.iter().map(|v| in_schema_order(v, &schema["items"])).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_gold_of_the_shared_sets_can_be_written_under_its_schema() {
    let shared = std::env::var_os("BANTAM_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    if !shared.join("edgejson_v3/train.jsonl").exists() {
        println!("skipped: no shared data at {} (set BANTAM_SHARED_DATA)", shared.display());
        return;
    }
    let (tokenizer, _) = tokenizer();
    let compiler = ConstraintCompiler::new(&tokenizer, &[0]).unwrap();
    let read = |path: &Path| -> Value { serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap() };
    let mut compiled: HashMap<String, (Value, bantam_runtime::Constraint)> = HashMap::new();
    for level in ["simple", "medium", "complex"] {
        for file in std::fs::read_dir(shared.join("edgejson_v3/schemas").join(level)).unwrap() {
            let path = file.unwrap().path();
            let (name, schema) = (path.file_stem().unwrap().to_string_lossy().into_owned(), read(&path));
            let constraint = compiler.compile(&name, &schema).unwrap();
            compiled.insert(name, (schema, constraint));
        }
    }
    for set in ["snips", "e2e"] {
        compiler.compile(set, &read(&shared.join(set).join("schema.json"))).unwrap();
    }
    let (mut rows, mut refused) = (0, Vec::new());
    for line in std::fs::read_to_string(shared.join("edgejson_v3/train.jsonl")).unwrap().lines() {
        let item: Value = serde_json::from_str(line).unwrap();
        let (schema, constraint) = &compiled[item["schema_id"].as_str().unwrap()];
        let text = in_schema_order(&item["expected_output"], schema).to_string();
        let mut state = constraint.start();
        let fits = tokenizer.encode(&text, false).into_iter().all(|t| state.accept(t).is_ok()) && state.may_end();
        rows += 1;
        if !fits {
            refused.push(format!("{}: {text}", item["id"]));
        }
    }
    assert!(rows > 600 && refused.is_empty(), "{} of {rows} refused, first: {:?}", refused.len(), refused.first());
}
