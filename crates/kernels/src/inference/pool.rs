//! A small pool of hot threads: one call divides a product into parts and returns when all are done.
//!
//! A product of a small model lasts microseconds, less than waking a sleeping thread takes. Workers therefore spin for
//! a short while after a job before they sleep.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Spins before a worker sleeps: some tens of microseconds.
const SPINS: usize = 20_000;

/// The work of one call: a function of the part's number, behind a pointer whose lifetime [`Pool::run`] vouches for.
#[derive(Clone, Copy)]
struct Job(*const (dyn Fn(usize) + Sync + 'static));

// SAFETY: the function behind the pointer is `Sync`, and `Pool::run` keeps it alive until every worker is done with it.
unsafe impl Send for Job {}

/// Low bits of a ticket: workers inside the job.
const INSIDE: u64 = 0xffff;
/// Set in a ticket while workers may still enter the job.
const OPEN: u64 = 1 << 16;
/// One job, in the high half of a ticket.
const EPOCH: u64 = 1 << 32;

struct Shared {
    /// The present job's number, whether it is open, and how many workers are inside.
    ticket: AtomicU64,
    /// Written by the caller while the job is closed and nobody is inside; read by workers inside an open one.
    job: UnsafeCell<Option<Job>>,
    /// What sleeping workers and the one that wakes them agree by.
    sleep: Mutex<()>,
    /// The next part that nobody has taken, and how many there are.
    next: AtomicUsize,
    parts: AtomicUsize,
    sleepers: AtomicUsize,
    stop: AtomicBool,
    panicked: AtomicBool,
    wake: Condvar,
}

// SAFETY: every field but `job` is made for sharing. `job` is written only between jobs (`Pool::run` holds `busy`, the last job is closed and
// empty) and read only by workers that have entered an open job, which they do by an acquiring update of the ticket that the
// caller stored after writing.
unsafe impl Sync for Shared {}

impl Shared {
    fn take_parts(&self, job: &(dyn Fn(usize) + Sync)) {
        let parts = self.parts.load(Ordering::Relaxed);
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return;
            }
            job(part);
        }
    }
}

/// Threads that divide products among them. One pool serves one model; concurrent callers run alone on their thread.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    busy: AtomicBool,
}

impl Pool {
    /// A pool of `threads` threads (at least one), the calling one among them.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            ticket: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            sleep: Mutex::new(()),
            next: AtomicUsize::new(0),
            parts: AtomicUsize::new(0),
            sleepers: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            wake: Condvar::new(),
        });
        let workers = (1..threads.clamp(1, INSIDE as usize))
            .map_while(|number| {
                let shared = Arc::clone(&shared);
                // A refused thread leaves fewer hands, not a failure.
                std::thread::Builder::new().name(format!("bantam-{number}")).spawn(move || work(&shared)).ok()
            })
            .collect();
        Self { shared, workers, busy: AtomicBool::new(false) }
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `job(part)` once for every part in `0..parts` and returns when all are done. Threads take parts as they come
    /// free, the calling one too, so that a worker that the system does not run holds nobody up. While another caller
    /// uses the pool, all parts run on this thread. A panic in a part is passed on.
    pub fn run(&self, parts: usize, job: &(dyn Fn(usize) + Sync)) {
        if parts < 2 || self.workers.is_empty() || self.busy.swap(true, Ordering::Acquire) {
            (0..parts).for_each(job);
            return;
        }
        // SAFETY: only the lifetime is changed. Workers use the pointer only between entering and leaving the job, and this
        // call closes the job and waits until none is inside before it returns, also when a part panics.
        let erased = unsafe {
            std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync + 'static)>(job)
        };
        let shared = &*self.shared;
        // SAFETY: `busy` is held and the last job is closed and empty, so nobody else looks at it.
        unsafe { *shared.job.get() = Some(Job(erased)) };
        shared.next.store(0, Ordering::Relaxed);
        shared.parts.store(parts, Ordering::Relaxed);
        // Closed and empty since the last job, so only this thread writes the ticket now.
        let ticket = shared.ticket.load(Ordering::Relaxed);
        shared.ticket.store(((ticket & !(EPOCH - 1)) + EPOCH) | OPEN, Ordering::SeqCst);
        if shared.sleepers.load(Ordering::SeqCst) > 0 {
            // A worker counted as sleeper either waits already or will look at the ticket once more under this lock.
            drop(lock(&shared.sleep));
            shared.wake.notify_all();
        }
        let own = catch_unwind(AssertUnwindSafe(|| shared.take_parts(job)));
        shared.ticket.fetch_and(!OPEN, Ordering::SeqCst);
        let mut spins = 0usize;
        while shared.ticket.load(Ordering::Acquire) & INSIDE > 0 {
            spins += 1;
            if spins.is_multiple_of(256) { std::thread::yield_now() } else { std::hint::spin_loop() }
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
        self.shared.ticket.fetch_add(EPOCH, Ordering::SeqCst);
        drop(lock(&self.shared.sleep));
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of jobs; joining cannot fail in another way worth reporting.
            let _ = worker.join();
        }
    }
}

fn lock(sleep: &Mutex<()>) -> std::sync::MutexGuard<'_, ()> {
    // No code panics while it holds this lock, and it guards nothing but the order of events: poison carries no news.
    sleep.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(shared: &Shared) {
    let mut seen = 0;
    loop {
        let mut spins = 0;
        while shared.ticket.load(Ordering::Acquire) / EPOCH == seen && spins < SPINS {
            spins += 1;
            std::hint::spin_loop();
        }
        if shared.ticket.load(Ordering::SeqCst) / EPOCH == seen {
            let mut guard = lock(&shared.sleep);
            shared.sleepers.fetch_add(1, Ordering::SeqCst);
            while shared.ticket.load(Ordering::SeqCst) / EPOCH == seen {
                guard = shared.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            shared.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
        let enter = |ticket: u64| (ticket & OPEN != 0).then_some(ticket + 1);
        let entered = shared.ticket.fetch_update(Ordering::AcqRel, Ordering::Acquire, enter);
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let (Ok(ticket) | Err(ticket)) = entered;
        seen = ticket / EPOCH;
        if entered.is_err() {
            continue;
        }
        // SAFETY: this worker is inside an open job, so the caller has written it and does not write again before this worker leaves.
        if let Some(Job(function)) = unsafe { *shared.job.get() } {
            // SAFETY: this worker is inside the open job whose pointer this is; `Pool::run` keeps the function alive until
            // it has left, which is the decrement below.
            let function = unsafe { &*function };
            if catch_unwind(AssertUnwindSafe(|| shared.take_parts(function))).is_err() {
                shared.panicked.store(true, Ordering::Relaxed);
            }
        }
        shared.ticket.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_runs_once_in_every_job() {
        let pool = Pool::new(3);
        for parts in [0, 1, 2, 3, 7, 40] {
            let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
            for _ in 0..500 {
                pool.run(parts, &|part| {
                    counts[part].fetch_add(1, Ordering::Relaxed);
                });
            }
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 500));
        }
    }

    #[test]
    fn concurrent_callers_and_nested_calls_finish() {
        let pool = Pool::new(2);
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        pool.run(4, &|_| {
                            pool.run(2, &|_| {
                                total.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), 3 * 200 * 8);
    }

    #[test]
    fn a_panic_in_a_part_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(2);
        for bad in 0..4 {
            assert!(catch_unwind(AssertUnwindSafe(|| pool.run(4, &|part| assert!(part != bad)))).is_err());
        }
        let sum = AtomicUsize::new(0);
        pool.run(3, &|part| {
            sum.fetch_add(part + 1, Ordering::Relaxed);
        });
        assert_eq!(sum.load(Ordering::Relaxed), 6);
    }
}
