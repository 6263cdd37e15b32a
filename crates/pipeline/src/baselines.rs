//! A list of models on a list of suites: every result, then one table.
//!
//! ```toml
//! [[suite]]
//! name = "edge-json"
//! data = "data/test.jsonl"
//! schemas = "data/schemas"
//! modes = ["free", "constrained"]
//!
//! [[model]]
//! path = "runs/edge-json/model-q8_0.gguf"   # or a name of the hub: "owner/name", "owner/name@revision"
//!
//! [[model]]
//! endpoint = "http://127.0.0.1:8080/v1"
//! model = "small"
//! ```

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, files};
use bantam_data::absent_fields::AbsentFields;
use bantam_data::prompt::SchemaInPrompt;
use bantam_eval::edge_json::{self, Inputs, Shots, Track};
use bantam_eval::endpoint::{self, EndpointOptions};
use bantam_eval::harness::{self, Keep, Source, Stale, Suite};
use bantam_eval::local_model::ModelOptions;
use bantam_eval::statistics::Estimate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evaluation;
use crate::recipe::DecodingMode;

/// What is to be evaluated on what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    suite: Vec<SuiteEntry>,
    model: Vec<ModelEntry>,
}

/// A suite on one set of items.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteEntry {
    name: String,
    data: PathBuf,
    schemas: Option<PathBuf>,
    limit: Option<usize>,
    #[serde(default = "both")]
    modes: Vec<DecodingMode>,
    #[serde(default = "most_tokens")]
    max_new_tokens: usize,
    #[serde(default)]
    schema_in_prompt: SchemaInPrompt,
    shots: Option<usize>,
    shots_from: Option<PathBuf>,
    #[serde(default)]
    shots_seed: u64,
}

fn both() -> Vec<DecodingMode> {
    vec![DecodingMode::Free, DecodingMode::Constrained]
}

fn most_tokens() -> usize {
    768
}

/// Something that answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum ModelEntry {
    Local {
        path: String,
    },
    #[serde(rename_all = "snake_case")]
    Server {
        endpoint: String,
        model: String,
        api_key_env: Option<String>,
        timeout: Option<u64>,
        attempts: Option<u32>,
    },
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The suite.
    pub suite: String,
    /// The items' file.
    pub data: String,
    /// The track, where it is not the usual one.
    pub track: Option<String>,
    /// The model, or `floor: <name>`.
    pub model: String,
    /// `free`, `constrained`, `predictions`, or `floor`.
    pub mode: String,
    /// Bytes of the model on disk, where they are known.
    pub bytes: Option<u64>,
    /// Items.
    pub n: u64,
    /// Metrics in the result's order, with their estimates.
    pub scores: Vec<(String, Estimate)>,
    /// The result file.
    pub result_file: PathBuf,
}

/// The table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Its lines, by suite as listed, then by model as listed; a suite's floors come last.
    pub rows: Vec<Row>,
}

impl List {
    /// Reads a list; paths in it are relative to its folder.
    ///
    /// # Errors
    /// An input error naming the file and what is wrong in it.
    pub fn read(path: &Path) -> Result<Self> {
        let (place, text) = (path.display().to_string(), files::read_text(path)?);
        let mut list: Self = toml::from_str(&text).map_err(|e| {
            let line = e.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            let remedy = "see docs/eval.md for what a list holds";
            Error::input(format_args!("{place}:{line}"), e.message(), remedy)
        })?;
        let near = path.parent().unwrap_or(Path::new(""));
        for suite in &mut list.suite {
            if suite.name != edge_json::NAME {
                let what = format!("there is no suite `{}` for a list", suite.name);
                return Err(Error::input(&place, what, format_args!("name one of: {}", edge_json::NAME)));
            }
            if suite.shots.is_some() != suite.shots_from.is_some() {
                return Err(Error::input(&place, "`shots` and `shots_from` belong together", "give both, or neither"));
            }
            suite.data = near.join(&suite.data);
            suite.schemas = suite.schemas.as_ref().map(|schemas| near.join(schemas));
            suite.shots_from = suite.shots_from.as_ref().map(|from| near.join(from));
        }
        for model in &mut list.model {
            if let ModelEntry::Local { path } = model
                && near.join(&*path).exists()
            {
                *path = near.join(&*path).to_string_lossy().into_owned();
            }
        }
        if list.suite.is_empty() || list.model.is_empty() {
            return Err(Error::input(&place, "no suite or no model", "give at least one [[suite]] and one [[model]]"));
        }
        Ok(list)
    }

    /// Evaluates all of it into `out` and writes `baselines.md` and `baselines.json`. What is filed there already is not done
    /// again; what was broken off goes on.
    ///
    /// # Errors
    /// The first evaluation's that fails, once all results before it are safe.
    pub fn run(&self, out: &Path, threads: usize, progress: &dyn Progress) -> Result<Table> {
        files::create_dir(out)?;
        // What is wrong with a file or a name is said before anything is decoded.
        for entry in &self.suite {
            entry.load(AbsentFields::Omitted)?;
        }
        let mut rows = Vec::new();
        for entry in &self.suite {
            let mut floors = Vec::new();
            for model in &self.model {
                for mode in &entry.modes {
                    let source = model.source(entry, *mode, threads, progress)?;
                    let suite = entry.load(edge_json::absent_fields(&source)?)?;
                    let (path, result) = result(&suite, &source, out, progress)?;
                    rows.push(row(&result, &path)?);
                    floors = floors_of(&result, &path)?;
                }
            }
            rows.extend(floors);
        }
        let table = Table { rows };
        let json = serde_json::to_vec_pretty(&table).map_err(|e| Error::internal("baselines", e))?;
        files::write(&out.join("baselines.json"), &[json.as_slice(), b"\n"].concat())?;
        files::write(&out.join("baselines.md"), table.markdown().as_bytes())?;
        Ok(table)
    }
}

impl SuiteEntry {
    /// The suite as a model is asked that writes `absent` fields so.
    fn load(&self, absent: AbsentFields) -> Result<edge_json::Suite> {
        let Some(schemas) = &self.schemas else {
            return Err(Error::input(&self.name, "no `schemas`", "give the folder of its schemas"));
        };
        let shots = self.shots.zip(self.shots_from.as_deref());
        let shots = shots.map(|(count, from)| Shots { count, from, seed: self.shots_seed });
        edge_json::Suite::load(Inputs { data: &self.data, schemas, limit: self.limit })?.on(Track {
            told: self.schema_in_prompt,
            shots,
            absent,
            ..Track::default()
        })
    }
}

impl ModelEntry {
    fn source(
        &self,
        suite: &SuiteEntry,
        mode: DecodingMode,
        threads: usize,
        progress: &dyn Progress,
    ) -> Result<Source> {
        let (constrained, max_new_tokens) = (mode == DecodingMode::Constrained, suite.max_new_tokens);
        Ok(match self {
            Self::Local { path } => Source::Model {
                path: crate::base::locate(path, progress)?,
                options: ModelOptions { constrained, max_new_tokens, threads },
            },
            Self::Server { endpoint, model, api_key_env, timeout, attempts } => Source::Endpoint(EndpointOptions {
                url: endpoint.clone(),
                model: model.clone(),
                api_key: api_key_env.as_deref().map(|name| endpoint::api_key("api_key_env", name)).transpose()?,
                constrained,
                max_new_tokens,
                threads,
                timeout: Duration::from_secs(timeout.unwrap_or(120).max(1)),
                attempts: attempts.unwrap_or(6).max(1),
            }),
        })
    }
}

/// The result that is filed, or a new one.
fn result<S: Suite>(suite: &S, source: &Source, out: &Path, progress: &dyn Progress) -> Result<(PathBuf, Value)> {
    if let Some(filed) = harness::filed(suite, source, out)? {
        progress.note(&format!("{} is there", filed.0.display()));
        return Ok(filed);
    }
    let keep = Keep { dir: out, stale: Stale::Refuse };
    let told = |evaluation: &harness::EvaluationOf<S>| format!("{} items", evaluation.result.n);
    let written = evaluation::evaluate(suite, source, keep, progress, told)?;
    let result = serde_json::from_slice(&files::read(&written.result_file)?);
    Ok((written.result_file, result.map_err(|e| Error::internal("result", e))?))
}

fn row(result: &Value, path: &Path) -> Result<Row> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let protocol = &result["protocol"];
    Ok(Row {
        suite: text(&result["suite"]).unwrap_or_default(),
        data: text(&protocol["data"]["name"]).unwrap_or_default(),
        track: text(&protocol["track"]),
        model: text(&result["model"]).unwrap_or_default(),
        mode: text(&protocol["mode"]).unwrap_or_default(),
        bytes: protocol["artifact"]["bytes"].as_u64(),
        n: result["n"].as_u64().unwrap_or_default(),
        scores: scores(&result["overall"])?,
        result_file: path.file_name().unwrap_or_default().into(),
    })
}

/// The floors of a suite as lines.
fn floors_of(result: &Value, path: &Path) -> Result<Vec<Row>> {
    let floors = result["floors"].as_object().into_iter().flatten();
    let line = |(name, scored): (&String, &Value)| {
        let scores = scores(&scored["overall"])?;
        let (model, mode) = (format!("floor: {name}"), "floor".to_owned());
        Ok(Row { model, mode, bytes: None, scores, ..row(result, path)? })
    };
    floors.map(line).collect()
}

fn scores(overall: &Value) -> Result<Vec<(String, Estimate)>> {
    let metrics = overall.as_object().into_iter().flatten();
    let read = |(name, value): (&String, &Value)| {
        let estimate = serde_json::from_value(value.clone()).map_err(|e| Error::internal("result", e))?;
        Ok((name.clone(), estimate))
    };
    metrics.map(read).collect()
}

impl Table {
    /// A table for each suite, data and track.
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "# Baselines\n\nScores with 95 % intervals; each file named is in this folder, with its protocol.\n",
        );
        let mut before = None;
        for row in &self.rows {
            let group = (&row.suite, &row.data, &row.track, row.n);
            if before != Some(group) {
                let track = row.track.as_ref().map(|track| format!(", track {track}")).unwrap_or_default();
                let _ =
                    write!(text, "\n## {}: {}{track}, {} items\n\n| model | mode | MB |", row.suite, row.data, row.n);
                row.scores.iter().for_each(|(name, _)| text.push_str(&format!(" {name} |")));
                let _ = write!(text, "\n|---|---|---|{}\n", "---|".repeat(row.scores.len()));
                before = Some(group);
            }
            let size = row.bytes.map_or_else(String::new, |bytes| format!("{:.1}", bytes as f64 / 1e6));
            let _ = write!(text, "| {} | {} | {size} |", row.model.replace('|', "\\|"), row.mode);
            for (_, estimate) in &row.scores {
                let _ = write!(text, " {estimate} |");
            }
            text.push('\n');
        }
        text
    }
}
