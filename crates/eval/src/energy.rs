//! What did it cost? Joules from a counter of the machine, or "not measured": never an estimate from a rated power.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Something that counts joules.
pub trait Counter: Sync {
    /// Joules since some fixed moment; `None` where they are not measured.
    fn joules(&self) -> Option<f64>;

    /// How, in words; for no counter, why not.
    fn method(&self) -> String;
}

/// No counter.
pub struct NotMeasured(
    /// Why not.
    pub String,
);

impl Counter for NotMeasured {
    fn joules(&self) -> Option<f64> {
        None
    }

    fn method(&self) -> String {
        format!("not measured: {}", self.0)
    }
}

/// The energy of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Energy {
    /// How it was measured, or `not measured` and why.
    pub method: String,
    /// Joules of all that the counter sees, over the run.
    pub gross_joules: Option<f64>,
    /// Watts of the idle machine before it.
    pub idle_watts: Option<f64>,
    /// Joules less those of the idle machine; absent where idle power was not measured.
    pub net_joules: Option<f64>,
    /// Net joules for each request.
    pub joules_per_request: Option<f64>,
    /// Net joules for each answer that is exactly right; absent where none is.
    pub joules_per_correct_answer: Option<f64>,
}

impl Energy {
    /// Accounts for `gross` joules over `wall_s` seconds. Noise may put the run below idle: the net is then negative, and said so.
    pub fn account(
        method: &str,
        gross: Option<f64>,
        idle_watts: Option<f64>,
        wall_s: f64,
        requests: usize,
        correct: usize,
    ) -> Self {
        let net = gross.zip(idle_watts).map(|(joules, watts)| joules - watts * wall_s);
        let per = |n: usize| net.filter(|_| n > 0).map(|joules| joules / n as f64);
        Self {
            method: method.to_owned(),
            gross_joules: gross,
            idle_watts: gross.and(idle_watts),
            net_joules: net,
            joules_per_request: per(requests),
            joules_per_correct_answer: per(correct),
        }
    }
}

/// Joules from a counter that starts again at 0 after `range`.
#[derive(Clone, Copy, Debug)]
struct Wrapping {
    last: u64,
    range: u64,
    total: u64,
}

impl Wrapping {
    fn new(first: u64, range: u64) -> Self {
        Self { last: first, range, total: 0 }
    }

    /// The counter's next value. At most one turn may lie between two.
    fn advance(&mut self, now: u64) {
        self.total +=
            if now >= self.last { now - self.last } else { (self.range.saturating_sub(self.last)).saturating_add(now) };
        self.last = now;
    }
}

/// Watts at moments, integrated as if they changed evenly between them.
#[derive(Clone, Copy, Debug, Default)]
struct Integral {
    last: Option<(Duration, f64)>,
    joules: f64,
}

impl Integral {
    fn advance(&mut self, now: Duration, watts: f64) {
        if let Some((before, then)) = self.last {
            self.joules += (now.saturating_sub(before)).as_secs_f64() * (watts + then) / 2.0;
        }
        self.last = Some((now, watts));
    }
}

/// What a meter reads.
enum Source {
    /// RAPL zones with their counters in microjoules.
    Rapl(Vec<(PathBuf, Wrapping)>),
    /// Watts of all NVIDIA devices.
    NvidiaSmi(Integral),
}

/// A counter that a thread of its own keeps up to date, so that no turn of it is missed.
pub struct Meter {
    state: Arc<Mutex<(Source, bool)>>,
    start: Instant,
    method: String,
    stop: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Where Linux has the counters.
pub const POWERCAP: &str = "/sys/class/powercap";

impl Meter {
    /// The processor packages' RAPL counters under `powercap` ([`POWERCAP`]).
    ///
    /// # Errors
    /// In words, why there is none that can be read.
    pub fn rapl(powercap: &Path) -> Result<Self, String> {
        let entries = std::fs::read_dir(powercap).map_err(|_| format!("{} is not there", powercap.display()))?;
        let (mut zones, mut refused, mut names) = (Vec::new(), false, Vec::new());
        for entry in entries.flatten() {
            // `intel-rapl:0` is a package (on AMD too), `intel-rapl:0:0` a part of it that the package counts already.
            let folder = entry.file_name().to_string_lossy().into_owned();
            let name = std::fs::read_to_string(entry.path().join("name")).unwrap_or_default();
            if folder.matches(':').count() != 1 || !folder.starts_with("intel-rapl:") || !name.starts_with("package") {
                continue;
            }
            let path = entry.path().join("energy_uj");
            match (number(&path), number(&entry.path().join("max_energy_range_uj"))) {
                (Some(first), Some(range)) => {
                    names.push(name.trim().to_owned());
                    zones.push((path, Wrapping::new(first, range)));
                }
                _ => refused = true,
            }
        }
        if zones.is_empty() {
            let why = if refused { "its counters cannot be read (they are root's)" } else { "it has no RAPL package" };
            return Err(format!("{}: {why}", powercap.display()));
        }
        names.sort();
        Ok(Self::watch(Source::Rapl(zones), format!("RAPL ({})", names.join(", ")), Duration::from_secs(1)))
    }

    /// The power draw that `nvidia-smi` tells, of all its devices, integrated.
    ///
    /// # Errors
    /// In words, why it tells none.
    pub fn nvidia_smi() -> Result<Self, String> {
        nvidia_watts().ok_or("nvidia-smi tells no power draw")?;
        let method = "nvidia-smi power.draw, all devices, read five times a second".to_owned();
        Ok(Self::watch(Source::NvidiaSmi(Integral::default()), method, Duration::from_millis(200)))
    }

    fn watch(source: Source, method: String, period: Duration) -> Self {
        let (state, start) = (Arc::new(Mutex::new((source, true))), Instant::now());
        let (stop, stopped) = mpsc::channel::<()>();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                read(&shared, start);
            }
        });
        Self { state, start, method, stop: Some((stop, thread)) }
    }
}

impl Counter for Meter {
    fn joules(&self) -> Option<f64> {
        read(&self.state, self.start)
    }

    fn method(&self) -> String {
        self.method.clone()
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.stop.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

/// Reads the source once more; `None` from then on if it ever could not be read: a gap is not a measurement.
fn read(state: &Mutex<(Source, bool)>, start: Instant) -> Option<f64> {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let (source, whole) = &mut *state;
    let joules = match source {
        Source::Rapl(zones) => zones.iter_mut().try_fold(0.0, |sum, (path, counter)| {
            counter.advance(number(path)?);
            Some(sum + counter.total as f64 / 1e6)
        }),
        Source::NvidiaSmi(integral) => nvidia_watts().map(|watts| {
            integral.advance(start.elapsed(), watts);
            integral.joules
        }),
    };
    *whole &= joules.is_some();
    joules.filter(|_| *whole)
}

fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn nvidia_watts() -> Option<f64> {
    let output =
        Command::new("nvidia-smi").args(["--query-gpu=power.draw", "--format=csv,noheader,nounits"]).output().ok()?;
    output.status.success().then(|| watts(&String::from_utf8_lossy(&output.stdout)))?
}

/// The sum of watts, one line for each device; `None` where a device does not tell (`[N/A]`).
fn watts(text: &str) -> Option<f64> {
    let each: Option<Vec<f64>> =
        text.lines().filter(|l| !l.trim().is_empty()).map(|line| line.trim().parse().ok()).collect();
    each.filter(|each| !each.is_empty()).map(|each| each.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_starts_again_loses_nothing() {
        let mut counter = Wrapping::new(900, 1000);
        for now in [950, 20, 20, 999, 5] {
            counter.advance(now);
        }
        // 50, 70 (over the end), 0, 979, 6.
        assert_eq!(counter.total, 1105);
    }

    #[test]
    fn idle_power_is_subtracted_and_nothing_is_made_up() {
        let energy = Energy::account("RAPL", Some(100.0), Some(4.0), 10.0, 20, 6);
        assert_eq!(
            (energy.net_joules, energy.joules_per_request, energy.joules_per_correct_answer),
            (Some(60.0), Some(3.0), Some(10.0))
        );
        let none_right = Energy::account("RAPL", Some(100.0), Some(4.0), 10.0, 20, 0);
        assert_eq!((none_right.joules_per_request, none_right.joules_per_correct_answer), (Some(3.0), None));
        let no_idle = Energy::account("RAPL", Some(100.0), None, 10.0, 20, 6);
        assert_eq!((no_idle.gross_joules, no_idle.net_joules, no_idle.joules_per_request), (Some(100.0), None, None));
        let nothing = NotMeasured("no counter".to_owned());
        let energy = Energy::account(&nothing.method(), nothing.joules(), Some(4.0), 10.0, 20, 6);
        assert_eq!(
            (energy.method.as_str(), energy.gross_joules, energy.idle_watts),
            ("not measured: no counter", None, None)
        );
    }

    #[test]
    fn watts_are_integrated() {
        let mut integral = Integral::default();
        for (seconds, watts) in [(1, 10.0), (3, 20.0), (4, 20.0)] {
            integral.advance(Duration::from_secs(seconds), watts);
        }
        assert_eq!(integral.joules, 2.0 * 15.0 + 20.0);
        assert_eq!(watts("71.52\n 30\n"), Some(101.52));
        assert_eq!((watts("[N/A]\n"), watts("")), (None, None));
    }

    #[test]
    fn packages_are_found_and_their_parts_are_not_counted_twice() {
        let dir = tempfile::tempdir().unwrap();
        let zone = |folder: &str, name: &str, energy: &str| {
            let path = dir.path().join(folder);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join("name"), name).unwrap();
            std::fs::write(path.join("energy_uj"), energy).unwrap();
            std::fs::write(path.join("max_energy_range_uj"), "10000000\n").unwrap();
        };
        assert!(Meter::rapl(&dir.path().join("none")).is_err_and(|why| why.contains("not there")));
        assert!(Meter::rapl(dir.path()).is_err_and(|why| why.contains("no RAPL package")));
        zone("intel-rapl:0", "package-0\n", "9000000\n");
        zone("intel-rapl:1", "package-1\n", "100\n");
        zone("intel-rapl:0:0", "core\n", "5\n");
        zone("intel-rapl-mmio:0", "package-0\n", "5\n");
        let meter = Meter::rapl(dir.path()).unwrap();
        assert_eq!((meter.method(), meter.joules()), ("RAPL (package-0, package-1)".to_owned(), Some(0.0)));
        zone("intel-rapl:0", "package-0\n", "1000000\n");
        zone("intel-rapl:1", "package-1\n", "500100\n");
        assert_eq!(meter.joules(), Some(2.5));
        // A counter that goes away leaves a gap, and a gap is no measurement.
        zone("intel-rapl:1", "package-1\n", "?\n");
        assert_eq!(meter.joules(), None);
        zone("intel-rapl:1", "package-1\n", "500200\n");
        assert_eq!(meter.joules(), None);
    }
}
