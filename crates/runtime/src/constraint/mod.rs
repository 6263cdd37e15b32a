//! Decoding held to a JSON Schema, a regular expression or a grammar, with `llguidance`.

mod any_order;
mod schema;
mod verbatim;

pub use verbatim::verbatim;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bantam_core::{Error, Result};
use bantam_formats::subschemas::subschemas;
use bantam_formats::{Tokenizer, answer_order};
use llguidance::api::{ParserLimits, StopReason, TopLevelGrammar};
use llguidance::toktrie::{InferenceCapabilities, TokEnv, TokRxInfo, TokTrie, TokenizerEnv};
use llguidance::{Matcher, ParserFactory};
use serde_json::Value;

/// Longer tokens are never allowed in constrained text: the trie has room for 1,024 bytes.
const LONGEST_TOKEN: usize = 1000;

/// Compiles schemas, regular expressions and grammars for one tokenizer. Made once per tokenizer: it holds the trie of its tokens.
pub struct ConstraintCompiler {
    factory: ParserFactory,
    assert_formats: bool,
}

/// A compiled schema, regular expression or grammar. Every generation under it starts a [`ConstraintState`] of its own.
pub struct Constraint {
    name: String,
    vocab_size: usize,
    // A matcher's clone and its source share caches; a deep clone does not, but making it needs the source at rest.
    fresh: Mutex<Matcher>,
}

/// A text being written under a constraint.
pub struct ConstraintState {
    name: String,
    vocab_size: usize,
    matcher: Matcher,
}

/// The tokenizer as `llguidance` wants it.
struct Environment {
    tokenizer: Tokenizer,
    trie: TokTrie,
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    /// Tokens as the tokenizer itself would write the bytes, so that what a schema forces is spelled as the model was trained
    /// to see it. Where the tokenizer cannot give these bytes back (not UTF-8, normalized, a special token's text), the
    /// longest matching tokens.
    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let ids = self.tokenizer.encode(text, false);
            let faithful = !ids.iter().any(|id| self.tokenizer.is_special(*id))
                && ids.iter().flat_map(|id| self.tokenizer.token_bytes(*id)).eq(bytes.iter().copied());
            if faithful {
                return ids;
            }
        }
        self.trie.greedy_tokenize(bytes)
    }
}

impl ConstraintCompiler {
    /// Prepares a tokenizer. `end_tokens` are the tokens that end a text (a model's `eos_token_ids`).
    /// An input error when there is none, since nothing could then end a text that may go on.
    pub fn new(tokenizer: &Tokenizer, end_tokens: &[u32]) -> Result<Self> {
        let vocab = tokenizer.vocab_size();
        let mut ends: Vec<u32> = end_tokens.iter().copied().chain(tokenizer.eos()).collect();
        ends.retain(|id| (*id as usize) < vocab);
        ends.sort_unstable();
        ends.dedup();
        let Some(&first) = ends.first() else {
            return Err(Error::input(
                "tokenizer",
                "it has no end-of-text token, which constrained decoding needs",
                "name one in config.json as eos_token_id",
            ));
        };
        let words: Vec<Vec<u8>> = (0..vocab as u32)
            .map(|id| {
                let bytes = tokenizer.token_bytes(id);
                if bytes.len() > LONGEST_TOKEN {
                    Vec::new()
                } else if tokenizer.is_special(id) {
                    // The mark that keeps a special token from being taken for its text.
                    [&[TokTrie::SPECIAL_TOKEN_MARKER], bytes.as_slice()].concat()
                } else {
                    bytes
                }
            })
            .collect();
        let trie = TokTrie::from(&TokRxInfo::new(vocab as u32, first), &words).with_eos_tokens(&ends);
        let environment: TokEnv = Arc::new(Environment { tokenizer: tokenizer.clone(), trie });
        let capabilities = InferenceCapabilities { ff_tokens: true, ..InferenceCapabilities::default() };
        // Without slices: they speed up masks of vocabularies far larger than a nano model's.
        let mut factory = ParserFactory::new(&environment, capabilities, &[])
            .map_err(|e| Error::input("tokenizer", e, "use a byte-level tokenizer"))?;
        factory.quiet();
        *factory.limits_mut() = ParserLimits { verbose_errors: false, ..ParserLimits::default() };
        Ok(Self { factory, assert_formats: false })
    }

    /// Whether `format` binds (dates must be RFC 3339's, and so on). By default it is an annotation, as draft 2020-12 has it,
    /// so that whatever validates can be written.
    pub fn assert_formats(mut self, yes: bool) -> Self {
        self.assert_formats = yes;
        self
    }

    /// Compiles a JSON Schema to the language of its instances as compact JSON: no white space, keys in the schema's
    /// order, but for [sets of slots](answer_order::is_slots), whose keys come in any, and no properties that it does not name
    /// unless it says that there may be others. `name` is the schema's file or id, for errors.
    ///
    /// An input error naming schema and keyword when the schema is malformed, cannot be satisfied, or uses what the
    /// constraint engine cannot express.
    pub fn compile(&self, name: &str, schema: &Value) -> Result<Constraint> {
        match self.schema_matcher(schema) {
            Ok(matcher) => Ok(self.constraint(name, matcher)),
            Err(what) => {
                let (pointer, what) = self.culprit(schema).unwrap_or((String::new(), what));
                Err(Error::input(
                    format!("{name}: #{pointer}"),
                    format!("the constraint engine cannot use this schema: {what}"),
                    "rewrite that part of the schema, or decode without the constraint",
                ))
            }
        }
    }

    /// Compiles a regular expression (the `regex` crate's syntax, without look-around) that the whole text matches.
    /// `name` is where it was given, for errors. An input error when it is malformed or beyond the engine.
    pub fn compile_regex(&self, name: &str, regex: &str) -> Result<Constraint> {
        self.compile_grammar(name, "regular expression", TopLevelGrammar::from_regex(regex))
    }

    /// Compiles a grammar in llguidance's variant of Lark's syntax, whose rule `start` the whole text matches.
    /// `name` is the grammar's file, for errors. An input error when it is malformed or beyond the engine.
    pub fn compile_lark(&self, name: &str, grammar: &str) -> Result<Constraint> {
        self.compile_grammar(name, "grammar", TopLevelGrammar::from_lark(grammar.to_owned()))
    }

    fn compile_grammar(&self, name: &str, kind: &str, grammar: TopLevelGrammar) -> Result<Constraint> {
        let wrong = |what| {
            let what = format!("the constraint engine cannot use this {kind}: {what}");
            Error::input(name, what, format!("correct the {kind}, or decode without the constraint"))
        };
        self.matcher(grammar).map(|matcher| self.constraint(name, matcher)).map_err(wrong)
    }

    fn constraint(&self, name: &str, matcher: Matcher) -> Constraint {
        let vocab_size = self.factory.tok_env().tok_trie().vocab_size();
        Constraint { name: name.to_owned(), vocab_size, fresh: Mutex::new(matcher) }
    }

    /// The JSON pointer of the smallest part of a schema that the engine refuses by itself, and why.
    fn culprit(&self, root: &Value) -> Option<(String, String)> {
        let definitions = ["$defs", "definitions"].map(|key| (key, root.get(key).cloned()));
        let (mut at, mut found) = (root, None);
        let mut pointer = String::new();
        'deeper: loop {
            for (step, part) in subschemas(at) {
                let mut alone = part.clone();
                if let Value::Object(keys) = &mut alone {
                    // So that references still lead somewhere.
                    for (key, content) in &definitions {
                        if let Some(content) = content {
                            keys.entry(*key).or_insert_with(|| content.clone());
                        }
                    }
                }
                if let Err(what) = self.schema_matcher(&alone) {
                    pointer += &step;
                    found = Some((pointer.clone(), what));
                    at = part;
                    continue 'deeper;
                }
            }
            return found;
        }
    }

    fn schema_matcher(&self, schema: &Value) -> Result<Matcher, String> {
        if answer_order::has_slots(schema) {
            return self.matcher(TopLevelGrammar::from_lark(any_order::grammar(schema, self.assert_formats)?));
        }
        self.matcher(TopLevelGrammar::from_json_schema(schema::prepare(schema, self.assert_formats)?))
    }

    fn matcher(&self, grammar: TopLevelGrammar) -> Result<Matcher, String> {
        let matcher = catch_unwind(AssertUnwindSafe(|| Matcher::new(self.factory.create_parser(grammar))))
            .map_err(|_| String::from("it is beyond the engine's limits"))?;
        match matcher.get_error() {
            Some(what) => Err(reason(&what).to_owned()),
            None => Ok(matcher),
        }
    }
}

impl Constraint {
    /// A text at its beginning.
    pub fn start(&self) -> ConstraintState {
        let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        ConstraintState { name: self.name.clone(), vocab_size: self.vocab_size, matcher: fresh.deep_clone() }
    }

    /// The name it was compiled with.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl ConstraintState {
    /// The same text, to be gone on with on its own.
    pub fn fork(&self) -> Self {
        Self { name: self.name.clone(), vocab_size: self.vocab_size, matcher: self.matcher.deep_clone() }
    }

    /// Sets the logits of every token that cannot come next to negative infinity. Tokens that end the text stay possible
    /// only when it is whole.
    pub fn mask(&mut self, logits: &mut [f32]) -> Result<()> {
        let mask = self.matcher.compute_mask_or_eos().map_err(|e| self.stuck(&e.to_string()))?;
        for (id, logit) in logits.iter_mut().enumerate() {
            if id >= mask.len() || !mask.is_allowed(id as u32) {
                *logit = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }

    /// Takes the token chosen. An internal error when the mask forbade it.
    pub fn accept(&mut self, token: u32) -> Result<()> {
        self.matcher.consume_token(token).map_err(|e| self.stuck(&e.to_string()))
    }

    /// Tokens that can only come next, spelled as the tokenizer spells them; empty when there is a choice.
    /// They are not taken yet: give each to [`accept`](Self::accept).
    pub fn forced(&mut self) -> Vec<u32> {
        if self.is_complete() { Vec::new() } else { self.matcher.compute_ff_tokens() }
    }

    /// How many of `tokens`, from the first on, may follow one after the other. Takes none of them.
    pub fn allowed(&mut self, tokens: &[u32]) -> usize {
        // The engine takes ids that only the model has for a failure of its own.
        let known = tokens.iter().take_while(|token| (**token as usize) < self.vocab_size).count();
        self.matcher.validate_tokens(&tokens[..known]).unwrap_or(0)
    }

    /// Whether the text is whole and nothing can follow.
    pub fn is_complete(&self) -> bool {
        matches!(self.matcher.stop_reason(), StopReason::NoExtension | StopReason::EndOfSentence)
    }

    /// Whether the text is whole as it stands, though it might go on.
    pub fn may_end(&mut self) -> bool {
        self.is_complete() || self.matcher.is_accepting().unwrap_or(false)
    }

    fn stuck(&self, what: &str) -> Error {
        Error::input(
            &self.name,
            format!("the constraint engine gave up on it: {}", reason(what)),
            "simplify it, or decode without the constraint",
        )
    }
}

/// What is wrong, without the state that the engine appends to its messages.
fn reason(what: &str) -> &str {
    let end = ["\n<non-verbose", "\n<state>", "\n<backtrace>"].iter().filter_map(|mark| what.find(mark)).min();
    what[..end.unwrap_or(what.len())].trim()
}
