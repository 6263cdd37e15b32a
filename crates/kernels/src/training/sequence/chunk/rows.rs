//! Rows of matrices that may lie apart, and what the chunks do with them beside the products.

use super::super::super::left::Strided;
use super::super::super::sums::{dot, sum};
use crate::multiversion::{exp, mul_add, multiversion};

/// Rows of `width` values, `stride` apart.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Rows<'a> {
    data: &'a [f32],
    stride: usize,
    width: usize,
}

impl<'a> Rows<'a> {
    /// Rows of `width` values that are `stride` apart.
    pub(in super::super) fn apart(data: &'a [f32], stride: usize, width: usize) -> Self {
        Self { data, stride, width }
    }

    /// Rows that lie side by side.
    pub(in super::super) fn adjacent(data: &'a [f32], width: usize) -> Self {
        Self { data, stride: width, width }
    }

    /// Values in a row.
    #[inline(always)]
    pub(in super::super) fn width(&self) -> usize {
        self.width
    }

    /// Row `i`.
    #[inline(always)]
    pub(in super::super) fn row(&self, i: usize) -> &'a [f32] {
        &self.data[i * self.stride..][..self.width]
    }

    /// The first `n`.
    pub(super) fn list(&self, n: usize) -> Vec<&'a [f32]> {
        (0..n).map(|i| self.row(i)).collect()
    }

    /// As the left operand of a product.
    pub(in super::super) fn left(&self) -> Strided<'a> {
        Strided::rows(self.data, self.stride)
    }

    /// Turned, as the left operand of a product.
    pub(super) fn left_columns(&self) -> Strided<'a> {
        Strided::columns(self.data, self.stride)
    }
}

/// Row by row times a factor each; the rows themselves where all factors are 1.
pub(super) fn weighed<'a>(steady: Option<f32>, rows: Rows<'a>, factors: &[f32], scaled: &'a mut Vec<f32>) -> Rows<'a> {
    if steady == Some(0.0) {
        return rows;
    }
    scaled.clear();
    for (i, factor) in factors.iter().enumerate() {
        scaled.extend(rows.row(i).iter().map(|x| x * factor));
    }
    Rows::adjacent(scaled, rows.width)
}

multiversion! { pub(super) fn exponentials(values: &mut [f32]) = exponentials_body }
multiversion! { pub(super) fn times(values: &mut [f32], factors: &[f32]) = times_body }
multiversion! {
    /// The sum of each row of a square matrix.
    pub(super) fn row_sums(values: &[f32], sums: &mut [f32]) = row_sums_body
}
multiversion! {
    /// Adds each row's product with a vector.
    pub(super) fn add_dots(rows: Rows<'_>, with: &[f32], sums: &mut [f32]) = add_dots_body
}
multiversion! {
    /// Adds a value to each row of a square matrix.
    pub(super) fn add_to_rows(values: &mut [f32], column: &[f32]) = add_to_rows_body
}
multiversion! {
    /// Adds `column row^T`.
    pub(super) fn add_products(column: &[f32], row: &[f32], to: &mut [f32]) = add_products_body
}
multiversion! {
    /// Adds up the first `n` rows, each times a factor if there are some.
    pub(super) fn add_rows(rows: Rows<'_>, n: usize, factors: Option<&[f32]>, to: &mut [f32]) = add_rows_body
}

#[inline(always)]
fn exponentials_body<const FMA: bool, const LANES: usize>(values: &mut [f32]) {
    values.iter_mut().for_each(|v| *v = exp::<FMA>(*v));
}

#[inline(always)]
fn times_body<const FMA: bool, const LANES: usize>(values: &mut [f32], factors: &[f32]) {
    values.iter_mut().zip(factors).for_each(|(v, f)| *v *= f);
}

#[inline(always)]
fn row_sums_body<const FMA: bool, const LANES: usize>(values: &[f32], sums: &mut [f32]) {
    values.chunks_exact(sums.len()).zip(sums).for_each(|(row, to)| *to = sum(row));
}

#[inline(always)]
fn add_dots_body<const FMA: bool, const LANES: usize>(rows: Rows<'_>, with: &[f32], sums: &mut [f32]) {
    sums.iter_mut().enumerate().for_each(|(i, to)| *to += dot::<FMA>(rows.row(i), with));
}

#[inline(always)]
fn add_to_rows_body<const FMA: bool, const LANES: usize>(values: &mut [f32], column: &[f32]) {
    for (row, more) in values.chunks_exact_mut(column.len()).zip(column) {
        row.iter_mut().for_each(|v| *v += more);
    }
}

#[inline(always)]
fn add_products_body<const FMA: bool, const LANES: usize>(column: &[f32], row: &[f32], to: &mut [f32]) {
    for (to, &factor) in to.chunks_exact_mut(row.len()).zip(column) {
        to.iter_mut().zip(row).for_each(|(to, &x)| *to = mul_add::<FMA>(factor, x, *to));
    }
}

#[inline(always)]
fn add_rows_body<const FMA: bool, const LANES: usize>(
    rows: Rows<'_>,
    n: usize,
    factors: Option<&[f32]>,
    to: &mut [f32],
) {
    for i in 0..n {
        let factor = factors.map_or(1.0, |f| f[i]);
        to.iter_mut().zip(rows.row(i)).for_each(|(to, &x)| *to = mul_add::<FMA>(factor, x, *to));
    }
}
