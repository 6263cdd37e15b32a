//! What can be typed: every verb, its flags and their meaning.

mod decoding;
mod eval;
mod functions;
mod intents;
mod zoo;

use std::path::PathBuf;

use bantam_train::DeviceChoice;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use decoding::{ChatArguments, ConstraintArguments, GenerateArguments, SamplingArguments};
pub use eval::{
    AskedArguments, AuditArguments, BaselinesArguments, CompareArguments, EdgeFuncCallArguments, EdgeIntentArguments,
    EdgeJsonArguments, EnergyArgument, EvalVerb, GateArguments, PerplexityArguments, SpeedArguments, SyntaxChoice,
    ToldArgument,
};
pub use functions::FunctionsArguments;
pub use intents::IntentsArguments;
pub use zoo::{RecallSetting, ZooArguments, ZooRecallArguments, ZooTableArguments, ZooTextsArguments, ZooVerb};

/// Builds, proves and ships small language models.
#[derive(Debug, Parser)]
#[command(name = "bantam", version, subcommand_required = true, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Make the last line of standard output one JSON object.
    #[arg(long, global = true)]
    pub json: bool,
    /// Show no progress.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Do everything a recipe says: data, tokenizer, training, packaging, evaluation, report.
    Run(RecipeArguments),
    /// Make data.
    #[command(subcommand)]
    Data(DataVerb),
    /// Make a tokenizer.
    #[command(subcommand)]
    Tokenizer(TokenizerVerb),
    /// Train a recipe's model, with the data and tokenizer it needs.
    Train(TrainArguments),
    /// Merge a LoRA adapter into its base model.
    Merge(MergeArguments),
    /// Make a model smaller.
    #[command(subcommand)]
    Compress(CompressVerb),
    /// Continue a prompt.
    Generate(GenerateArguments),
    /// Converse with a model.
    Chat(ChatArguments),
    /// Measure how well a model predicts a text: perplexity and bits per byte.
    Score(ScoreArguments),
    /// Score a model, or predictions, on a suite.
    #[command(subcommand)]
    Eval(EvalVerb),
    /// Measure speed: of a model's inference, or of a training step.
    #[command(args_conflicts_with_subcommands = true)]
    Bench(BenchArguments),
    /// Look at finished and unfinished runs.
    #[command(subcommand)]
    Runs(RunsVerb),
    /// Compare the mixers: what each costs at one number of parameters, and what it recalls.
    #[command(args_conflicts_with_subcommands = true)]
    Zoo(ZooArguments),
    /// Tell what this machine offers and which kernels are used on it.
    Doctor,
}

/// A recipe, and how to go through it.
#[derive(Args, Debug)]
pub struct RecipeArguments {
    /// The recipe file (TOML).
    pub recipe: PathBuf,
    /// The run folder; default: the recipe's `run.out`, or runs/<run.name>.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Override a value of the recipe: --set train.steps=200. May be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Where to train: cpu, vulkan, cuda, metal or auto; default: the recipe's `train.device`.
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceChoice>,
    /// Continue a training that was cut off. This is the default; the flag says it aloud.
    #[arg(long, conflicts_with = "restart")]
    pub resume: bool,
    /// Begin a training that was cut off anew.
    #[arg(long)]
    pub restart: bool,
}

/// `merge`.
#[derive(Args, Debug)]
pub struct MergeArguments {
    /// The model the adapter was trained on: a Hugging Face folder, a GGUF file or a run folder.
    #[arg(long, value_name = "DIR")]
    pub base: PathBuf,
    /// The adapter's folder, in PEFT's format.
    #[arg(long, value_name = "DIR")]
    pub adapter: PathBuf,
    /// The folder to write the merged model to.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// What `compress` can do.
#[derive(Debug, Subcommand)]
pub enum CompressVerb {
    /// Package a model as a GGUF in fewer bits, plain or compressed.
    Pack(PackArguments),
}

/// `compress pack`.
#[derive(Args, Debug)]
pub struct PackArguments {
    /// A Hugging Face folder, a GGUF file or a run folder, not quantized yet.
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k_m, q5_k_m or q6_k. Left out, a GGUF is only compressed.
    #[arg(long, value_name = "TYPE")]
    pub to: Option<String>,
    /// The file to write: .gguf, or .gguf.zst to compress it too.
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace the file if it is there.
    #[arg(long)]
    pub force: bool,
}

/// `train`.
#[derive(Args, Debug)]
pub struct TrainArguments {
    /// The recipe.
    #[command(flatten)]
    pub recipe: RecipeArguments,
    /// Only measure some steps, and tell how long training will take, its peak memory and its tokens.
    #[arg(long, conflicts_with_all = ["restart", "resume", "find_lr"])]
    pub preflight: bool,
    /// Only sweep over learning rates, and suggest one.
    #[arg(long, conflicts_with_all = ["restart", "resume"])]
    pub find_lr: bool,
}

/// What `data` can do.
#[derive(Debug, Subcommand)]
pub enum DataVerb {
    /// Generate EdgeJSON items and schemas: train, valid and test splits with their measured overlap.
    Generate {
        /// The folder to write.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Take the [data] section of this recipe; default: its defaults.
        #[arg(long, value_name = "FILE")]
        recipe: Option<PathBuf>,
        /// The seed; default: the recipe's.
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
        /// Write only a test split, on the same schemas and templates, with the values of seed N.
        #[arg(long, value_name = "N")]
        fresh_test: Option<u64>,
        /// Override a value of the recipe: --set data.drills=100.
        #[arg(long = "set", value_name = "KEY=VALUE")]
        overrides: Vec<String>,
    },
    /// Turn texts with intents into items to train on: CLINC150, Banking77 or a file with a taxonomy.
    Intents(IntentsArguments),
    /// Generate requests to devices, the functions offered and the calls asked for: train, valid and test splits.
    Functions(FunctionsArguments),
}

/// What `tokenizer` can do.
#[derive(Debug, Subcommand)]
pub enum TokenizerVerb {
    /// Train a byte-level BPE tokenizer on items as the model will see them.
    Train {
        /// Items (JSONL).
        #[arg(long, value_name = "F.jsonl")]
        data: PathBuf,
        /// The folder with `<schema_id>.json` files.
        #[arg(long, value_name = "DIR")]
        schemas: PathBuf,
        /// Tokens in all.
        #[arg(long, value_name = "N", default_value_t = 1024)]
        vocab_size: usize,
        /// The folder to write tokenizer.json and tokenizer_config.json to.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// `score`.
#[derive(Args, Debug)]
pub struct ScoreArguments {
    /// A Hugging Face folder, a GGUF file or a run folder.
    #[arg(long, value_name = "M")]
    pub model: PathBuf,
    /// The text (UTF-8).
    #[arg(long, value_name = "F")]
    pub text_file: PathBuf,
    /// Tokens a prediction may look back on; default: what the model was made for.
    #[arg(long, value_name = "N")]
    pub context: Option<usize>,
    /// Tokens between the starts of two windows; default: the context.
    #[arg(long, value_name = "N")]
    pub stride: Option<usize>,
    /// Write the logits, f32 [tokens, vocabulary], to this file.
    #[arg(long, value_name = "out.safetensors")]
    pub logits: Option<PathBuf>,
    #[command(flatten)]
    pub load: LoadArguments,
}

/// `bench`.
#[derive(Args, Debug)]
pub struct BenchArguments {
    /// What to measure instead of inference.
    #[command(subcommand)]
    pub what: Option<BenchVerb>,
    /// Inference of a model.
    #[command(flatten)]
    pub inference: Option<BenchInferenceArguments>,
    // Not inside the optional arguments: a group within them would hide that they were given.
    #[command(flatten)]
    pub load: LoadArguments,
}

/// `bench --model`.
#[derive(Args, Debug)]
pub struct BenchInferenceArguments {
    /// A GGUF file, a Hugging Face folder or a run folder; no tokenizer is needed.
    #[arg(long, value_name = "M.gguf")]
    pub model: PathBuf,
    /// Tokens of the prompt.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub prompt_tokens: usize,
    /// Tokens to decode.
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub gen_tokens: usize,
    /// Measurements; the medians are printed.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub repetitions: usize,
}

/// What else `bench` measures.
#[derive(Debug, Subcommand)]
pub enum BenchVerb {
    /// A training step: forward, backward, clip, AdamW.
    Train(BenchTrainArguments),
}

/// `bench train`.
#[derive(Args, Debug)]
pub struct BenchTrainArguments {
    /// Width of the residual stream.
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub width: usize,
    /// Number of blocks.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub layers: usize,
    /// Attention heads.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub heads: usize,
    /// Width inside the feed-forward.
    #[arg(long, value_name = "N", default_value_t = 344)]
    pub ffn: usize,
    /// Vocabulary.
    #[arg(long, value_name = "N", default_value_t = 2048)]
    pub vocab: usize,
    /// Sequences in a batch.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub batch: usize,
    /// Tokens in a sequence.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub context: usize,
    /// Steps to measure.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub steps: usize,
    /// Arithmetic of the matrix products.
    #[arg(long, value_name = "f32|bf16", default_value = "f32")]
    pub precision: String,
    /// Where to train: cpu, vulkan, cuda, metal or auto.
    #[arg(long, value_name = "DEVICE", default_value_t = DeviceChoice::Cpu)]
    pub device: DeviceChoice,
    /// Start from the weights of this Hugging Face folder, whose shape then counts.
    #[arg(long, value_name = "DIR")]
    pub init: Option<PathBuf>,
    /// Take the batches from this file: `tokens`, i64 or i32 [steps, batch, context + 1].
    #[arg(long, value_name = "F.safetensors")]
    pub batches: Option<PathBuf>,
    /// The learning rate.
    #[arg(long, value_name = "X", default_value_t = 1e-3)]
    pub lr: f64,
}

/// What `runs` can do.
#[derive(Debug, Subcommand)]
pub enum RunsVerb {
    /// One line for each run.
    List {
        /// Where the runs are.
        #[arg(long, value_name = "DIR", default_value = "runs")]
        dir: PathBuf,
    },
    /// In what two runs differ, and their metrics side by side.
    Diff {
        /// A name under the runs folder, or a run folder.
        a: PathBuf,
        /// Another.
        b: PathBuf,
        /// Where the runs are.
        #[arg(long, value_name = "DIR", default_value = "runs")]
        dir: PathBuf,
    },
    /// A run's recipe, stages, artifacts and results.
    Show {
        /// A name under the runs folder, or a run folder.
        run: PathBuf,
        /// Where the runs are.
        #[arg(long, value_name = "DIR", default_value = "runs")]
        dir: PathBuf,
    },
}

/// How a model is loaded to be run.
#[derive(Args, Debug)]
pub struct LoadArguments {
    /// Threads; default: all cores.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// How attention keeps keys and values; default: f16 for quantized weights, f32 for others.
    #[arg(long, value_name = "FORMAT")]
    pub cache: Option<CacheArgument>,
}

/// A number format of the attention's cache.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CacheArgument {
    /// 32-bit floats.
    F32,
    /// Halves.
    F16,
    /// Bytes in blocks of 32 with a scale.
    #[value(name = "q8_0")]
    Q8_0,
}
