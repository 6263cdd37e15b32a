//! What does a model see of an item, and what is it to answer?
//!
//! `<|system|>{signature}<|user|>{text}<|assistant|>{answer}<|end|>`, where the signature is the schema's
//! ([`schema_signature`]) and the answer the gold's canonical JSON ([`canonical_answer`]). A model that
//! [reads twice](Reading::Twice) has `<|user|>{text}` a second time.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::absent_fields::AbsentFields;
pub use crate::canonical::canonical_answer;
use crate::item::Item;
pub use crate::signature::schema_signature;

/// Special tokens in the order of their ids, 0 to 4. `<|end|>` is the end-of-sequence token.
pub const SPECIAL_TOKENS: [&str; 5] = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|pad|>"];

/// The chat template of the models that Bantam trains on extraction (Jinja, as `transformers` reads it).
pub const CHAT_TEMPLATE: &str = "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}\
{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}\
{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/// [`CHAT_TEMPLATE`] with what the user says given twice.
pub const CHAT_TEMPLATE_TWICE: &str = "{% for message in messages %}{% set turn = '<|' + message['role'] + '|>' + \
message['content'] %}{{ turn }}{% if message['role'] == 'user' %}{{ turn }}{% endif %}\
{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}\
{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/// How often a model reads the text before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// Once.
    #[default]
    Once,
    /// Twice: the second time each word is seen with what follows it, which a causal model has no other way to see before it
    /// answers (Arora et al. 2024, "Just read twice").
    Twice,
}

/// The chat template of a model that reads and writes so.
pub fn chat_template(reading: Reading, absent: AbsentFields) -> String {
    let template = match reading {
        Reading::Once => CHAT_TEMPLATE,
        Reading::Twice => CHAT_TEMPLATE_TWICE,
    };
    format!("{}{template}", absent.declaration())
}

/// What a prompt tells of the schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchemaInPrompt {
    /// Its signature ([`schema_signature`]): any schema, also one never trained on.
    #[default]
    Signature,
    /// The id of a schema that was trained on: a few tokens where a signature takes hundreds.
    Name,
    /// Nothing: the system message is empty.
    None,
}

impl SchemaInPrompt {
    /// The system message for a schema.
    pub fn system(self, schema_id: &str, schema: &Value) -> String {
        match self {
            Self::Signature => schema_signature(schema),
            Self::Name => schema_id.to_owned(),
            Self::None => String::new(),
        }
    }
}

/// The messages of an item as (role, content): the schema's signature as `system`, the text as `user`.
pub fn messages(item: &Item, schema: &Value) -> [(&'static str, String); 2] {
    [("system", schema_signature(schema)), ("user", item.prompt.clone())]
}

/// The prompt up to where the answer starts; what the [chat template](chat_template) renders with a generation
/// prompt.
pub fn prompt_text(item: &Item, schema: &Value, told: SchemaInPrompt, reading: Reading) -> String {
    let user = format!("<|user|>{}", item.prompt);
    let again = if reading == Reading::Twice { user.as_str() } else { "" };
    format!("<|system|>{}{user}{again}<|assistant|>", told.system(&item.schema_id, schema))
}

/// What follows [`prompt_text`] in training: the canonical answer and `<|end|>`.
pub fn answer_text(item: &Item, schema: &Value, absent: AbsentFields) -> String {
    format!("{}<|end|>", canonical_answer(&item.expected_output, schema, absent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::{Environment, context};
    use serde_json::json;

    #[test]
    fn the_template_renders_what_the_plain_code_writes() {
        let line = r#"{"id":"a","schema_id":"s","prompt":"Paid: <yes> & \"so\"\n","expected_output":{"paid":true}}"#;
        let item = crate::item::parse_jsonl("f", line.as_bytes()).unwrap().remove(0);
        let schema = json!({"properties": {"paid": {"type": "boolean"}}});
        let [system, user] = messages(&item, &schema);
        let message = |(role, content): (&str, String)| context! { role, content };
        let answer = message(("assistant", canonical_answer(&item.expected_output, &schema, AbsentFields::Omitted)));
        let (system, user) = (message(system), message(user));
        let render = |reading: Reading, messages: Vec<minijinja::Value>, add_generation_prompt: bool| {
            let context = context! { messages, add_generation_prompt };
            Environment::new().render_str(&chat_template(reading, AbsentFields::Null), context).unwrap()
        };
        let written = |told, reading| prompt_text(&item, &schema, told, reading);
        for reading in [Reading::Once, Reading::Twice] {
            let prompt = written(SchemaInPrompt::Signature, reading);
            assert_eq!(render(reading, vec![system.clone(), user.clone()], true), prompt);
            let whole = format!("{prompt}{}", answer_text(&item, &schema, AbsentFields::Omitted));
            assert_eq!(render(reading, vec![system.clone(), user.clone(), answer.clone()], false), whole);
            let times = if reading == Reading::Twice { 2 } else { 1 };
            assert_eq!(prompt.matches("<|user|>Paid: <yes> & \"so\"\n").count(), times);
        }
        let whole =
            written(SchemaInPrompt::Signature, Reading::Once) + &answer_text(&item, &schema, AbsentFields::Omitted);
        assert_eq!(whole, "<|system|>{paid?:boolean}<|user|>Paid: <yes> & \"so\"\n<|assistant|>{\"paid\":true}<|end|>");
        let prompt = |told| written(told, Reading::Once);
        assert!(prompt(SchemaInPrompt::Name).starts_with("<|system|>s<|user|>Paid"));
        assert!(prompt(SchemaInPrompt::None).starts_with("<|system|><|user|>Paid"));
        assert!(SPECIAL_TOKENS[..4].iter().all(|t| whole.contains(t)));
    }
}
