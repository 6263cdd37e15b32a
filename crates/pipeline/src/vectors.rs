//! The graph from documents of vectors to a scored vector model: windows, training, the model's folder, evaluation beside the floors.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files, hash};
use bantam_data::packing::Example;
use bantam_data::windows::{self, Parts};
use bantam_eval::result::Artifact;
use bantam_eval::vectors::floors::{self, Floors};
use bantam_eval::vectors::{self as suite, Judged, Window};
use bantam_formats::{VectorConfig, VectorFile};
use bantam_model::vectors::Vectors;
use bantam_model::{VectorModel, weights};
use bantam_train::{Start, VectorSetup, predictions};
use serde_json::{Value, json};

use crate::edge_json::{Request, Summary, part, summarize};
use crate::recipe::{Recipe, VectorSection, mixers, parameters};
use crate::stage::{self, Options, Output, Stage, StageContext};
use crate::training::{self, Material, open_device};

/// The stage that scores the model.
pub(crate) const EVALUATION: &str = "eval-vectors";

/// Makes what the recipe's `[vectors]` says, skipping what is there already.
pub fn execute(
    recipe: &Recipe,
    section: &VectorSection,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Summary> {
    let task = Task { recipe, section };
    let run = RunFolder::create(&recipe.folder())?;
    let _lock = run.lock()?;
    let resolved = recipe.to_toml()?;
    if !run.recipe().is_file() || files::read_text(&run.recipe())? != resolved {
        files::write(&run.recipe(), resolved.as_bytes())?;
    }
    let options = Options { until: request.until, restart: request.restart };
    let finished = stage::run(&mut task.stages()?, &run, progress, options)?;
    summarize(recipe, request, &run, &finished)
}

/// What a training of the recipe would be made from.
pub(crate) fn material(recipe: &Recipe, section: &VectorSection) -> Result<Material<VectorModel>> {
    Task { recipe, section }.material()
}

/// The scores of an evaluation's result file, beside the floors'.
pub(crate) fn scores(result: &Path) -> Result<Value> {
    let value: Value = serde_json::from_slice(&files::read(result)?)
        .map_err(|e| Error::input(result.display(), format_args!("not a result: {e}"), "remove it and run again"))?;
    Ok(json!({ "n": value["n"], "overall": value["overall"], "floors": value["floors"] }))
}

/// What every stage needs.
struct Task<'a> {
    recipe: &'a Recipe,
    section: &'a VectorSection,
}

/// The file's documents in the order that training numbers them in: those that are trained on first.
struct Documents {
    file: VectorFile,
    parts: Parts,
}

impl Documents {
    /// The windows of some documents, each with its document.
    fn windows(&self, documents: &[usize], length: usize) -> Vec<(usize, Example)> {
        let of = |&d: &usize| windows::windows(self.file.documents[d].clone(), length).into_iter().map(move |w| (d, w));
        documents.iter().flat_map(of).collect()
    }

    fn vectors(&self, range: Range<usize>) -> &[f32] {
        &self.file.values[range.start * self.file.size..range.end * self.file.size]
    }
}

impl Task<'_> {
    fn stages(&self) -> Result<Vec<Stage<'_>>> {
        let data = self.section.file.clone();
        let section = part(self.section)?;
        let seed = self.recipe.run.seed;
        let (model, train) = (part(&self.recipe.model)?, part(&self.recipe.train)?);
        Ok(vec![
            Stage {
                inputs: vec![data.clone()],
                ..Stage::new("data", json!([section, seed]), &[], Box::new(|c| self.data(c)))
            },
            Stage {
                inputs: vec![data.clone()],
                ..Stage::new(
                    "train",
                    json!([section, model, train, seed]),
                    &["data"],
                    Box::new(|c: &StageContext<'_>| training::train(&self.material()?, self.recipe, c)),
                )
            },
            Stage::new("package", json!([section, model]), &["data", "train"], Box::new(|c| self.package(c))),
            Stage {
                inputs: vec![data],
                ..Stage::new(EVALUATION, json!([section, seed]), &["data", "package"], Box::new(|c| self.evaluate(c)))
            },
        ])
    }

    /// Reads the file, and puts the vectors of the documents that are trained on before all others.
    fn documents(&self) -> Result<Documents> {
        let place = self.section.file.display().to_string();
        let read = VectorFile::read(&self.section.file)?;
        if self.section.domains && read.domains.is_empty() {
            let what = "vectors.domains is set, and the file has no `domains`";
            return Err(Error::input(place, what, "add the codes, or leave the key out"));
        }
        // One of one vector has nothing to predict.
        let long: Vec<Range<usize>> = read.documents.iter().filter(|d| d.len() > 1).cloned().collect();
        let (valid, test) = (self.section.validation, self.section.test);
        let parts = windows::split(long.len(), valid, test, self.recipe.run.seed, &place)?;
        let order = parts.train.iter().chain(&parts.valid).chain(&parts.test);
        let (mut values, mut domains, mut documents) = (Vec::new(), Vec::new(), Vec::new());
        for document in order.map(|&d| &long[d]) {
            let start = values.len() / read.size;
            values.extend_from_slice(&read.values[document.start * read.size..document.end * read.size]);
            domains.extend_from_slice(read.domains.get(document.clone()).unwrap_or_default());
            documents.push(start..start + document.len());
        }
        let (trained, validated) = (parts.train.len(), parts.train.len() + parts.valid.len());
        let numbers = |range: Range<usize>| range.collect::<Vec<usize>>();
        let parts = Parts {
            train: numbers(0..trained),
            valid: numbers(trained..validated),
            test: numbers(validated..documents.len()),
        };
        Ok(Documents { file: VectorFile { size: read.size, values, documents, domains }, parts })
    }

    /// Looks at all documents, and writes down what was found: counts, and how much of the test is in the training.
    fn data(&self, context: &StageContext<'_>) -> Result<Vec<Output>> {
        context.progress.start("data", None);
        let documents = self.documents()?;
        let Documents { file, parts } = &documents;
        let bits = |document: usize| {
            let vectors = documents.vectors(file.documents[document].clone());
            vectors.chunks_exact(file.size).map(|v| v.iter().map(|x| x.to_bits()).collect::<Vec<u32>>())
        };
        let trained: HashSet<Vec<u32>> = parts.train.iter().flat_map(|&d| bits(d)).collect();
        let overlap = |part: &[usize]| {
            let all = part.iter().map(|&d| file.documents[d].len()).sum::<usize>();
            let known = part.iter().flat_map(|&d| bits(d)).filter(|v| trained.contains(v)).count();
            known as f64 / all as f64
        };
        let told = |part: &[usize]| {
            let windows = documents.windows(part, self.section.window);
            json!({
                "documents": part.len(),
                "vectors": part.iter().map(|&d| file.documents[d].len()).sum::<usize>(),
                "windows": windows.len(),
                "predictions": windows.iter().map(|(_, w)| w.targets().count()).sum::<usize>(),
            })
        };
        let (valid, test) = (overlap(&parts.valid), overlap(&parts.test));
        let record = json!({
            "file": self.section.file.file_name().map(|n| n.to_string_lossy()),
            "sha256": hash::file(&self.section.file)?,
            "size": file.size,
            "train": told(&parts.train),
            "valid": told(&parts.valid),
            "test": told(&parts.test),
            "vectors_also_in_training": { "valid": valid, "test": test },
        });
        files::create_dir(&context.run.data())?;
        files::write(&context.run.data().join("documents.json"), format!("{record:#}\n").as_bytes())?;
        let counts = [&parts.train, &parts.valid, &parts.test].map(Vec::len);
        context.progress.finish(&format!(
            "{} training, {} validation, {} test documents; {:.1} % of the test's vectors are in the training's",
            counts[0],
            counts[1],
            counts[2],
            100.0 * test
        ));
        Ok(vec![Output::Content("data".into())])
    }

    fn config(&self, file: &VectorFile) -> Result<VectorConfig> {
        let codes = file.domains.iter().max().map_or(0, |most| *most as usize + 1);
        let domains = if self.section.domains { codes } else { 0 };
        let of = |recipe: &Recipe| self.section.model_config(recipe, file.size, domains);
        let mut sized = self.recipe.clone();
        if let Some(budget) = &self.recipe.model.budget {
            let budget = parameters(budget, "model.budget")?;
            mixers::fit(&mut sized, budget, "model.budget", |tried| Ok(of(tried)?.parameter_count()))?;
        }
        let config = of(&sized)?;
        mixers::check(&config.blocks, self.recipe.train.gradient_checkpointing, "model.mixers")?;
        config.validate("model")?;
        Ok(config)
    }

    fn material(&self) -> Result<Material<VectorModel>> {
        let documents = self.documents()?;
        let length = self.section.window;
        let of = |part: &[usize]| documents.windows(part, length).into_iter().map(|(_, w)| w).collect::<Vec<Example>>();
        let (train, valid) = (of(&documents.parts.train), of(&documents.parts.valid));
        let Documents { file, parts } = documents;
        let trained = parts.train.last().map_or(0, |&d| file.documents[d].end);
        let config = self.config(&file)?;
        let scaler = config.ports.is_scaled().then(|| robust(&file.values[..trained * file.size], file.size));
        let vectors = Arc::new(Vectors::new(file.size, file.values, file.domains));
        Ok(Material {
            parameters: config.parameter_count(),
            config: VectorSetup { config, vectors, scaler },
            sources: vec![(train, 1.0)],
            valid,
            start: Start::Random,
            trainable: None,
            objective: Box::new(self.section.loss(trained)),
            device: open_device(self.recipe)?,
        })
    }

    fn package(&self, context: &StageContext<'_>) -> Result<Vec<Output>> {
        context.progress.start("package", None);
        let trained = bantam_train::final_weights(&context.run.checkpoints())?;
        let trained = trained.ok_or_else(|| Error::internal("package", "training left no checkpoint"))?;
        let config = self.config(&self.documents()?.file)?;
        config.write_folder(&context.run.model(), &trained)?;
        context.progress.finish(&format!("model/, {} parameters", config.parameter_count()));
        Ok(vec![Output::Content("model".into())])
    }

    /// Scores the model's folder, as anyone would load it, on the test documents.
    fn evaluate(&self, context: &StageContext<'_>) -> Result<Vec<Output>> {
        context.progress.start("eval", None);
        let documents = self.documents()?;
        let size = documents.file.size;
        let (config, tensors) = VectorConfig::read_folder(&context.run.model())?;
        let device = open_device(self.recipe)?.device;
        let vectors = Arc::new(Vectors::new(size, documents.file.values.clone(), documents.file.domains.clone()));
        let model = VectorModel::new(&config, vectors, &device);
        let model = weights::load(model, tensors, &context.run.model().display().to_string())?;
        let of = |part: &[usize]| documents.windows(part, self.section.window);
        let tested = of(&documents.parts.test);
        let examples: Vec<Example> = tested.iter().map(|(_, window)| window.clone()).collect();
        let tokens = self.recipe.train.phases.iter().map(|p| p.batch_tokens).max().unwrap_or(2048);
        let predicted = predictions(&model, &examples, tokens);
        let window = |(document, window): &(usize, Example)| {
            let first = window.tokens[0] as usize;
            Window {
                id: format!("{document}/{}", first - documents.file.documents[*document].start),
                document: *document,
                vectors: documents.vectors(first..first + window.tokens.len()),
            }
        };
        let all = |part: &[usize]| of(part).iter().map(window).collect::<Vec<Window<'_>>>();
        let floors = Floors::fit(size, &all(&documents.parts.train), &all(&documents.parts.valid));
        let artifact = Artifact {
            path: context.run.model().display().to_string(),
            kind: "hf".into(),
            sha256: hash::tree(&context.run.model())?,
            bytes: std::fs::metadata(context.run.model().join("model.safetensors")).map_or(0, |m| m.len()),
            parameters: config.parameter_count(),
        };
        let windows: Vec<Window<'_>> = tested.iter().map(window).collect();
        let judged = Judged {
            model: &context.run.name(),
            artifact,
            data: &self.section.file,
            size,
            windows: &windows,
            predicted: &predicted,
            floors: &floors,
        };
        let evaluation = suite::evaluate(&judged)?;
        let (result, samples) = evaluation.write(&context.run.results())?;
        let error = |name: &str| evaluation.result.floors[name].overall["squared_error"].value;
        let floors: Vec<String> = floors::NAMES.iter().map(|n| format!("{n} {:.4}", error(n))).collect();
        let own = evaluation.result.tables.overall["squared_error"];
        context.progress.finish(&format!("squared error {:.4} ({})", own.value, floors.join(", ")));
        let inside = |path: &Path| Path::new("results").join(path.file_name().unwrap_or_default());
        Ok(vec![Output::Content(inside(&samples)), Output::Record(inside(&result))])
    }
}

/// Median and interquartile range of each component; a component that hardly varies keeps its scale.
fn robust(values: &[f32], size: usize) -> [Vec<f32>; 2] {
    let (mut medians, mut spreads) = (Vec::with_capacity(size), Vec::with_capacity(size));
    for component in 0..size {
        let mut column: Vec<f32> = values.iter().skip(component).step_by(size).copied().collect();
        column.sort_by(f32::total_cmp);
        let at = |q: f64| {
            let place = q * (column.len() - 1) as f64;
            let (below, above) = (f64::from(column[place as usize]), f64::from(column[place.ceil() as usize]));
            below + (above - below) * place.fract()
        };
        medians.push(at(0.5) as f32);
        let spread = (at(0.75) - at(0.25)) as f32;
        spreads.push(if spread > 1e-6 { spread } else { 1.0 });
    }
    [medians, spreads]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scaler_is_the_median_and_the_interquartile_range() {
        // numpy: median and percentiles 25, 75 of 1, 2, 4, 8, 100 and of five equal numbers.
        let values = [1.0, 3.0, 100.0, 3.0, 2.0, 3.0, 8.0, 3.0, 4.0, 3.0];
        assert_eq!(robust(&values, 2), [vec![4.0, 3.0], vec![6.0, 1.0]]);
    }
}
