//! A report over made-up outputs: every part is there, nothing from outside escapes its place, floors and intervals
//! stand in every table. The report is left in the target's temporary folder to be looked at.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use bantam_data::item;
use bantam_eval::edge_json::{Inputs, Suite};
use bantam_eval::harness::score_predictions;
use bantam_eval::result::{Artifact, Decoding, Mode, Timing};
use bantam_site::{ArtifactFile, Evaluated, FactTable, Report, ReportInput, TrainingPoint, render};
use serde_json::{Value, json};

const STYLES: [&str; 5] = ["key value", "email", "chat", "prose", "markdown table"];
const NAMES: [&str; 6] =
    ["Ada Byron", "Linus <b>Pauling</b>", "Rosa & Co", "Emil \"Zola\"", "Ōe Kenzaburō", "Jo | Smith"];

/// Items of three levels and five styles, each level with a seen and an unseen schema.
fn write_items(dir: &Path) -> (PathBuf, PathBuf) {
    let schemas = dir.join("schemas");
    std::fs::create_dir_all(&schemas).unwrap();
    let mut lines = String::new();
    for (l, level) in ["simple", "medium", "complex"].into_iter().enumerate() {
        for (s, seen) in [true, false].into_iter().enumerate() {
            let id = format!("{level}_{}", ["contact", "visit"][s]);
            let mut properties = json!({"full_name": {"type": "string"}, "visits": {"type": "integer"}});
            if l > 0 {
                properties["address"] = json!({"type": "object", "properties": {"city": {"type": "string"}}});
            }
            if l > 1 {
                let item =
                    json!({"type": "object", "properties": {"sku": {"type": "string"}, "price": {"type": "number"}}});
                properties["items"] = json!({"type": "array", "items": item});
            }
            let schema = json!({"type": "object", "properties": properties, "required": ["full_name"], "additionalProperties": false});
            std::fs::write(schemas.join(format!("{id}.json")), schema.to_string()).unwrap();
            for i in 0..40 {
                let (name, visits) = (NAMES[i % 6], i * 7 % 90);
                let mut gold = json!({"full_name": name, "visits": visits});
                let mut text = match STYLES[i % 5] {
                    "key value" => format!("Full Name: {name}\nVisits: {visits}\n"),
                    _ => format!("Hi, this is {name}. I came {visits} times and would like to come again.\n"),
                };
                if l > 0 {
                    gold["address"] = json!({"city": "Turin"});
                    let _ = write!(text, "Address:\n  City: Turin\n");
                }
                if l > 1 {
                    gold["items"] = json!([{"sku": "A-1", "price": 2.5}, {"sku": "B-2", "price": 30}]);
                    text.push_str("I took two A-1 at 2.50 and the B-2 for 30 euros.\n");
                }
                let item = json!({"id": format!("{id}_{i:03}"), "schema_id": id, "complexity": level, "style": STYLES[i % 5],
                    "schema_seen": seen, "templates_seen": i % 4 != 0, "prompt": text, "expected_output": gold});
                let _ = writeln!(lines, "{item}");
            }
        }
    }
    let data = dir.join("test.jsonl");
    std::fs::write(&data, lines).unwrap();
    (data, schemas)
}

/// Outputs that are wrong now and then, more often the harder the item and without the constraint.
fn evaluate(dir: &Path, mode: Mode) -> Evaluated {
    let (data, schemas) = write_items(dir);
    let mut lines = String::new();
    for (i, item) in item::read_jsonl(&data).unwrap().iter().enumerate() {
        let mut answer: Value = serde_json::from_str(item.expected_output.get()).unwrap();
        let draw = (i * 7919 + 13) % 100;
        let wrong = 12 + 26 * (i / 80) + if mode == Mode::Free { 9 } else { 0 };
        if draw < wrong {
            match draw % 3 {
                0 => answer["visits"] = json!(draw),
                1 => answer["full_name"] = json!("</pre><script>alert(1)</script>"),
                _ => answer = json!({"full_name": "Ada", "visits": 3, "items": [{"sku": "A-1"}]}),
            }
        }
        let mut output = answer.to_string();
        if mode == Mode::Free && draw % 17 == 0 {
            output = output.chars().take(output.len() / 2).collect();
        }
        let _ = writeln!(lines, "{}", json!({"id": item.id, "output": output}));
    }
    let predictions = dir.join("nano.jsonl");
    std::fs::write(&predictions, lines).unwrap();
    let suite = Suite::load(Inputs { data: &data, schemas: &schemas, limit: None }).unwrap();
    let evaluation = score_predictions(&suite, &predictions).unwrap();
    let (mut result, samples) = (evaluation.result, evaluation.samples);
    result.protocol.mode = mode;
    result.protocol.predictions = None;
    result.protocol.artifact = Some(Artifact {
        path: "runs/example/model-q8_0.gguf".into(),
        kind: "gguf".into(),
        sha256: "5f".repeat(32),
        bytes: 2_210_000,
        parameters: 1_990_000,
    });
    result.protocol.decoding = Some(Decoding {
        prompt: "chat template: system = the schema's signature, user = the text".into(),
        chat_template: Some("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}".into()),
        strategy: "greedy".into(),
        max_new_tokens: 512,
        context: Some(1024),
        constraint: (mode == Mode::Constrained).then(|| "llguidance".into()),
    });
    result.timing =
        Some(Timing { wall_s: 31.4, prompt_tokens: 51_200, generated_tokens: 18_020, threads: 2, resumed_items: 0 });
    Evaluated { result, samples }
}

fn example(evaluations: Vec<Evaluated>) -> ReportInput {
    let point = |step: u64| {
        let x = step as f64;
        let noise = ((step * 2_654_435_761) % 1000) as f64 / 1000.0 - 0.5;
        let loss = 0.06 + 6.8 * (-x / 320.0).exp() + 0.9 / (1.0 + (x / 1400.0).powi(3));
        let validated = step.is_multiple_of(250) || step == 4_999;
        TrainingPoint {
            step,
            train_loss: Some(loss * (1.0 + 0.18 * noise)),
            valid_loss: validated.then_some(loss * 1.07 + 0.01),
            bits_per_byte: validated.then_some((loss * 1.07 + 0.01) / 1.9),
            learning_rate: Some(
                1.5e-3 * (x / 200.0).min(1.0) * (1.0 - ((x - 3_000.0) / 2_000.0).clamp(0.0, 1.0) * 0.95),
            ),
            ..TrainingPoint::default()
        }
    };
    let facts = |title: &str, rows: &[(&str, &str)]| FactTable {
        title: title.into(),
        rows: rows.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
    };
    ReportInput {
        name: "example <run>".into(),
        summary: "Made-up numbers, for the test of the report alone: a Llama-shaped model that reads texts into JSON."
            .into(),
        facts: vec![
            facts(
                "Model",
                &[
                    ("architecture", "Llama"),
                    ("parameters", "1,990,000"),
                    ("width × layers", "192 × 4"),
                    ("vocabulary", "1,024"),
                ],
            ),
            facts(
                "Data",
                &[
                    ("training items", "30,000"),
                    ("validation items", "300"),
                    ("test items", "240"),
                    ("schemas", "36, of which 6 held out"),
                ],
            ),
            facts(
                "Training",
                &[("steps", "5,000"), ("tokens", "14,500,000"), ("time", "14 min 2 s"), ("causality probe", "passed")],
            ),
        ],
        artifacts: vec![
            ArtifactFile {
                path: "model/".into(),
                what: "Hugging Face folder, F32".into(),
                bytes: 7_960_000,
                sha256: "ab".repeat(32),
            },
            ArtifactFile {
                path: "model-q8_0.gguf".into(),
                what: "GGUF, Q8_0".into(),
                bytes: 2_210_000,
                sha256: "5f".repeat(32),
            },
        ],
        training: (0..5_000).map(point).collect(),
        evaluations,
        overlap: Some(json!({"items": {"train": 30_000, "test": 240, "same_text": 0}, "shared_13_grams": 0.0213})),
        lineage: json!({"id": "cd".repeat(32), "made": {"seed": 1, "data": {"train.jsonl": "ef".repeat(32)}, "results": {"x": 1}},
            "circumstances": {"command": ["bantam", "run", "recipes/<edge>.toml"]}}),
        recipe: Some("[train]\nsteps = 5000\n".into()),
    }
}

fn both_modes() -> Report {
    let dir = tempfile::tempdir().unwrap();
    render(&example(vec![evaluate(dir.path(), Mode::Constrained), evaluate(dir.path(), Mode::Free)]))
}

#[test]
fn the_whole_report_stands_alone_and_is_escaped() {
    let report = both_modes();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    std::fs::create_dir_all(folder.join("curves")).unwrap();
    std::fs::write(folder.join("report.html"), &report.html).unwrap();
    std::fs::write(folder.join("report.md"), &report.markdown).unwrap();
    for (name, svg) in &report.pictures {
        std::fs::write(folder.join(name), svg).unwrap();
        assert!(report.markdown.contains(&format!("]({name})")), "{name}");
    }
    println!("look at {}", folder.display());
    let html = &report.html;
    for outside in ["<script", "http://", "https://", "<link", "<img", "url(", "@import", "onload"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains("&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(html.contains("example &lt;run&gt;") && html.contains("Linus &lt;b&gt;Pauling&lt;/b&gt;"));
    assert!(html.contains("prefers-color-scheme:dark"));
    for id in ["built", "training", "results", "samples", "protocol", "overlap", "lineage"] {
        assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        assert!(html.contains(&format!("href=\"#{id}\"")), "{id}");
    }
    assert_eq!(html.matches("<article").count(), 10);
    assert_eq!(report.pictures.len(), 4);
    assert!(!report.markdown.contains("<script>alert") || report.markdown.contains("```"));
    balanced(html);
}

/// Every tag that is opened is closed, in order.
fn balanced(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let name = tag.split([' ', '>']).next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "near </{name}"),
            None if ["!DOCTYPE", "meta", "br"].contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn floors_and_intervals_stand_in_every_score_table() {
    let report = both_modes();
    let tables: Vec<&str> = report.html.split("<table>").filter(|t| t.contains("class=\"score\"")).collect();
    assert_eq!(tables.len(), 6); // all, level, style, schema, template, level and style
    for table in tables {
        for heading in ["constrained", "free", "floor: rule", "floor: empty"] {
            assert!(table.contains(&format!(">{heading}</th>")), "{heading}");
        }
        let scores = table.matches("<td class=\"score").count();
        assert!(scores > 0 && table.matches("class=\"ci\"").count() >= scores);
    }
    let markdown = &report.markdown;
    for row in markdown.lines().filter(|l| l.contains("| JSONExact |") && !l.contains("Comparison")) {
        assert_eq!(row.matches('[').count(), 4, "{row}");
    }
    assert!(markdown.contains("constrained − free") && markdown.contains("floor: rule"));
}

#[test]
fn one_mode_or_none_is_reported_too() {
    let dir = tempfile::tempdir().unwrap();
    let one = render(&example(vec![evaluate(dir.path(), Mode::Free)]));
    assert!(one.html.contains(">free</th>") && !one.html.contains(">constrained</th>"));
    let none = render(&ReportInput { name: "empty".into(), ..ReportInput::default() });
    assert!(none.html.contains("Nothing was evaluated") && none.markdown.contains("Nothing was evaluated"));
    balanced(&none.html);
    assert_eq!(none, render(&ReportInput { name: "empty".into(), ..ReportInput::default() }));
}
