//! What is minimized in a recipe's training: the next token alone, or with a teacher's distributions beside it.

use std::path::PathBuf;

use bantam_core::progress::Progress;
use bantam_core::run::RunFolder;
use bantam_core::{Error, Result, files, hash};
use bantam_data::packing::Example;
use bantam_formats::peft::weights_hash;
use bantam_formats::{ModelArtifact, ModelConfig, Tokenizer};
use bantam_model::weights;
use bantam_train::distillation::{Cache, CacheIdentity, Distillation, Teacher};
use bantam_train::{Device, NextToken, Objective};

use crate::base;
use crate::recipe::Recipe;

/// Files and folders that the objective reads, for the stage's key.
pub(crate) fn inputs(recipe: &Recipe, progress: &dyn Progress) -> Result<Vec<PathBuf>> {
    recipe.distill.iter().map(|section| base::locate(&section.teacher, progress)).collect()
}

/// The objective of a recipe for a student of the shape `student` that is trained on `sources` (items and weight). A teacher
/// computes on `device`.
pub(crate) fn of_recipe(
    recipe: &Recipe,
    student: &ModelConfig,
    tokenizer: &Tokenizer,
    sources: &[(Vec<Example>, f64)],
    device: &Device,
    run: &RunFolder,
    progress: &dyn Progress,
) -> Result<Box<dyn Objective>> {
    let label_smoothing = recipe.train.label_smoothing;
    let Some(section) = &recipe.distill else { return Ok(Box::new(NextToken { label_smoothing })) };
    let artifact = ModelArtifact::open_to_train(base::locate(&section.teacher, progress)?)?;
    let examples: Vec<Example> = sources.iter().flat_map(|(examples, _)| examples.clone()).collect();
    let examples = examples.as_slice();
    check_teacher(&artifact, student, tokenizer, examples)?;
    let teacher_sha256 = weights_hash(&artifact)?;
    let device = device.clone().without_autodiff();
    let model = || weights::load_artifact(&artifact, &device);
    let teacher = match section.cache_top_k {
        0 => Teacher::Live(Box::new(model()?)),
        top_k => {
            let identity = CacheIdentity {
                teacher_sha256: teacher_sha256.clone(),
                temperature: section.temperature as f32,
                top_k: top_k.min(student.vocab_size),
                vocabulary: student.vocab_size,
            };
            let folder = run.path().join("teacher");
            let path = folder.join(identity.file_name(examples));
            if !path.is_file() {
                progress.note(&format!("{:>16} is asked for {} items", "teacher", examples.len()));
                files::create_dir(&folder)?;
                Cache::write(&path, &identity, &model()?, &device, examples, batch_tokens(recipe))?;
            }
            Teacher::Cached(Cache::read(&path, &identity, examples)?)
        }
    };
    Ok(Box::new(Distillation { config: section.config(), label_smoothing, teacher, teacher_sha256 }))
}

fn batch_tokens(recipe: &Recipe) -> usize {
    recipe.train.phases.iter().map(|p| p.batch_tokens).max().unwrap_or(2048)
}

/// A teacher speaks the student's vocabulary and has positions for its items.
fn check_teacher(
    teacher: &ModelArtifact,
    student: &ModelConfig,
    tokenizer: &Tokenizer,
    examples: &[Example],
) -> Result<()> {
    let wrong = |what: String, remedy: &str| Err(Error::input(teacher.path().display(), what, remedy));
    let same = "a teacher must have the student's tokenizer";
    let config = teacher.config();
    if config.vocab_size != student.vocab_size {
        return wrong(format!("it tells {} tokens apart, the student {}", config.vocab_size, student.vocab_size), same);
    }
    let (theirs, ours) = (vocabulary_hash(&teacher.tokenizer()?), vocabulary_hash(tokenizer));
    if theirs != ours {
        let what = format!("its vocabulary ({}) is not the student's ({})", &theirs[..12], &ours[..12]);
        return wrong(what, same);
    }
    let longest = examples.iter().map(|e| e.tokens.len()).max().unwrap_or(0);
    if longest > config.max_position_embeddings {
        let what = format!("it has {} positions, an item has {longest} tokens", config.max_position_embeddings);
        return wrong(what, "lower max_item_tokens in train.phases, or take another teacher");
    }
    Ok(())
}

/// A hash of every token with its id.
fn vocabulary_hash(tokenizer: &Tokenizer) -> String {
    let token = |id: u32| format!("{id} {:?}\n", tokenizer.id_to_token(id));
    hash::bytes((0..tokenizer.vocab_size() as u32).map(token).collect::<String>().as_bytes())
}
