//! A small pool of hot threads: one call hands every thread its part of a product and returns when all are done.
//!
//! A product of a small model lasts microseconds, less than waking a sleeping thread takes. Workers therefore spin for
//! a short while after a job before they sleep.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Spins before a worker sleeps: some tens of microseconds.
const SPINS: usize = 20_000;

/// The work of one call: a function of the part's number, behind a pointer whose lifetime [`Pool::run`] vouches for.
#[derive(Clone, Copy)]
struct Job(*const (dyn Fn(usize) + Sync + 'static));

// SAFETY: the function behind the pointer is `Sync`, and `Pool::run` keeps it alive until every worker is done with it.
unsafe impl Send for Job {}

struct Shared {
    /// Counts jobs; a worker that sees it change has work.
    epoch: AtomicUsize,
    job: Mutex<Option<Job>>,
    remaining: AtomicUsize,
    sleepers: AtomicUsize,
    stop: AtomicBool,
    panicked: AtomicBool,
    wake: Condvar,
}

/// Threads that divide products among them. One pool serves one model; concurrent callers run alone on their thread.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    busy: AtomicBool,
}

impl Pool {
    /// A pool that divides work into `threads` parts (at least one); the calling thread does the first itself.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            epoch: AtomicUsize::new(0),
            job: Mutex::new(None),
            remaining: AtomicUsize::new(0),
            sleepers: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            wake: Condvar::new(),
        });
        let workers = (1..threads.max(1))
            .map_while(|part| {
                let shared = Arc::clone(&shared);
                // A refused thread leaves fewer parts, not a failure.
                std::thread::Builder::new().name(format!("bantam-{part}")).spawn(move || work(&shared, part)).ok()
            })
            .collect();
        Self { shared, workers, busy: AtomicBool::new(false) }
    }

    /// The number of parts of every job.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `job(part)` for every part in `0..threads()`, each on its own thread, and returns when all are done.
    /// While another caller uses the pool, the parts run one after another on this thread. A panic in a part is passed on.
    pub fn run(&self, job: &(dyn Fn(usize) + Sync)) {
        if self.workers.is_empty() || self.busy.swap(true, Ordering::Acquire) {
            (0..self.threads()).for_each(job);
            return;
        }
        // SAFETY: only the lifetime is changed. The pointer is used by workers between here and the end of this call,
        // which waits for all of them, also when a part panics.
        let erased = unsafe {
            std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync + 'static)>(job)
        };
        let shared = &*self.shared;
        *lock(&shared.job) = Some(Job(erased));
        shared.remaining.store(self.workers.len(), Ordering::Relaxed);
        shared.epoch.fetch_add(1, Ordering::SeqCst);
        if shared.sleepers.load(Ordering::SeqCst) > 0 {
            // A worker counted as sleeper either waits already or will look at `epoch` once more under this lock.
            drop(lock(&shared.job));
            shared.wake.notify_all();
        }
        let own = catch_unwind(AssertUnwindSafe(|| job(0)));
        let mut spins = 0usize;
        while shared.remaining.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins.is_multiple_of(1024) { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
        let failed = shared.panicked.swap(false, Ordering::Relaxed);
        self.busy.store(false, Ordering::Release);
        if let Err(payload) = own {
            resume_unwind(payload);
        }
        assert!(!failed, "a part of a parallel job panicked");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        drop(lock(&self.shared.job));
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of jobs; joining cannot fail in another way worth reporting.
            let _ = worker.join();
        }
    }
}

fn lock(job: &Mutex<Option<Job>>) -> std::sync::MutexGuard<'_, Option<Job>> {
    // No code panics while it holds this lock, and the value is one pointer: poison carries no news.
    job.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(shared: &Shared, part: usize) {
    let mut seen = 0;
    loop {
        let mut spins = 0;
        while shared.epoch.load(Ordering::Acquire) == seen && spins < SPINS {
            spins += 1;
            std::hint::spin_loop();
        }
        let mut guard = lock(&shared.job);
        if shared.epoch.load(Ordering::SeqCst) == seen {
            shared.sleepers.fetch_add(1, Ordering::SeqCst);
            while shared.epoch.load(Ordering::SeqCst) == seen {
                guard = shared.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            shared.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
        seen = shared.epoch.load(Ordering::SeqCst);
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let job = *guard;
        drop(guard);
        if let Some(Job(function)) = job {
            // SAFETY: `Pool::run` set this job for this epoch and does not return before `remaining` reaches zero,
            // which this worker's decrement below is part of.
            let function = unsafe { &*function };
            if catch_unwind(AssertUnwindSafe(|| function(part))).is_err() {
                shared.panicked.store(true, Ordering::Relaxed);
            }
        }
        shared.remaining.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_runs_once_in_every_job() {
        let pool = Pool::new(3);
        let counts: Vec<AtomicUsize> = (0..3).map(|_| AtomicUsize::new(0)).collect();
        for _ in 0..2000 {
            pool.run(&|part| {
                counts[part].fetch_add(1, Ordering::Relaxed);
            });
        }
        assert_eq!(counts.iter().map(|c| c.load(Ordering::Relaxed)).collect::<Vec<_>>(), [2000; 3]);
    }

    #[test]
    fn concurrent_callers_and_nested_calls_finish() {
        let pool = Pool::new(2);
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        pool.run(&|_| {
                            pool.run(&|_| {
                                total.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), 3 * 200 * 4);
    }

    #[test]
    fn a_panic_in_a_part_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(2);
        for bad in 0..2 {
            assert!(catch_unwind(AssertUnwindSafe(|| pool.run(&|part| assert!(part != bad)))).is_err());
        }
        let sum = AtomicUsize::new(0);
        pool.run(&|part| {
            sum.fetch_add(part + 1, Ordering::Relaxed);
        });
        assert_eq!(sum.load(Ordering::Relaxed), 3);
    }
}
