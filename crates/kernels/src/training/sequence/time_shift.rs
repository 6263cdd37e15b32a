//! Each row's predecessor in its item: RWKV's token shift.

use super::{Forward, Items, Kept, SequenceOperation, rows_of};

/// `out_t = x_{t-1}`. Input: `x [rows, width]`. State: the last row.
#[derive(Clone, Copy, Debug)]
pub struct TimeShift {
    /// Values a row.
    pub width: usize,
}

impl SequenceOperation for TimeShift {
    fn width(&self) -> usize {
        self.width
    }

    fn state_size(&self) -> usize {
        self.width
    }

    fn forward(&self, inputs: &[&[f32]], items: Items<'_>) -> Forward {
        let (x, width) = (inputs[0], self.width);
        let mut out = vec![0.0; x.len()];
        let mut last = Vec::with_capacity(items.spans.len() * width);
        for (i, (out, &span)) in items.rows_mut(&mut out, width).into_iter().zip(items.spans).enumerate() {
            let x = rows_of(x, span, width);
            let (first, rest) = out.split_at_mut(width);
            first.copy_from_slice(&items.state(self, i));
            rest.copy_from_slice(&x[..x.len() - width]);
            last.extend_from_slice(&x[x.len() - width..]);
        }
        Forward { out, last, saved: Vec::new() }
    }

    fn backward(&self, inputs: &[&[f32]], _: Kept<'_>, d_out: &[f32], items: Items<'_>) -> Vec<Vec<f32>> {
        let width = self.width;
        let mut d_x = vec![0.0; inputs[0].len()];
        for (d_x, &span) in items.rows_mut(&mut d_x, width).into_iter().zip(items.spans) {
            let d_out = rows_of(d_out, span, width);
            let n = d_x.len() - width;
            d_x[..n].copy_from_slice(&d_out[width..]);
        }
        vec![d_x]
    }
}
