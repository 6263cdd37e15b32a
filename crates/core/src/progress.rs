//! How does work that takes a while tell how far it is, without knowing who looks?
//!
//! Libraries take a `&dyn Progress` and report; the binary chooses the form: one live line on a terminal, plain
//! lines some seconds apart elsewhere, silence in tests. All of it goes to standard error: standard output is
//! for results.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where work reports how far it is. One task runs at a time; starting another ends the one before.
pub trait Progress: Send + Sync {
    /// A task begins. `total` is its number of steps, where known.
    fn start(&self, task: &str, total: Option<u64>);
    /// `done` steps are finished; `detail` is what to show beside them, such as `loss 0.412, 5,210 tok/s`.
    fn update(&self, done: u64, detail: &str);
    /// The task is over; `summary` stays on the screen.
    fn finish(&self, summary: &str);
    /// A line that stays on the screen, whatever task is running.
    fn note(&self, line: &str);
}

/// Reports nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _: &str, _: Option<u64>) {}
    fn update(&self, _: u64, _: &str) {}
    fn finish(&self, _: &str) {}
    fn note(&self, _: &str) {}
}

/// One live line on standard error where that is a terminal, else plain lines ten seconds apart.
pub fn standard_error() -> Box<dyn Progress> {
    if std::io::stderr().is_terminal() {
        Box::new(LiveLine::default())
    } else {
        Box::new(PlainLines::new(std::io::stderr(), Duration::from_secs(10)))
    }
}

/// One line that is redrawn in place: task, steps, detail, time left.
#[derive(Default)]
pub struct LiveLine {
    bar: Mutex<Option<ProgressBar>>,
}

impl LiveLine {
    fn bar(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Progress for LiveLine {
    fn start(&self, task: &str, total: Option<u64>) {
        let template = match total {
            Some(_) => "{prefix:>16} {bar:20} {pos}/{len} {wide_msg} {eta} left",
            None => "{prefix:>16} {spinner} {wide_msg} {elapsed}",
        };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(task.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        if let Some(before) = self.bar().replace(bar) {
            before.finish_and_clear();
        }
    }

    fn update(&self, done: u64, detail: &str) {
        if let Some(bar) = self.bar().as_ref() {
            // Steps that an earlier execution took say nothing of the speed of this one.
            let resumed = bar.position() == 0 && done > 1;
            bar.set_position(done);
            if resumed {
                bar.reset_eta();
            }
            bar.set_message(detail.to_owned());
        }
    }

    fn finish(&self, summary: &str) {
        if let Some(bar) = self.bar().take() {
            let task = bar.prefix();
            bar.finish_and_clear();
            // What cannot be shown is not worth failing for.
            let _ = writeln!(std::io::stderr(), "{task:>16} {summary}");
        }
    }

    fn note(&self, line: &str) {
        let show = || {
            let _ = writeln!(std::io::stderr(), "{line}");
        };
        match self.bar().as_ref() {
            Some(bar) => bar.suspend(show),
            None => show(),
        }
    }
}

/// Whole lines for logs: a task's start and end, and its steps at most every so often.
pub struct PlainLines<W> {
    every: Duration,
    state: Mutex<PlainState<W>>,
}

struct PlainState<W> {
    out: W,
    task: String,
    total: Option<u64>,
    last: Option<Instant>,
}

impl<W: Write + Send> PlainLines<W> {
    /// Writes to `out`, a step's line only when the last one is `every` old.
    pub fn new(out: W, every: Duration) -> Self {
        Self { every, state: Mutex::new(PlainState { out, task: String::new(), total: None, last: None }) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, PlainState<W>> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<W: Write + Send> Progress for PlainLines<W> {
    fn start(&self, task: &str, total: Option<u64>) {
        let mut state = self.state();
        state.task = task.to_owned();
        state.total = total;
        state.last = Some(Instant::now());
        let _ = writeln!(state.out, "{task}: started");
    }

    fn update(&self, done: u64, detail: &str) {
        let mut state = self.state();
        if state.last.is_some_and(|last| last.elapsed() < self.every) {
            return;
        }
        state.last = Some(Instant::now());
        let total = state.total.map(|t| format!("/{t}")).unwrap_or_default();
        let line = format!("{}: {done}{total} {detail}", state.task);
        let _ = writeln!(state.out, "{}", line.trim_end());
    }

    fn finish(&self, summary: &str) {
        let mut state = self.state();
        let line = format!("{}: {summary}", state.task);
        let _ = writeln!(state.out, "{line}");
    }

    fn note(&self, line: &str) {
        let _ = writeln!(self.state().out, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(every: Duration) -> String {
        let progress = PlainLines::new(Vec::new(), every);
        progress.start("train", Some(20));
        progress.update(1, "loss 2.1");
        progress.update(2, "loss 1.9");
        progress.note("checkpoint written");
        progress.finish("20 steps");
        String::from_utf8(progress.state.into_inner().unwrap().out).unwrap()
    }

    #[test]
    fn plain_lines_tell_start_steps_and_end() {
        let all = "train: started\ntrain: 1/20 loss 2.1\ntrain: 2/20 loss 1.9\ncheckpoint written\ntrain: 20 steps\n";
        assert_eq!(lines_of(Duration::ZERO), all);
    }

    #[test]
    fn steps_are_throttled_and_the_rest_is_not() {
        assert_eq!(lines_of(Duration::MAX), "train: started\ncheckpoint written\ntrain: 20 steps\n");
    }

    #[test]
    fn a_live_line_survives_any_order_of_calls() {
        let line = LiveLine::default();
        line.update(3, "before any start");
        line.finish("nothing ran");
        line.start("a", None);
        line.start("b", Some(2));
        line.update(9, "past the end");
        line.finish("done");
    }
}
