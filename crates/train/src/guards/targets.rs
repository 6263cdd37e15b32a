//! Is every target the next token of its own item? Unshifted targets make a model that copies its input and scores
//! perfectly; targets across a border between items make one that guesses at unrelated text.
//!
//! Together with the causality probe (the output at a position does not depend on later tokens) an exact check of the
//! positions proves that no model is ever given the token it is asked for. Items with labels ask for what the row does not
//! show; theirs must not be the token at the same position.

use bantam_core::{Error, Result};
use bantam_data::packing::{Batch, Example};

/// Checks items before anything is packed: there must be a prompt to answer and an answer.
///
/// # Errors
/// A failed check that names the first item (from 0) without one.
pub fn check_examples(examples: &[Example], what: &str) -> Result<()> {
    let wrong = |e: &Example| {
        let mut end = 1;
        // In order, apart, each of one token at least, none before the second token.
        let fits = e.answers.iter().all(|a| {
            let fits = a.start >= end && a.start < a.end && a.end <= e.tokens.len();
            end = a.end;
            fits
        });
        e.answers.is_empty() || !fits
    };
    match examples.iter().position(wrong) {
        Some(at) => Err(Error::check(
            format_args!("{what} item {at}"),
            format_args!("its answers are tokens {:?} of {}", examples[at].answers, examples[at].tokens.len()),
            "every item needs a prompt of one token at least, and an answer",
        )),
        None => check_labels(examples, what),
    }
}

/// Where an item has labels, every target has one.
fn check_labels(examples: &[Example], what: &str) -> Result<()> {
    let (labels, targets) = (|e: &Example| e.labels.len(), |e: &Example| e.targets().count());
    match examples.iter().position(|e| labels(e) > 0 && labels(e) != targets(e)) {
        Some(at) => Err(Error::check(
            format_args!("{what} item {at}"),
            format_args!("it has {} labels for {} targets", labels(&examples[at]), targets(&examples[at])),
            "give a label for each target, or none",
        )),
        None => Ok(()),
    }
}

/// Checks every target of a batch.
///
/// # Errors
/// A failed check (exit code 1) that says how the first wrong target lies: not shifted, shifted too far, outside its item.
pub fn check(batch: &Batch) -> Result<()> {
    let failed = |row: u32, what: &str| {
        Err(Error::check(
            format_args!("shifted-target check, position {row}"),
            what,
            "such a model would learn to copy its input or unrelated text: mend how items are packed",
        ))
    };
    if batch.target_rows.len() != batch.target_tokens.len() {
        return failed(0, "there are not as many targets as positions");
    }
    let mut spans = batch.spans.iter();
    let mut span = spans.next();
    for (&row, &target) in batch.target_rows.iter().zip(&batch.target_tokens) {
        let at = row as usize;
        // Rows and spans both ascend.
        while span.is_some_and(|&(start, len)| start + len <= at) {
            span = spans.next();
        }
        let Some(&(start, len)) = span else { return failed(row, "it lies behind the last item") };
        if at < start {
            return failed(row, "it lies outside every item, or positions do not ascend");
        }
        let (here, next) = (batch.tokens.get(at), batch.tokens.get(at + 1));
        if at + 1 == start + len {
            return failed(row, "the last token of an item has a target: the next item's first token, or none");
        }
        if batch.labelled.binary_search(&(start, len)).is_ok() {
            // A label is not in the row; only the token at its own position could give it away.
            if here == Some(&target) {
                return failed(row, "the label is the token at the same position");
            }
            continue;
        }
        if next != Some(&target) {
            let twice = batch.tokens.get(at + 2) == Some(&target);
            return match here {
                Some(token) if *token == target => {
                    failed(row, "the target is the token at the same position: unshifted")
                }
                _ if twice => failed(row, "the target is the token after the next: shifted twice"),
                _ => failed(row, "the target is not the next token"),
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        let mut batch = Batch::default();
        batch.push(&Example::with_answer(vec![1, 2, 3, 4, 5], 2, 3));
        batch.push(&Example::with_answer(vec![6, 7, 8, 9], 1, 3));
        batch
    }

    fn told(change: impl FnOnce(&mut Batch)) -> String {
        let mut batch = batch();
        change(&mut batch);
        let e = check(&batch).unwrap_err();
        assert_eq!(e.exit_code(), 1);
        e.to_string()
    }

    #[test]
    fn packed_items_pass_and_every_kind_of_wrong_target_is_named() {
        check(&batch()).unwrap();
        let unshifted = |b: &mut Batch| b.target_tokens = b.target_rows.iter().map(|&r| b.tokens[r as usize]).collect();
        assert!(told(unshifted).contains("same position"));
        assert!(told(|b| b.target_tokens = vec![4, 5, 5, 8, 9, 9]).contains("shifted twice"));
        assert!(told(|b| (b.target_rows[0], b.target_tokens[0]) = (4, 6)).contains("last token of an item"));
        assert!(told(|b| b.target_tokens[1] = 77).contains("not the next token"));
        assert!(told(|b| b.target_rows[5] = 99).contains("behind the last item"));
        assert!(told(|b| b.target_tokens.truncate(2)).contains("not as many"));
    }

    #[test]
    fn labels_need_not_be_the_next_token_and_stay_within_their_item() {
        let labelled = |label| {
            let mut batch = batch();
            let item = Example { labels: vec![label, 7], ..Example::with_answer(vec![1, 2, 3, 4], 2, 2) };
            batch.push(&item);
            batch
        };
        check(&labelled(9)).unwrap();
        assert!(check(&labelled(2)).unwrap_err().to_string().contains("the label is the token at the same position"));
        let mut outside = labelled(9);
        *outside.target_rows.last_mut().unwrap() += 1;
        assert!(check(&outside).unwrap_err().to_string().contains("last token of an item"));
        let few = Example { labels: vec![9], ..Example::with_answer(vec![1, 2, 3, 4], 2, 2) };
        assert!(check_examples(&[few], "training").unwrap_err().to_string().contains("1 labels for 2 targets"));
    }

    #[test]
    fn items_without_prompt_or_answer_are_refused() {
        let item = |answer_start| Example::with_answer(vec![1, 2], answer_start, 1);
        check_examples(&[item(1)], "training").unwrap();
        for start in [0, 2, 3] {
            let e = check_examples(&[item(1), item(start)], "training").unwrap_err();
            assert!(e.to_string().starts_with("training item 1") && e.exit_code() == 1, "{e}");
        }
    }
}
