//! From documents to tokens: windows that never cross a document's border, in which every token is learned once.

use bantam_core::{Error, Result};
use bantam_data::documents::Document;
use bantam_data::packing::Example;
use bantam_formats::Tokenizer;
use rayon::prelude::*;

/// The windows of each document, in their order: at most `context` tokens are predicted in each. A document begins behind
/// the token `end` and ends with it; each further window begins with the last token of the one before. So every token of a
/// document and its end are the target of exactly one window, and [`Example::answer_bytes`] add up to the document's bytes.
///
/// # Errors
/// A tokenizer whose tokens do not spell the text byte by byte.
pub fn windows(documents: &[Document], tokenizer: &Tokenizer, end: u32, context: usize) -> Result<Vec<Vec<Example>>> {
    let of_document = |document: &Document| {
        let mut tokens = vec![end];
        tokens.extend(tokenizer.encode(&document.text, false));
        let bytes_of = |tokens: &[u32]| tokens.iter().map(|t| tokenizer.token_bytes(*t).len()).sum::<usize>();
        if bytes_of(&tokens[1..]) != document.text.len() {
            let what = "its tokens spell other bytes than the text has, so that bits per byte would not be of the text";
            return Err(Error::input(&document.name, what, "use a byte-level tokenizer"));
        }
        let last = tokens.len();
        tokens.push(end);
        let window = |start: usize| {
            let stop = tokens.len().min(start + context + 1);
            let bytes = bytes_of(&tokens[start + 1..stop.min(last)]);
            Example::with_answer(tokens[start..stop].to_vec(), 1, bytes)
        };
        Ok((0..last).step_by(context.max(1)).map(window).collect())
    };
    documents.par_iter().map(of_document).collect()
}

#[cfg(test)]
mod tests {
    use bantam_formats::tokenizer_training;

    use super::*;

    #[test]
    fn every_token_is_asked_for_once_and_bytes_add_up() {
        let text = "The windows of a text, one behind the other: 1, 2, 3. Straße\n".repeat(3);
        let json = tokenizer_training::train([&text], 300, 0, &["<|end|>"]).unwrap();
        let tokenizer = Tokenizer::from_json(json.as_bytes(), "t").unwrap();
        let documents =
            [Document { name: "a".into(), text: text.clone() }, Document { name: "b".into(), text: "b".into() }];
        let end = tokenizer.token_to_id("<|end|>").unwrap();
        let all = tokenizer.encode(&text, false);
        for context in [1, 7, 8, all.len(), all.len() + 1, 10_000] {
            let found = windows(&documents, &tokenizer, end, context).unwrap();
            let asked: Vec<u32> = found[0].iter().flat_map(|e| e.asked().map(|(_, token)| token)).collect();
            assert_eq!(asked, [&all[..], &[end]].concat(), "{context}");
            assert_eq!(found[0].iter().map(|e| e.answer_bytes).sum::<usize>(), text.len());
            assert!(found[0].iter().all(|e| (2..=context + 1).contains(&e.tokens.len())));
            // What stands before a window's first target is what stands before it in the text.
            let spelled = [&[end], &all[..], &[end]].concat();
            assert!(found[0].iter().enumerate().all(|(i, e)| spelled[i * context..].starts_with(&e.tokens)));
            let b = tokenizer.encode("b", false);
            assert_eq!(found[1].iter().map(|e| e.answer_bytes).sum::<usize>(), 1);
            assert_eq!(found[1][0].tokens[..2], [end, b[0]]);
        }
    }
}
