//! From items to tokens. Here, extraction items: prompt and answer as the chat template writes them, the loss on the
//! answer.

pub mod fine_tuning;
pub mod text;

use bantam_core::{Error, Result};
use bantam_data::absent_fields::AbsentFields;
use bantam_data::item::Item;
use bantam_data::packing::Example;
use bantam_data::prompt::{self, Reading, SchemaInPrompt};
use bantam_data::schemas::SchemaSet;
use bantam_formats::Tokenizer;
use rayon::prelude::*;

/// Tokenizes items for training, with so much `told` of their schemas, the text read so often and `absent` fields written so. The
/// prompt and the answer are cut apart by a special token, so that tokenizing them together or one by one gives the same ids.
///
/// # Errors
/// An item whose schema is missing; a tokenizer that lacks the template's special tokens.
pub fn extraction(
    items: &[Item],
    schemas: &SchemaSet,
    tokenizer: &Tokenizer,
    told: SchemaInPrompt,
    reading: Reading,
    absent: AbsentFields,
) -> Result<Vec<Example>> {
    for token in prompt::SPECIAL_TOKENS {
        if tokenizer.token_to_id(token).is_none() {
            return Err(Error::input(
                "tokenizer",
                format!("it lacks {token}"),
                "train it with `bantam tokenizer train`",
            ));
        }
    }
    let example = |item: &Item| {
        let schema = schemas.get(&item.schema_id)?;
        let mut tokens = tokenizer.encode(&prompt::prompt_text(item, schema, told, reading), false);
        let answer_start = tokens.len();
        tokens.extend(tokenizer.encode(&prompt::answer_text(item, schema, absent), false));
        let answer_bytes = prompt::canonical_answer(&item.expected_output, schema, absent).len();
        Ok(Example { level: item.complexity, ..Example::with_answer(tokens, answer_start, answer_bytes) })
    };
    items.par_iter().map(example).collect()
}
