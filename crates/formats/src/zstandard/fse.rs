//! Finite-state entropy coding (RFC 8878, section 4.1): tables, their description, and the encoder's state.

use super::bits::BitWriter;

/// How often a symbol is meant to occur among the states of a table: its number of states, or -1 for "less than one".
pub(super) type Shares = Vec<i16>;

/// An encoding table.
pub(super) struct Table {
    log: u32,
    shares: Shares,
    /// Each symbol's states, ascending.
    states: Vec<Vec<u16>>,
}

impl Table {
    /// From shares that add up to `1 << log`.
    pub fn new(shares: &[i16], log: u32) -> Self {
        let size = 1usize << log;
        debug_assert_eq!(shares.iter().map(|s| usize::from(s.unsigned_abs())).sum::<usize>(), size);
        let mut symbols = vec![usize::MAX; size];
        // Symbols of less than one share take one state each, from the end; the others are strewn over the rest.
        let mut end = size;
        for (symbol, _) in shares.iter().enumerate().filter(|(_, s)| **s == -1) {
            end -= 1;
            symbols[end] = symbol;
        }
        let step = (size >> 1) + (size >> 3) + 3;
        let mut at = 0;
        for (symbol, &share) in shares.iter().enumerate() {
            for _ in 0..share.max(0) {
                symbols[at] = symbol;
                at = (at + step) & (size - 1);
                while at >= end {
                    at = (at + step) & (size - 1);
                }
            }
        }
        let mut states = vec![Vec::new(); shares.len()];
        for (state, symbol) in symbols.into_iter().enumerate() {
            if let Some(of_symbol) = states.get_mut(symbol) {
                of_symbol.push(state as u16);
            }
        }
        Self { log, shares: shares.to_vec(), states }
    }

    /// The table's description, as it stands before what is coded with it.
    pub fn description(&self) -> Vec<u8> {
        let mut out = BitWriter::default();
        out.push(self.log - 5, 4);
        let mut left = 1u32 << self.log;
        let mut shares = self.shares.iter().copied().peekable();
        while left > 0 {
            let share = shares.next().unwrap_or(0);
            // One of 0..=left + 1, in as few bits as so many values take; the lower ones take one less.
            let value = (i32::from(share) + 1) as u32;
            let bits = u32::BITS - (left + 1).leading_zeros();
            let short = (1 << bits) - (left + 2);
            if value < short {
                out.push(value, bits - 1);
            } else if value < 1 << (bits - 1) {
                out.push(value, bits);
            } else {
                out.push(value + short, bits);
            }
            left -= u32::from(share.unsigned_abs());
            // Symbols without a share are counted in threes after the first.
            if share == 0 {
                let mut run = 0;
                while shares.next_if_eq(&0).is_some() {
                    run += 1;
                }
                while run >= 3 {
                    out.push(3, 2);
                    run -= 3;
                }
                out.push(run, 2);
            }
        }
        out.finish()
    }

    /// Bits that symbols with these counts take; infinite where one has no share.
    pub fn cost(&self, counts: &[u32]) -> f64 {
        let of = |(symbol, &count): (usize, &u32)| match self.shares.get(symbol) {
            _ if count == 0 => 0.0,
            None | Some(0) => f64::INFINITY,
            Some(share) => f64::from(count) * (f64::from(self.log) - f64::from(share.unsigned_abs()).log2()),
        };
        counts.iter().enumerate().map(of).sum()
    }
}

/// The state of an encoder, which runs from the last symbol to the first.
pub(super) struct State<'a> {
    table: &'a Table,
    state: u16,
}

impl<'a> State<'a> {
    /// Begins with the last symbol. Of its states the one whose decoding would read most bits: a reader that ends when the bits do notices.
    pub fn new(table: &'a Table, last: usize) -> Self {
        Self { table, state: table.states[last][0] }
    }

    /// Goes over to the symbol before, and writes the bits that lead back.
    pub fn encode(&mut self, symbol: usize, out: &mut BitWriter) {
        let states = &self.table.states[symbol];
        let number = (1 << self.table.log) + u32::from(self.state);
        let share = states.len() as u32;
        // The symbol's states stand for share..2 * share; the present one is shifted until it is among them.
        let mut bits = self.table.log - share.ilog2();
        if number >> bits < share {
            bits -= 1;
        }
        out.push(number & ((1 << bits) - 1), bits);
        self.state = states[((number >> bits) - share) as usize];
    }

    /// Writes the state that the decoder begins with.
    pub fn finish(&self, out: &mut BitWriter) {
        out.push(self.state.into(), self.table.log);
    }
}

/// Shares of `1 << log` in the proportion of `counts`, one at least for each that occurs. `None` where there are more symbols than shares,
/// or fewer than two.
pub(super) fn shares(counts: &[u32], log: u32) -> Option<Shares> {
    let size = 1i64 << log;
    let total: i64 = counts.iter().map(|&c| i64::from(c)).sum();
    let present = counts.iter().filter(|&&c| c > 0).count();
    if present < 2 || present as i64 > size {
        return None;
    }
    let used = counts.iter().rposition(|&c| c > 0)? + 1;
    let mut shares: Vec<i64> =
        counts[..used].iter().map(|&c| if c == 0 { 0 } else { (i64::from(c) * size / total).max(1) }).collect();
    let mut missing = size - shares.iter().sum::<i64>();
    // One share at a time where it saves most bits, or costs fewest.
    while missing != 0 {
        let change = missing.signum();
        let gain = |symbol: &usize| {
            let share = shares[*symbol] as f64;
            f64::from(counts[*symbol]) * ((share + change as f64) / share).log2()
        };
        let may = |symbol: &usize| shares[*symbol] + change > 0 && counts[*symbol] > 0;
        let best = (0..used).filter(may).max_by(|a, b| gain(a).total_cmp(&gain(b)))?;
        shares[best] += change;
        missing -= change;
    }
    Some(shares.into_iter().map(|s| s as i16).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fill_the_table_and_leave_no_symbol_out() {
        for log in [5, 6, 9] {
            for counts in [&[1, 0, 1_000_000, 3][..], &[1; 20], &[5, 5], &[0, 0, 7, 1, 0]] {
                let shares = shares(counts, log).unwrap();
                assert_eq!(shares.iter().map(|&s| i32::from(s)).sum::<i32>(), 1 << log);
                for (symbol, &count) in counts.iter().enumerate() {
                    assert_eq!(shares.get(symbol).copied().unwrap_or(0) > 0, count > 0, "{counts:?} {shares:?}");
                }
            }
        }
        assert!(shares(&[3, 0], 5).is_none());
        assert!(shares(&[1; 33], 5).is_none());
    }

    #[test]
    fn a_description_is_that_of_the_rfc_s_rule() {
        // By hand: 0 in four bits; of 32 left, share 16 is 17 of 34 values, one of the 30 that take five bits; of 16 left it is 17 of 18,
        // past the 14 that take four: 31 in five bits.
        let table = Table::new(&[16, 16], 5);
        assert_eq!(table.description(), (17u16 << 4 | 31 << 9).to_le_bytes());
    }
}
