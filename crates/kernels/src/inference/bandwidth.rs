//! How fast memory can be read: the limit of decoding, which reads every weight once for each token.

use super::{Isa, Lines, Pool};

/// Reads all of `lines`, each thread its own contiguous share, with the widest loads of `isa`. The result depends on every bit.
pub fn read_all(isa: Isa, pool: &Pool, lines: &Lines) -> u64 {
    let words = lines.as_slice::<u64>();
    let share = words.len().div_ceil(pool.threads()).next_multiple_of(WIDTH).max(WIDTH);
    let sums: Vec<_> = words.chunks(share).map(|_| std::sync::atomic::AtomicU64::new(0)).collect();
    pool.run(sums.len(), &|part| {
        let mut sum = 0;
        read(isa, &words[part * share..words.len().min((part + 1) * share)], &mut sum);
        sums[part].store(sum, std::sync::atomic::Ordering::Relaxed);
    });
    sums.iter().fold(0, |all, sum| all ^ sum.load(std::sync::atomic::Ordering::Relaxed))
}

/// Words that are read side by side.
const WIDTH: usize = 64;

#[inline(always)]
fn read_body<const FMA: bool>(words: &[u64], sum: &mut u64) {
    let mut lanes = [0; WIDTH];
    let (blocks, rest) = words.as_chunks::<WIDTH>();
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(lane, word)| *lane ^= word);
    }
    *sum = lanes.iter().chain(rest).fold(0, |all, word| all ^ word);
}

super::isa::per_isa! {
    fn read(words: &[u64], sum: &mut u64) = read_body;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_on_every_instruction_set() {
        for bytes in [0, 64, 4096, 100_000] {
            let mut lines = Lines::zeroed(bytes);
            lines.as_mut_slice::<u64>().iter_mut().enumerate().for_each(|(i, w)| *w = (i as u64 + 1) << (i % 40));
            let expected = lines.as_slice::<u64>().iter().fold(0, |all, w| all ^ w);
            for isa in Isa::available() {
                for threads in [1, 3] {
                    assert_eq!(read_all(isa, &Pool::new(threads), &lines), expected);
                }
            }
        }
    }
}
