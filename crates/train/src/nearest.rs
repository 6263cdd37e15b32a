//! Is the target the nearest to what was predicted? Judged among all targets of the same item, by the cosine.

use bantam_kernels::similarity::finds_own;
use bantam_model::context::Span;
use bantam_model::ports::Targets;
use bantam_model::vectors::Vectors;

/// How many of the predictions (`[targets, size]`) are nearer to their target than to any other target of their item.
pub(crate) fn nearest_of_item(predicted: &[f32], vectors: &Vectors, spans: &[Span], targets: &Targets) -> usize {
    let size = vectors.size();
    let (mut found, mut first) = (0, 0);
    for span in spans {
        let count = targets.rows[first..].partition_point(|&row| (row as usize) < span.start + span.len);
        let wanted = vectors.gather(targets.tokens[first..first + count].iter().map(|&n| n as usize));
        let answers = &predicted[first * size..(first + count) * size];
        found += finds_own(answers, &wanted, size).into_iter().filter(|found| *found).count();
        first += count;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn only_targets_of_the_same_item_compete() {
        // The targets of two items; those of the first at a right angle, those of the second opposite.
        let vectors = Vectors::new(2, vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.1, -1.0, -0.1], Vec::new());
        let spans = [Span { start: 0, len: 3 }, Span { start: 3, len: 3 }];
        let targets = Targets { rows: Arc::from([0, 1, 3, 4]), tokens: Arc::from([0, 1, 2, 3]) };
        // The first is nearest to a target of the other item; the last to the wrong one of its own.
        assert_eq!(nearest_of_item(&[1.0, 0.1, 0.2, 0.9, 5.0, 0.0, 2.0, 2.0], &vectors, &spans, &targets), 3);
    }
}
