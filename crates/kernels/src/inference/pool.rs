//! A small pool of hot threads: one call divides a product into parts and returns when all are done.
//!
//! A product of a small model lasts microseconds, less than waking a sleeping thread takes. Workers therefore spin for
//! a short while after a job before they sleep. Handing a job over costs one cache line there and the same one back.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Numbers that are computed one by one, fewer of which are not worth handing out.
pub(super) const WORTH_DIVIDING: usize = 16_384;

/// Rows that threads write, each its own.
struct Rows(*mut f32);
// SAFETY: `run_rows` gives every thread rows of its own.
unsafe impl Sync for Rows {}

/// Spins before a worker sleeps: about a millisecond.
const SPINS: usize = 20_000;

/// A worker's share of one call: a function of the part's number, behind a pointer whose lifetime [`Pool::run`] vouches for.
#[derive(Clone, Copy)]
struct Job {
    function: *const (dyn Fn(usize) + Sync + 'static),
    /// The one part to run; otherwise those that nobody has taken yet, of so many.
    part: Option<usize>,
    parts: usize,
}

/// What a slot's state may be: empty, and the caller's to fill;
const EMPTY: u32 = 0;
/// filled, for the worker to take or the caller to take back;
const OFFERED: u32 = 1;
/// taken, the worker's until it is empty again;
const TAKEN: u32 = 2;
/// or the worker is to end.
const STOP: u32 = 3;

/// Where a caller leaves a job for one worker. Two cache lines of its own: processors fetch them in pairs.
#[repr(align(128))]
struct Slot {
    state: AtomicU32,
    job: UnsafeCell<Option<Job>>,
}

// SAFETY: `job` is written only by a caller that holds `busy` while the state is `EMPTY`, and read only by the worker that has made the
// state `TAKEN`, by an acquiring exchange with the caller's releasing store of `OFFERED`. The function behind the pointer is `Sync`, and
// `Pool::run` keeps it alive until the state is `EMPTY` again.
unsafe impl Sync for Slot {}
// SAFETY: as above; the pointer is the only field that is not `Send`.
unsafe impl Send for Slot {}

struct Shared {
    slots: Vec<Slot>,
    /// The next part that nobody has taken.
    next: AtomicUsize,
    /// What sleeping workers and the one that wakes them agree by.
    sleep: Mutex<()>,
    wake: Condvar,
    sleepers: AtomicUsize,
    panicked: AtomicBool,
}

impl Shared {
    fn take_parts(&self, parts: usize, function: &(dyn Fn(usize) + Sync)) {
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return;
            }
            function(part);
        }
    }

    /// Wakes those who sleep, after a change of their slots' states. A worker counted as sleeper either waits already or will look at
    /// its slot once more under this lock.
    fn wake_sleepers(&self) {
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            drop(self.lock());
            self.wake.notify_all();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ()> {
        // The lock guards nothing but the order of events: poison carries no news.
        self.sleep.lock().unwrap_or_else(PoisonError::into_inner)
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
        let count = threads.max(1) - 1;
        let slot = |_| Slot { state: AtomicU32::new(EMPTY), job: UnsafeCell::new(None) };
        let shared = Arc::new(Shared {
            slots: (0..count).map(slot).collect(),
            next: AtomicUsize::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
            sleepers: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
        });
        let workers = (0..count)
            .map_while(|number| {
                let shared = Arc::clone(&shared);
                let name = format!("bantam-{}", number + 1);
                // A refused thread leaves fewer hands, not a failure.
                std::thread::Builder::new().name(name).spawn(move || work(&shared, &shared.slots[number])).ok()
            })
            .collect();
        Self { shared, workers, busy: AtomicBool::new(false) }
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `work(first, rows)` for runs of whole rows of `out`, `width` numbers each, from the `first`-th on: a run for each thread where there are
    /// enough numbers, else one. What a row gets must not depend on the others.
    pub fn run_rows(&self, out: &mut [f32], width: usize, work: &(dyn Fn(usize, &mut [f32]) + Sync)) {
        if out.len() < WORTH_DIVIDING || self.threads() == 1 {
            return work(0, out);
        }
        let rows = out.len() / width;
        let each = rows.div_ceil(self.threads());
        let out = Rows(out.as_mut_ptr());
        let out = &out;
        self.run(rows.div_ceil(each), &|part| {
            let first = part * each;
            // SAFETY: runs of rows do not overlap and end with the last row; `run` returns when all are done, within the borrow.
            let run =
                unsafe { std::slice::from_raw_parts_mut(out.0.add(first * width), each.min(rows - first) * width) };
            work(first, run);
        });
    }

    /// Calls `function(part)` once for every part in `0..parts` and returns when all are done. Where there are no more parts than threads each
    /// thread has its own, else threads take parts as they come free; what a worker has not begun when the calling thread is
    /// done with its own, that one does too, so that a worker that the system does not run holds nobody up. While another caller
    /// uses the pool, all parts run on this thread. A panic in a part is passed on.
    pub fn run(&self, parts: usize, function: &(dyn Fn(usize) + Sync)) {
        if parts < 2 || self.workers.is_empty() || self.busy.swap(true, Ordering::Acquire) {
            (0..parts).for_each(function);
            return;
        }
        // SAFETY: only the lifetime is changed. A worker uses the pointer only while its slot is `TAKEN`, and this call returns, also when
        // a part panics, only after every slot it has filled is `EMPTY` again.
        let erased = unsafe {
            std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync + 'static)>(function)
        };
        let shared = &*self.shared;
        let each_has_one = parts <= self.threads();
        shared.next.store(0, Ordering::Relaxed);
        let slots = &shared.slots[..self.workers.len().min(parts - 1)];
        for (number, slot) in slots.iter().enumerate() {
            let job = Job { function: erased, part: each_has_one.then_some(number + 1), parts };
            // SAFETY: `busy` is held and the last call has left every slot `EMPTY`, so nobody else looks at it.
            unsafe { *slot.job.get() = Some(job) };
            slot.state.store(OFFERED, Ordering::SeqCst);
        }
        shared.wake_sleepers();
        let own =
            catch_unwind(AssertUnwindSafe(
                || {
                    if each_has_one { function(0) } else { shared.take_parts(parts, function) }
                },
            ));
        let mut rest = Ok(());
        for (number, slot) in slots.iter().enumerate() {
            if slot.state.compare_exchange(OFFERED, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                if each_has_one && rest.is_ok() {
                    rest = catch_unwind(AssertUnwindSafe(|| function(number + 1)));
                }
                continue;
            }
            let mut spins = 0usize;
            while slot.state.load(Ordering::Acquire) != EMPTY {
                spins += 1;
                if spins.is_multiple_of(1024) { std::thread::yield_now() } else { std::hint::spin_loop() }
            }
        }
        let failed = shared.panicked.swap(false, Ordering::Relaxed);
        self.busy.store(false, Ordering::Release);
        if let Err(payload) = own.and(rest) {
            resume_unwind(payload);
        }
        assert!(!failed, "a part of a parallel job panicked");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // No call is under way, so every slot is empty.
        self.shared.slots.iter().for_each(|slot| slot.state.store(STOP, Ordering::SeqCst));
        self.shared.wake_sleepers();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of jobs; joining cannot fail in another way worth reporting.
            let _ = worker.join();
        }
    }
}

fn work(shared: &Shared, slot: &Slot) {
    let called = |order| matches!(slot.state.load(order), OFFERED | STOP);
    loop {
        let mut spins = 0;
        while !called(Ordering::Relaxed) && spins < SPINS {
            spins += 1;
            std::hint::spin_loop();
        }
        if !called(Ordering::SeqCst) {
            let mut guard = shared.lock();
            shared.sleepers.fetch_add(1, Ordering::SeqCst);
            while !called(Ordering::SeqCst) {
                guard = shared.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            shared.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
        match slot.state.compare_exchange(OFFERED, TAKEN, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => {}
            Err(STOP) => return,
            // The caller has taken it back.
            Err(_) => continue,
        }
        // SAFETY: the slot is `TAKEN` by this worker, so the caller has written the job and does not write before it is `EMPTY`.
        if let Some(Job { function, part, parts }) = unsafe { *slot.job.get() } {
            // SAFETY: as above; `Pool::run` keeps the function alive until the slot is `EMPTY`.
            let function = unsafe { &*function };
            let run = || match part {
                Some(part) => function(part),
                None => shared.take_parts(parts, function),
            };
            if catch_unwind(AssertUnwindSafe(run)).is_err() {
                shared.panicked.store(true, Ordering::Relaxed);
            }
        }
        slot.state.store(EMPTY, Ordering::Release);
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
    fn every_row_is_written_once() {
        let pool = Pool::new(3);
        for (rows, width) in [(1, 3), (2, 20_000), (7, 5_000), (40, 411), (0, 4)] {
            let mut out = vec![0.0; rows * width];
            pool.run_rows(&mut out, width, &|first, rows| {
                for (i, row) in rows.chunks_exact_mut(width).enumerate() {
                    row.iter_mut().for_each(|x| *x += (first + i + 1) as f32);
                }
            });
            let right = |(i, row): (usize, &[f32])| row.iter().all(|x| *x == (i + 1) as f32);
            assert!(out.chunks_exact(width).enumerate().all(right), "{rows} {width}");
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
