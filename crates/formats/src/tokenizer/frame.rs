//! What a tokenizer puts around a text: the ids before and after it, read from the `post_processor` of a `tokenizer.json`.
//!
//! Read here and not left to the `tokenizers` crate, which panics on a template that names a token it does not list.

use serde_json::Value;

/// Ids before and after a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub before: Vec<u32>,
    pub after: Vec<u32>,
}

impl Frame {
    /// Reads a `post_processor`. Every id must be below `vocab_size`. Says what is wrong in words for an error message.
    pub fn read(post_processor: &Value, vocab_size: usize) -> Result<Self, String> {
        let frame = read(post_processor)?;
        match frame.before.iter().chain(&frame.after).find(|&&id| id as usize >= vocab_size) {
            Some(id) => Err(format!("post_processor adds the id {id}, which is not in the vocabulary")),
            None => Ok(frame),
        }
    }
}

fn read(post_processor: &Value) -> Result<Frame, String> {
    if post_processor.is_null() {
        return Ok(Frame::default());
    }
    match post_processor["type"].as_str() {
        // Only moves character offsets.
        Some("ByteLevel") => Ok(Frame::default()),
        Some("TemplateProcessing") => template(post_processor),
        Some("RobertaProcessing" | "BertProcessing") => {
            let id = |key: &str| id_of(&post_processor[key][1]).ok_or(format!("post_processor.{key} is not a token"));
            Ok(Frame { before: vec![id("cls")?], after: vec![id("sep")?] })
        }
        Some("Sequence") => {
            let steps = post_processor["processors"].as_array().ok_or("post_processor.processors is not a list")?;
            steps.iter().try_fold(Frame::default(), |inner, step| {
                let outer = read(step)?;
                Ok(Frame { before: [outer.before, inner.before].concat(), after: [inner.after, outer.after].concat() })
            })
        }
        _ => Err("post_processor is of a kind that is not supported".into()),
    }
}

fn template(post_processor: &Value) -> Result<Frame, String> {
    let pieces = post_processor["single"].as_array().ok_or("post_processor.single is not a list")?;
    let mut frame = Frame::default();
    let mut text_seen = false;
    for piece in pieces {
        if piece["Sequence"]["id"] == "A" && !text_seen {
            text_seen = true;
            continue;
        }
        let name = piece["SpecialToken"]["id"].as_str().ok_or("post_processor.single is not a template of one text")?;
        let ids = post_processor["special_tokens"][name]["ids"].as_array();
        let ids = ids.and_then(|ids| ids.iter().map(id_of).collect::<Option<Vec<u32>>>());
        let ids = ids.ok_or_else(|| format!("post_processor.special_tokens does not list `{name}`"))?;
        if text_seen { &mut frame.after } else { &mut frame.before }.extend(ids);
    }
    if text_seen { Ok(frame) } else { Err("post_processor.single leaves the text out".into()) }
}

fn id_of(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn templates_and_their_sequences_give_the_ids_around_a_text() {
        let text = json!({"Sequence": {"id": "A", "type_id": 0}});
        let special = |name: &str| json!({"SpecialToken": {"id": name, "type_id": 0}});
        let template = |single: Vec<Value>| {
            json!({"type": "TemplateProcessing", "single": single, "pair": [],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}, "</s>": {"ids": [2, 3]}}})
        };
        let both = template(vec![special("<s>"), text.clone(), special("</s>")]);
        let expected = Frame { before: vec![1], after: vec![2, 3] };
        assert_eq!(Frame::read(&both, 4), Ok(expected.clone()));
        let sequence = json!({"type": "Sequence", "processors": [{"type": "ByteLevel"}, both]});
        assert_eq!(Frame::read(&sequence, 4), Ok(expected));
        let bert = json!({"type": "BertProcessing", "cls": ["[CLS]", 0], "sep": ["[SEP]", 1]});
        assert_eq!(Frame::read(&bert, 4), Ok(Frame { before: vec![0], after: vec![1] }));
        for wrong in [
            template(vec![special("[CLS]"), text.clone()]),
            template(vec![special("<s>")]),
            template(vec![text.clone(), text.clone()]),
            json!({"type": "Magic"}),
            json!("x"),
        ] {
            assert!(Frame::read(&wrong, 4).is_err(), "{wrong}");
        }
        assert!(Frame::read(&template(vec![text, special("</s>")]), 3).unwrap_err().contains("id 3"));
    }
}
