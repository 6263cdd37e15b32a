//! The graph from a model and files of items to an adapter, or to the model trained further.

use std::path::{Path, PathBuf};

use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files, hash};
use bantam_data::packing::Example;
use bantam_data::{chat, completion};
use bantam_formats::peft::weights_hash;
use bantam_formats::{ModelArtifact, Tokenizer, hf};
use bantam_model::{adapters, weights};
use bantam_train::Start;
use bantam_train::examples::fine_tuning::{self, Tokenized, TooLong};
use serde_json::{Value, json};

use crate::base;
use crate::edge_json::{Request, Summary, part, summarize};
use crate::objective;
use crate::recipe::{FineTuneSection, Method, Recipe, SourceFile, SourceKind, check_trainable};
use crate::stage::{self, Options, Output, Stage, StageContext};
use crate::training::{self, Material, open_device};

/// Fine-tunes as the recipe's `[finetune]` says, skipping what is there already.
pub fn execute(
    recipe: &Recipe,
    section: &FineTuneSection,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Summary> {
    let task = Task::open(recipe, section, progress)?;
    let run = RunFolder::create(&recipe.folder())?;
    let _lock = run.lock()?;
    let resolved = recipe.to_toml()?;
    if !run.recipe().is_file() || files::read_text(&run.recipe())? != resolved {
        files::write(&run.recipe(), resolved.as_bytes())?;
    }
    let options = Options { until: request.until.filter(|until| *until == UNTIL_DATA), restart: request.restart };
    let finished = stage::run(&mut task.stages(progress)?, &run, progress, options)?;
    summarize(recipe, request, &run, &finished)
}

/// The stage that reads and counts the items.
pub(crate) const UNTIL_DATA: &str = "data";

/// What a fine-tuning of the recipe would be made from.
pub(crate) fn material(
    recipe: &Recipe,
    section: &FineTuneSection,
    run: &RunFolder,
    progress: &dyn Progress,
) -> Result<Material> {
    Task::open(recipe, section, progress)?.material(run, progress)
}

/// What every stage needs.
struct Task<'a> {
    recipe: &'a Recipe,
    section: &'a FineTuneSection,
    artifact: ModelArtifact,
}

impl<'a> Task<'a> {
    fn open(recipe: &'a Recipe, section: &'a FineTuneSection, progress: &dyn Progress) -> Result<Self> {
        let artifact = ModelArtifact::open_to_train(base::locate(&section.base, progress)?)?;
        check_trainable(artifact.config()).map_err(|e| e.at("finetune.base"))?;
        Ok(Self { recipe, section, artifact })
    }

    fn stages(&self, progress: &dyn Progress) -> Result<Vec<Stage<'_>>> {
        let base = self.artifact.path().to_owned();
        let sources = self.section.sources.iter().chain(&self.section.validation).map(|s| s.file.clone());
        let limits = part(&self.recipe.train.phases)?;
        let section = part(self.section)?;
        let (train_config, distill) = (part(&self.recipe.train)?, part(&self.recipe.distill)?);
        Ok(vec![
            Stage {
                inputs: sources.chain([base]).collect(),
                ..Stage::new("data", json!([section, limits]), &[], Box::new(|c| self.data(c)))
            },
            Stage {
                inputs: objective::inputs(self.recipe, progress)?,
                ..Stage::new(
                    "train",
                    json!([section, train_config, self.recipe.run.seed, distill]),
                    &["data"],
                    Box::new(|c| self.train(c)),
                )
            },
            Stage::new("package", section, &["data", "train"], Box::new(|c| self.package(c))),
        ])
    }

    /// Longest item: what some phase takes, and the model has positions for.
    fn longest(&self) -> usize {
        let of_phases = self.recipe.train.phases.iter().map(|p| p.max_item_tokens.min(p.batch_tokens)).max();
        of_phases.unwrap_or(usize::MAX).min(self.artifact.config().max_position_embeddings)
    }

    fn read(&self, source: &SourceFile, tokenizer: &Tokenizer) -> Result<Tokenized> {
        let place = source.file.display().to_string();
        match source.kind {
            SourceKind::Chat => {
                let Some(template) = self.artifact.chat_template() else {
                    let what = "the base model has no chat template";
                    return Err(Error::input(place, what, "give a file of prompts and completions instead"));
                };
                let items = chat::read_jsonl(&source.file)?;
                fine_tuning::conversations(&items, tokenizer, template, self.longest(), &place)
            }
            SourceKind::Completion => {
                let items = completion::read_jsonl(&source.file)?;
                fine_tuning::completions(&items, tokenizer, self.longest())
            }
        }
    }

    /// Items and weight of each file.
    fn examples(&self, sources: &[SourceFile], tokenizer: &Tokenizer) -> Result<Vec<(Vec<Example>, f64)>> {
        sources.iter().map(|s| Ok((self.read(s, tokenizer)?.examples, s.weight))).collect()
    }

    /// Looks at all items, and writes down what was found: counts, hashes, and the lines that are too long.
    fn data(&self, context: &StageContext<'_>) -> Result<Vec<Output>> {
        context.progress.start("data", None);
        let tokenizer = self.artifact.tokenizer()?;
        // Later stages depend on this file's content, and so on the base's.
        let base = json!({
            "weights_sha256": weights_hash(&self.artifact)?,
            "tokenizer_sha256": hash::bytes(tokenizer.json().as_bytes()),
            "chat_template_sha256": self.artifact.chat_template().map(|t| hash::bytes(t.as_bytes())),
            "config": format!("{:?}", self.artifact.config()),
        });
        let (mut told, mut kept) = (Vec::new(), [0, 0]);
        let mut left_out = 0;
        for (split, sources) in [&self.section.sources, &self.section.validation].into_iter().enumerate() {
            for source in sources {
                let made = self.read(source, &tokenizer)?;
                kept[split] += made.examples.len();
                left_out += made.too_long.len();
                if let Some(TooLong { line, tokens }) = made.too_long.first() {
                    context.progress.note(&format!(
                        "{}: {} items are longer than {} tokens and left out; the first is line {line} with {tokens}",
                        source.file.display(),
                        made.too_long.len(),
                        self.longest(),
                    ));
                }
                told.push(described(source, ["train", "valid"][split], &made, self.longest())?);
            }
        }
        if kept[0] == 0 {
            let what = format!("no item has at most {} tokens", self.longest());
            return Err(Error::input(
                "finetune.sources",
                what,
                "raise max_item_tokens and batch_tokens in train.phases",
            ));
        }
        let path = context.run.data().join("sources.json");
        files::create_dir(&context.run.data())?;
        files::write(&path, format!("{:#}\n", json!({ "base": base, "files": told })).as_bytes())?;
        let [train, valid] = kept;
        context.progress.finish(&format!("{train} training, {valid} validation items, {left_out} too long"));
        Ok(vec![Output::Content("data".into())])
    }

    fn train(&self, context: &StageContext<'_>) -> Result<Vec<Output>> {
        training::train(&self.material(context.run, context.progress)?, self.recipe, context)
    }

    fn material(&self, run: &RunFolder, progress: &dyn Progress) -> Result<Material> {
        let tokenizer = self.artifact.tokenizer()?;
        let sources = self.examples(&self.section.sources, &tokenizer)?;
        let valid = self.examples(&self.section.validation, &tokenizer)?.into_iter().flat_map(|(e, _)| e).collect();
        let (config, opened) = (self.artifact.config().clone(), open_device(self.recipe)?);
        let device = opened.device.clone().autodiff();
        let (model, trainable) = match self.section.method {
            Method::Full => (weights::load_artifact(&self.artifact, &device)?, None),
            method => {
                let base = match method {
                    Method::Qlora => adapters::load_quantized(&self.artifact, &device)?,
                    _ => weights::load_artifact(&self.artifact, &device)?,
                };
                let adapter = adapters::start(&config, &self.section.adapter(), self.recipe.run.seed)?;
                let model = adapters::attach(base, &adapter, &device)?;
                let names = adapters::parameter_names(&model);
                (model, Some(names))
            }
        };
        let objective = objective::of_recipe(self.recipe, &config, &tokenizer, &sources, &device, run, progress)?;
        let start = Start::Model(Box::new(model));
        let parameters = config.parameter_count();
        Ok(Material { config, parameters, sources, valid, start, trainable, objective, device: opened })
    }

    fn package(&self, context: &StageContext<'_>) -> Result<Vec<Output>> {
        context.progress.start("package", None);
        let trained = bantam_train::final_weights(&context.run.checkpoints())?;
        let trained = trained.ok_or_else(|| Error::internal("package", "training left no checkpoint"))?;
        let config = self.artifact.config();
        if self.section.method == Method::Full {
            hf::write_folder(&context.run.model(), config, &trained, Some(&self.artifact.tokenizer_bundle()?))?;
            context.progress.finish(&format!("model/, {} parameters", config.parameter_count()));
            return Ok(vec![Output::Content("model".into())]);
        }
        let mut adapter = adapters::from_tensors(trained, config, &self.section.adapter())?;
        adapter.base_sha256 = Some(weights_hash(&self.artifact)?);
        adapter.write(&context.run.adapter())?;
        let parameters: usize = adapter.pairs.iter().map(|p| p.a.len() + p.b.len()).sum();
        context.progress.finish(&format!("adapter/, {parameters} parameters"));
        Ok(vec![Output::Content("adapter".into())])
    }
}

/// What `data/sources.json` says of one file.
fn described(source: &SourceFile, split: &str, made: &Tokenized, longest: usize) -> Result<Value> {
    let tokens: usize = made.examples.iter().map(|e| e.tokens.len()).sum();
    let targets: usize = made.examples.iter().map(|e| e.targets().count()).sum();
    let too_long: Vec<Value> = made.too_long.iter().map(|t| json!({"line": t.line, "tokens": t.tokens})).collect();
    Ok(json!({
        "split": split,
        "file": name(&source.file),
        "sha256": hash::file(&source.file)?,
        "items": made.examples.len(),
        "tokens": tokens,
        "target_tokens": targets,
        "limit": longest,
        "too_long": too_long,
    }))
}

/// The file's name without its folder: where it lay is no part of what it is.
fn name(path: &Path) -> PathBuf {
    path.file_name().map(PathBuf::from).unwrap_or_default()
}
