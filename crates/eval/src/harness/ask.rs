//! Asking for every item, several at a time, each kept as soon as it is answered.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use bantam_core::{Error, Result};
use rayon::prelude::*;

use super::journal::Journal;
use super::request::{Answerer, Output, Request};

/// Is told how many items are done, of how many.
pub type Progress<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// Asks for every item that the journal does not have, `threads` at a time, and returns the outputs in the items' order.
///
/// # Errors
/// An input error when two items have one id; the answerer's; the journal's.
pub fn ask(
    ids: &[&str],
    request: &(dyn Fn(usize) -> Request + Sync),
    answerer: &dyn Answerer,
    threads: usize,
    journal: Option<&Journal>,
    progress: &Progress<'_>,
) -> Result<Vec<Output>> {
    let mut known = HashSet::new();
    if let Some(twice) = ids.iter().find(|id| !known.insert(**id)) {
        return Err(Error::input("items", format_args!("two have the id `{twice}`"), "make the ids unique"));
    }
    let threads = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    let threads = threads.map_err(|e| Error::internal("threads", e))?;
    let before = |id: &str| journal.and_then(|journal| journal.output(id));
    let done = AtomicUsize::new(ids.iter().filter(|id| before(id).is_some()).count());
    progress(done.load(Ordering::Relaxed), ids.len());
    let one = |(item, id): (usize, &&str)| {
        if let Some(output) = before(id) {
            return Ok(output.clone());
        }
        let output = answerer.answer(&request(item))?;
        journal.map_or(Ok(()), |journal| journal.append(id, &output))?;
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, ids.len());
        Ok(output)
    };
    // Items differ much in length: one at a time, so that no thread is left with a long tail.
    threads.install(|| ids.par_iter().enumerate().with_max_len(1).map(one).collect())
}
