//! Ridge regression (Hoerl and Kennard 1970): the linear map with an intercept that has the least squared error plus a penalty on the
//! squares of its coefficients, by the normal equations in f64.

/// Sums over examples, from which the map for any penalty follows.
#[derive(Clone, Debug)]
pub struct Ridge {
    inputs: usize,
    outputs: usize,
    mean_in: Vec<f64>,
    mean_out: Vec<f64>,
    /// `[inputs, inputs]` of centred inputs with themselves; `[inputs, outputs]` with the outputs. Means over the examples.
    gram: Vec<f64>,
    cross: Vec<f64>,
}

/// A fitted map.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearMap {
    /// `[inputs, outputs]`.
    pub coefficients: Vec<f64>,
    /// `[outputs]`.
    pub intercept: Vec<f64>,
}

/// Examples whose products are summed while they are in cache.
const BLOCK: usize = 32;

impl Ridge {
    /// Sums over `x` `[examples, inputs]` and `y` `[examples, outputs]`.
    ///
    /// # Panics
    /// If there are no examples, or not as many of one as of the other.
    pub fn new(x: &[f32], y: &[f32], inputs: usize, outputs: usize) -> Self {
        let n = x.len() / inputs;
        assert!(n > 0 && x.len() == n * inputs && y.len() == n * outputs, "as many inputs as outputs");
        let (mean_in, mean_out) = (means(x, inputs), means(y, outputs));
        let (mut gram, mut cross) = (vec![0f64; inputs * inputs], vec![0f64; inputs * outputs]);
        for (x, y) in x.chunks(BLOCK * inputs).zip(y.chunks(BLOCK * outputs)) {
            let (x, y) = (centred(x, &mean_in), centred(y, &mean_out));
            for i in 0..inputs {
                for (x, y) in x.chunks_exact(inputs).zip(y.chunks_exact(outputs)) {
                    add(&mut gram[i * inputs..(i + 1) * inputs], &x[..=i], x[i]);
                    add(&mut cross[i * outputs..(i + 1) * outputs], y, x[i]);
                }
            }
        }
        gram.iter_mut().chain(&mut cross).for_each(|v| *v /= n as f64);
        Self { inputs, outputs, mean_in, mean_out, gram, cross }
    }

    /// The mean square of a centred input, by which penalties are usually scaled.
    pub fn mean_square(&self) -> f64 {
        (0..self.inputs).map(|i| self.gram[i * self.inputs + i]).sum::<f64>() / self.inputs as f64
    }

    /// The map that minimizes the mean squared error plus `penalty` (above 0) times the squares of its coefficients.
    pub fn solve(&self, penalty: f64) -> LinearMap {
        let (n, m) = (self.inputs, self.outputs);
        // Cholesky: gram + penalty = L L^T, L in the lower triangle.
        let mut l = self.gram.clone();
        for i in 0..n {
            l[i * n + i] += penalty;
        }
        for i in 0..n {
            let (above, row) = l.split_at_mut(i * n);
            for j in 0..=i {
                if j < i {
                    let other = &above[j * n..j * n + j + 1];
                    row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
                } else {
                    // Rounding alone can make it smaller than the penalty.
                    row[i] = (row[i] - dot(&row[..i], &row[..i])).max(f64::MIN_POSITIVE).sqrt();
                }
            }
        }
        let mut w = self.cross.clone();
        for i in 0..n {
            let (above, rest) = w.split_at_mut(i * m);
            let own = &mut rest[..m];
            for j in 0..i {
                add(own, &above[j * m..(j + 1) * m], -l[i * n + j]);
            }
            own.iter_mut().for_each(|v| *v /= l[i * n + i]);
        }
        for i in (0..n).rev() {
            let (upto, below) = w.split_at_mut((i + 1) * m);
            let own = &mut upto[i * m..];
            for j in i + 1..n {
                add(own, &below[(j - i - 1) * m..(j - i) * m], -l[j * n + i]);
            }
            own.iter_mut().for_each(|v| *v /= l[i * n + i]);
        }
        let mut intercept = self.mean_out.clone();
        for (i, mean) in self.mean_in.iter().enumerate() {
            add(&mut intercept, &w[i * m..(i + 1) * m], -mean);
        }
        LinearMap { coefficients: w, intercept }
    }
}

impl LinearMap {
    /// `[inputs] -> [outputs]`.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut y = self.intercept.clone();
        for (x, row) in x.iter().zip(self.coefficients.chunks_exact(y.len())) {
            add(&mut y, row, f64::from(*x));
        }
        y.into_iter().map(|v| v as f32).collect()
    }
}

/// `sums += factor * values`.
fn add(sums: &mut [f64], values: &[f64], factor: f64) {
    sums.iter_mut().zip(values).for_each(|(s, v)| *s += factor * v);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn means(rows: &[f32], width: usize) -> Vec<f64> {
    let mut sums = vec![0f64; width];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(s, v)| *s += f64::from(*v));
    }
    let n = (rows.len() / width) as f64;
    sums.iter_mut().for_each(|s| *s /= n);
    sums
}

fn centred(rows: &[f32], means: &[f64]) -> Vec<f64> {
    rows.chunks_exact(means.len()).flat_map(|row| row.iter().zip(means).map(|(v, m)| f64::from(*v) - m)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_scikit_learn_s() {
        // scikit-learn 1.9.1, Ridge(alpha=penalty * examples).fit(x, y): x, y, penalty, coefficients, intercept.
        let x = [1.0, 2.0, 0.5, 3.0, -1.0, 1.5, 0.25, -2.0, 2.5, 1.0, 0.0, 1.0, -0.5, 2.25, 1.75];
        let y = [1.0, 0.5, 2.0, -1.0, 0.0, 1.5, 3.0, 0.25, -0.75, 1.0];
        let map = Ridge::new(&x, &y, 3, 2).solve(0.2);
        let wanted: [f64; 6] =
            [0.409877386248, -0.618376999628, -0.304525963788, -0.099468774164, -0.905012000281, 0.060117893976];
        assert!(map.coefficients.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9), "{map:?}");
        let wanted: [f64; 2] = [2.049015374419, 0.975154396923];
        assert!(map.intercept.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9), "{map:?}");
        let y = map.apply(&[1.0, 2.0, 3.0]);
        let by_hand =
            |o: usize| map.intercept[o] + (0..3).map(|i| (i + 1) as f64 * map.coefficients[2 * i + o]).sum::<f64>();
        assert!((0..2).all(|o| (f64::from(y[o]) - by_hand(o)).abs() < 1e-6));
    }

    #[test]
    fn as_many_inputs_as_examples_and_equal_ones_have_an_answer() {
        let x = [1.0, 1.0, 2.0, 2.0];
        let map = Ridge::new(&x, &[1.0, 3.0], 2, 1).solve(1e-6);
        assert!((map.apply(&[2.0, 2.0])[0] - 3.0).abs() < 1e-3, "{map:?}");
        assert!((map.coefficients[0] - map.coefficients[1]).abs() < 1e-6, "{map:?}");
    }
}
