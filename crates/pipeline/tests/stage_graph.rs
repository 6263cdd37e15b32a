//! Which stages run again, seen on small fake stages: `numbers` -> `sum` -> `page`, and `side` that stands alone.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use bantam_core::progress::Silent;
use bantam_core::run::RunFolder;
use bantam_core::{Error, files};
use bantam_pipeline::stage::{self, Options, Output, Stage, StageContext};
use serde_json::json;

struct Setup {
    numbers: Vec<i64>,
    title: &'static str,
    side: &'static str,
    fail: Option<&'static str>,
}

impl Setup {
    fn new() -> Self {
        Self { numbers: vec![1, 2, 3], title: "t", side: "s", fail: None }
    }

    /// Runs the graph; gives the names of the stages whose bodies ran, with `+` where one was told to resume.
    fn run(&self, dir: &Path) -> (Vec<String>, Result<Vec<stage::StageReport>, Error>) {
        self.run_with(dir, Options::default())
    }

    fn run_with(&self, dir: &Path, options: Options<'_>) -> (Vec<String>, Result<Vec<stage::StageReport>, Error>) {
        let ran = RefCell::new(Vec::new());
        let note = |name: &str, context: &StageContext<'_>| {
            ran.borrow_mut().push(format!("{name}{}", if context.resuming { "+" } else { "" }));
            if self.fail == Some(name) { Err(Error::check(name, "told to fail", "none")) } else { Ok(()) }
        };
        let mut stages = vec![
            Stage {
                name: "numbers",
                version: 1,
                config: json!(self.numbers),
                after: vec![],
                inputs: vec![],
                body: Box::new(|context| {
                    note("numbers", context)?;
                    files::write_dir(&context.run.path().join("data"), |d| {
                        self.numbers.iter().try_for_each(|n| files::write(&d.join(n.to_string()), b"x"))
                    })?;
                    files::write(&context.run.path().join("log"), format!("{:?}", self.numbers).as_bytes())?;
                    Ok(vec![Output::Content("data".into()), Output::Record("log".into())])
                }),
            },
            Stage {
                name: "side",
                version: 1,
                config: json!(self.side),
                after: vec![],
                inputs: vec![],
                body: Box::new(|context| {
                    note("side", context)?;
                    let path = PathBuf::from(format!("side-{}", self.side));
                    files::write(&context.run.path().join(&path), b"side")?;
                    Ok(vec![Output::Content(path)])
                }),
            },
            Stage {
                name: "sum",
                version: 1,
                config: json!(null),
                after: vec!["numbers"],
                inputs: vec![],
                body: Box::new(|context| {
                    note("sum", context)?;
                    let data = &context.outputs_of("numbers")[0];
                    let count = std::fs::read_dir(data).map_err(|e| Error::io(data, "read", &e))?.count();
                    files::write(&context.run.path().join("sum"), count.to_string().as_bytes())?;
                    Ok(vec![Output::Content("sum".into())])
                }),
            },
            Stage {
                name: "page",
                version: 1,
                config: json!(self.title),
                after: vec!["sum", "side"],
                inputs: vec![],
                body: Box::new(|context| {
                    note("page", context)?;
                    files::write(&context.run.path().join("page"), self.title.as_bytes())?;
                    Ok(vec![Output::Content("page".into())])
                }),
            },
        ];
        let result = stage::run(&mut stages, &RunFolder::create(dir).unwrap(), &Silent, options);
        drop(stages);
        (ran.into_inner(), result)
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    // What makes a folder a run; the stages do not read it.
    std::fs::write(dir.path().join("recipe.toml"), "").unwrap();
    let path = dir.path().to_owned();
    (dir, path)
}

#[test]
fn a_second_run_does_nothing_and_reports_the_same_hashes() {
    let (_guard, dir) = folder();
    let setup = Setup::new();
    let (ran, first) = setup.run(&dir);
    assert_eq!(ran, ["numbers", "side", "sum", "page"]);
    let (ran, second) = setup.run(&dir);
    assert_eq!(ran, [""; 0]);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(second.iter().all(|r| r.skipped));
    let hashes = |reports: &[stage::StageReport]| reports.iter().map(|r| r.hashes.clone()).collect::<Vec<_>>();
    assert_eq!(hashes(&first), hashes(&second));
    // Records are not content: no hash of theirs goes into what others depend on.
    assert!(!first[0].hashes.contains_key("log"));
}

#[test]
fn a_changed_value_reruns_what_depends_on_it_only() {
    let (_guard, dir) = folder();
    Setup::new().run(&dir).1.unwrap();
    assert_eq!(Setup { title: "u", ..Setup::new() }.run(&dir).0, ["page"]);
    assert_eq!(Setup { title: "u", side: "z", ..Setup::new() }.run(&dir).0, ["side", "page"]);
    assert!(!dir.join("side-s").exists() && dir.join("side-z").exists(), "stale outputs go, new ones stay");
    // Three other numbers: the sum's inputs differ, its output does not, so the page stands.
    let setup = Setup { numbers: vec![7, 8, 9], title: "u", side: "z", fail: None };
    assert_eq!(setup.run(&dir).0, ["numbers", "sum"]);
    assert_eq!(setup.run(&dir).0, [""; 0]);
}

#[test]
fn damaged_outputs_are_made_again_and_touched_ones_are_not() {
    let (_guard, dir) = folder();
    Setup::new().run(&dir).1.unwrap();
    files::write(&dir.join("data/2"), b"y").unwrap();
    assert_eq!(Setup::new().run(&dir).0, ["numbers"]);
    std::fs::write(dir.join("data/extra"), b"").unwrap();
    assert_eq!(Setup::new().run(&dir).0, ["numbers"]);
    std::fs::remove_file(dir.join("page")).unwrap();
    assert_eq!(Setup::new().run(&dir).0, ["page"]);
    // The same bytes written again: another time of change, the same content.
    files::write(&dir.join("sum"), b"3").unwrap();
    assert_eq!(Setup::new().run(&dir).0, [""; 0]);
    std::fs::write(dir.join(".stages/sum.json"), "{ half a stamp").unwrap();
    assert_eq!(Setup::new().run(&dir).0, ["sum"]);
}

#[test]
fn a_stage_that_was_cut_off_runs_again_and_may_resume_only_with_the_same_key() {
    let (_guard, dir) = folder();
    let failing = Setup { fail: Some("sum"), ..Setup::new() };
    let (ran, result) = failing.run(&dir);
    assert_eq!((ran, result.is_err()), (vec!["numbers".into(), "side".into(), "sum".into()], true));
    assert_eq!(Setup::new().run(&dir).0, ["sum+", "page"]);

    Setup { fail: Some("sum"), numbers: vec![1], ..Setup::new() }.run(&dir).1.unwrap_err();
    assert_eq!(Setup { numbers: vec![1, 2], ..Setup::new() }.run(&dir).0, ["numbers", "sum", "page"]);

    Setup { fail: Some("sum"), numbers: vec![1], ..Setup::new() }.run(&dir).1.unwrap_err();
    let restart = Options { restart: true, ..Options::default() };
    assert_eq!(Setup { numbers: vec![1], ..Setup::new() }.run_with(&dir, restart).0, ["sum", "page"]);
}

#[test]
fn the_graph_stops_where_told() {
    let (_guard, dir) = folder();
    let until = Options { until: Some("sum"), ..Options::default() };
    assert_eq!(Setup::new().run_with(&dir, until).0, ["numbers", "side", "sum"]);
    assert_eq!(Setup::new().run(&dir).0, ["page"]);
}
