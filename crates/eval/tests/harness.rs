//! An evaluation goes on where it was broken off, wherever that was: no item is lost, none is asked twice, and the result is
//! the same. What does not belong to it is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bantam_core::{Error, Result};
use bantam_eval::harness::{
    self, Answerer, Asked, Candidates, Constraint, Journal, Keep, Output, Prompt, Request, Scored, Stale,
};
use bantam_eval::result::{MadeBy, Protocol, Source};
use bantam_eval::statistics::Estimate;

const N: usize = 12;

/// Items that ask for their own number.
struct Numbers {
    ids: Vec<String>,
    limit: Option<usize>,
}

fn numbers() -> Numbers {
    Numbers { ids: (0..N).map(|i| format!("n{i}")).collect(), limit: None }
}

impl harness::Suite for Numbers {
    type Scores = BTreeMap<String, BTreeMap<String, Estimate>>;
    type Comparison = ();
    type Sample = (String, Option<String>);

    fn name(&self) -> &'static str {
        "numbers"
    }

    fn ids(&self) -> Vec<&str> {
        self.ids.iter().map(String::as_str).collect()
    }

    fn request(&self, item: usize, _: bool) -> Request {
        let texts = vec!["yes".to_owned(), "no".to_owned()];
        let candidates = Some(Arc::new(Candidates { texts, ended: true }));
        Request { candidates, ..Request::chat("say it", item.to_string(), "ANSWER:") }
    }

    fn prompt(&self) -> String {
        "user = a number".into()
    }

    fn protocol(&self) -> Protocol {
        let data = Source { name: "numbers".into(), sha256: "0123456789".into() };
        Protocol { limit: self.limit, ..Protocol::new(7, data) }
    }

    fn score(&self, outputs: &[Output]) -> Result<Scored<Self::Scores, (), Self::Sample>> {
        let right = outputs.iter().enumerate().filter(|(i, o)| o.text == Some(format!("it is {i}\n"))).count();
        let accuracy = BTreeMap::from([("accuracy".to_owned(), Estimate::proportion(right, outputs.len()))]);
        let samples = self.ids.iter().cloned().zip(outputs.iter().map(|o| o.text.clone())).collect();
        let scores = BTreeMap::from([("overall".to_owned(), accuracy)]);
        Ok(Scored { scores, floors: BTreeMap::new(), versus_floors: BTreeMap::new(), samples })
    }
}

/// Says the number, and fails as a killed process would after so many answers.
struct Echo {
    asked: Mutex<Vec<String>>,
    left: AtomicUsize,
}

impl Echo {
    fn new(left: usize) -> Self {
        Self { asked: Mutex::new(Vec::new()), left: AtomicUsize::new(left) }
    }
}

impl Answerer for Echo {
    fn prepare(&mut self, _: &Constraint) -> Result<()> {
        Ok(())
    }

    fn answer(&self, request: &Request) -> Result<Output> {
        let Prompt::Chat { messages, .. } = &request.prompt else { unreachable!("the suite asks by chat") };
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_err() {
            return Err(Error::check("test", "broken off", "none"));
        }
        self.asked.lock().unwrap().push(messages[1].content.clone());
        let log_probabilities = request.candidates.as_ref().map(|c| vec![-0.1; c.texts.len()]);
        let text = format!("it is {}\n", messages[1].content);
        Ok(Output { seconds: Some(0.25), candidate_log_probabilities: log_probabilities, ..Output::text(text) })
    }
}

fn keep(dir: &Path) -> Keep<'_> {
    Keep { dir, stale: Stale::Refuse }
}

/// Runs until the answerer fails, or to the end; gives the content hash of a whole result.
fn run(suite: &Numbers, echo: &mut Echo, keep: Keep<'_>) -> Result<String> {
    let asked =
        Asked { answerer: echo, name: "echo".into(), made_by: MadeBy::default(), constrained: false, threads: 1 };
    let (evaluation, journal) = harness::evaluate_answerer(suite, asked, Some(keep), &|_, _| {})?;
    journal.map(Journal::remove).transpose()?;
    assert_eq!(evaluation.samples.len(), suite.ids.len());
    evaluation.result.content_hash()
}

fn partial(dir: &Path) -> PathBuf {
    dir.join("numbers-echo-free-01234567.partial.jsonl")
}

#[test]
fn a_file_cut_at_any_byte_is_gone_on_from() {
    let dir = tempfile::tempdir().unwrap();
    let expected = run(&numbers(), &mut Echo::new(N), keep(dir.path())).unwrap();
    assert!(!partial(dir.path()).exists(), "the result is whole");
    run(&numbers(), &mut Echo::new(N - 1), keep(dir.path())).unwrap_err();
    let whole = std::fs::read(partial(dir.path())).unwrap();
    assert_eq!(whole.iter().filter(|b| **b == b'\n').count(), N, "the protocol and all items but one");
    let last = whole.len() - whole[..whole.len() - 1].iter().rev().position(|b| *b == b'\n').unwrap();
    for cut in (0..last).step_by(41).chain(last - 1..=whole.len()) {
        std::fs::write(partial(dir.path()), &whole[..cut]).unwrap();
        let finished = whole[..cut].iter().filter(|b| **b == b'\n').count().saturating_sub(1);
        let mut echo = Echo::new(usize::MAX);
        assert_eq!(run(&numbers(), &mut echo, keep(dir.path())).unwrap(), expected, "cut at byte {cut}");
        let asked: Vec<String> = (finished..N).map(|i| i.to_string()).collect();
        assert_eq!(*echo.asked.lock().unwrap(), asked, "cut at byte {cut}");
        assert!(!partial(dir.path()).exists());
    }
}

#[test]
fn broken_off_again_and_again_every_item_is_asked_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut asked = Vec::new();
    for _ in 0..N {
        let mut echo = Echo::new(1);
        let ended = run(&numbers(), &mut echo, keep(dir.path()));
        asked.extend(echo.asked.into_inner().unwrap());
        assert_eq!(ended.is_ok(), asked.len() == N);
    }
    assert_eq!(asked, (0..N).map(|i| i.to_string()).collect::<Vec<_>>());
}

#[test]
fn another_protocol_is_refused_with_what_differs() {
    let dir = tempfile::tempdir().unwrap();
    run(&numbers(), &mut Echo::new(3), keep(dir.path())).unwrap_err();
    // The same result's name, but the items were cut otherwise.
    let text = std::fs::read_to_string(partial(dir.path())).unwrap();
    let other = text.replacen("\"metric_version\":7", "\"metric_version\":6", 1);
    let other = other.replacen("\"protocol_hash\":\"", "\"protocol_hash\":\"0", 1);
    std::fs::write(partial(dir.path()), &other).unwrap();
    let e = run(&numbers(), &mut Echo::new(N), keep(dir.path())).unwrap_err();
    assert_eq!(e.exit_code(), 2);
    assert!(e.to_string().contains("/protocol/metric_version: 6 there, 7 here"), "{e}");
    assert_eq!(std::fs::read_to_string(partial(dir.path())).unwrap(), other, "nothing of it is lost");
    let discard = Keep { dir: dir.path(), stale: Stale::Discard };
    let mut echo = Echo::new(N);
    run(&numbers(), &mut echo, discard).unwrap();
    assert_eq!(echo.asked.into_inner().unwrap().len(), N);
}

#[test]
fn a_damaged_line_and_a_second_writer_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(&numbers(), &mut Echo::new(3), keep(dir.path())).unwrap_err();
    let text = std::fs::read_to_string(partial(dir.path())).unwrap();
    std::fs::write(partial(dir.path()), text.replacen("{\"id\":\"n1\"", "{\"id\":", 1)).unwrap();
    let e = run(&numbers(), &mut Echo::new(N), keep(dir.path())).unwrap_err();
    assert!(e.exit_code() == 2 && e.to_string().contains("partial.jsonl:3: damaged"), "{e}");

    std::fs::write(partial(dir.path()), text).unwrap();
    let suite = numbers();
    let held = Journal::open(
        keep(dir.path()),
        "numbers",
        "echo",
        &harness::Suite::protocol(&suite).made(bantam_eval::result::Mode::Free, MadeBy::default()),
    );
    assert_eq!(held.as_ref().unwrap().finished(), 3);
    let e = run(&suite, &mut Echo::new(N), keep(dir.path())).unwrap_err();
    assert!(e.exit_code() == 2 && e.to_string().contains("another evaluation is writing it"), "{e}");
    drop(held);
    run(&suite, &mut Echo::new(N), keep(dir.path())).unwrap();
}

#[test]
fn two_items_of_one_id_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut suite = numbers();
    suite.ids[4] = "n3".into();
    let e = run(&suite, &mut Echo::new(N), keep(dir.path())).unwrap_err();
    assert!(e.exit_code() == 2 && e.to_string().contains("`n3`"), "{e}");
}
