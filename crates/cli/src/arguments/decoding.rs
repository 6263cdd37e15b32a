//! What can be said to the verbs that write text.

use std::path::PathBuf;

use clap::Args;

use super::LoadArguments;

/// `generate`.
#[derive(Args, Debug)]
pub struct GenerateArguments {
    /// A Hugging Face folder, a GGUF file or a run folder.
    #[arg(long, value_name = "M")]
    pub model: PathBuf,
    /// The text to continue.
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_file", required_unless_present = "prompt_file")]
    pub prompt: Option<String>,
    /// A file with the text to continue.
    #[arg(long, value_name = "F")]
    pub prompt_file: Option<PathBuf>,
    /// What the text has to follow.
    #[command(flatten)]
    pub constraint: ConstraintArguments,
    /// With --schema: strings that it leaves free are words of the prompt.
    #[arg(long, requires = "schema")]
    pub verbatim: bool,
    /// Put the prompt into the model's chat template: with --schema its signature as the system message, the prompt as the user's.
    #[arg(long)]
    pub chat: bool,
    /// Tokens to generate at most.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_new_tokens: usize,
    /// How tokens are chosen.
    #[command(flatten)]
    pub sampling: SamplingArguments,
    /// Tell every token's log-probability and the N most likely tokens beside it (with --json).
    #[arg(long, value_name = "N")]
    pub logprobs: Option<usize>,
    /// Guess ahead from the prompt and the text. The text is the same.
    #[arg(long, conflicts_with = "draft_model")]
    pub lookup: bool,
    /// Guess ahead with this smaller model, which has the same tokenizer. The text is the same.
    #[arg(long, value_name = "M")]
    pub draft_model: Option<PathBuf>,
    /// Search with so many beams for the most likely texts, in place of choosing token by token.
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["temperature", "top_k", "top_p", "min_p", "repetition_penalty", "presence_penalty",
            "frequency_penalty", "logit_bias", "stop", "logprobs", "lookup", "draft_model"]
    )]
    pub beams: Option<usize>,
    /// Beams: a text's log-probability is divided by its length to this power.
    #[arg(long, value_name = "X", default_value_t = 1.0, requires = "beams", allow_negative_numbers = true)]
    pub length_penalty: f64,
    #[command(flatten)]
    pub load: LoadArguments,
}

/// What a text has to follow; at most one of them.
#[derive(Args, Debug)]
pub struct ConstraintArguments {
    /// Allow only JSON that is valid by this JSON Schema.
    #[arg(long, value_name = "S.json", group = "follows")]
    pub schema: Option<PathBuf>,
    /// Allow only text that this regular expression matches as a whole.
    #[arg(long, value_name = "REGEX", group = "follows")]
    pub regex: Option<String>,
    /// Allow only text that this grammar (Lark's syntax, as llguidance reads it) derives.
    #[arg(long, value_name = "G.lark", group = "follows")]
    pub grammar: Option<PathBuf>,
}

/// How tokens are chosen.
#[derive(Args, Debug)]
pub struct SamplingArguments {
    /// 0 takes the most likely token; above, tokens are drawn.
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    pub temperature: f32,
    /// Draw only from the K most likely tokens; 0 is all.
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub top_k: usize,
    /// Draw only from the most likely tokens that reach this probability together.
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    pub top_p: f32,
    /// Draw only from tokens at least this fraction as likely as the most likely one.
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub min_p: f32,
    /// Divide positive and multiply negative logits of tokens in prompt and text; 1 is off.
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub repetition_penalty: f32,
    /// Subtract from the logits of tokens that the text has.
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_negative_numbers = true)]
    pub presence_penalty: f32,
    /// Subtract from the logits of tokens as often as the text has them.
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_negative_numbers = true)]
    pub frequency_penalty: f32,
    /// Add to a token's logit, by its id: --logit-bias 17=-2.5; -inf forbids it. May be given several times.
    #[arg(long, value_name = "ID=BIAS")]
    pub logit_bias: Vec<String>,
    /// End the text before this string. May be given several times.
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// The seed of the draws.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// `chat`.
#[derive(Args, Debug)]
pub struct ChatArguments {
    /// A Hugging Face folder, a GGUF file or a run folder; its model has a chat template.
    #[arg(long, value_name = "M")]
    pub model: PathBuf,
    /// The system's message.
    #[arg(long, value_name = "TEXT")]
    pub system: Option<String>,
    /// Tokens of an answer at most.
    #[arg(long, value_name = "N", default_value_t = 512)]
    pub max_new_tokens: usize,
    /// How tokens are chosen.
    #[command(flatten)]
    pub sampling: SamplingArguments,
    /// Keep the lines typed in this file, to be recalled next time.
    #[arg(long, value_name = "F")]
    pub history: Option<PathBuf>,
    #[command(flatten)]
    pub load: LoadArguments,
}
