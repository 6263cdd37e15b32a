"""Golden values for crates/eval/src/statistics.rs.

Run with: scipy==1.17.0 statsmodels==0.15.0 numpy==2.4.6
    python tests/reference/eval_statistics.py > crates/eval/tests/data/statistics.json

Wilson intervals are statsmodels' (`proportion_confint`). The clustered bootstrap is scipy's `bootstrap` over paired
(sum, count) of each cluster with 200,000 resamples, so that its own noise is small beside the tolerance, which is
five times the spread of the ends over 60 bootstraps of 2,000 resamples.
"""

import json
import sys

import numpy as np
from scipy.stats import bootstrap
from statsmodels.stats.proportion import proportion_confint

wilson = []
for successes, n in [(0, 1), (1, 1), (0, 20), (20, 20), (1, 20), (7, 20), (55, 158), (392, 629), (628, 629), (3, 100000)]:
    low, high = proportion_confint(successes, n, alpha=0.05, method="wilson")
    wilson.append([successes, n, float(low), float(high)])


def ratio(sums, counts, axis):
    return np.sum(sums, axis=axis) / np.sum(counts, axis=axis)


def interval(sums, counts, resamples, rng):
    result = bootstrap(
        (sums, counts), ratio, n_resamples=resamples, paired=True, vectorized=True, confidence_level=0.95,
        method="percentile", rng=rng, batch=10_000,
    )
    return result.confidence_interval.low, result.confidence_interval.high


cases = []
rng = np.random.default_rng(7)
for clusters, most in [(12, 6), (25, 4), (3, 10), (40, 1)]:
    values, labels = [], []
    for cluster in range(clusters):
        level = rng.uniform()
        for _ in range(int(rng.integers(1, most + 1))):
            values.append(round(float(np.clip(level + rng.normal(scale=0.15), 0, 1)), 4))
            labels.append(cluster)
    sums = np.array([sum(v for v, l in zip(values, labels) if l == c) for c in range(clusters)])
    counts = np.array([labels.count(c) for c in range(clusters)], dtype=float)
    low, high = interval(sums, counts, 200_000, np.random.default_rng(1))
    ends = np.array([interval(sums, counts, 2_000, np.random.default_rng(100 + i)) for i in range(60)])
    tolerance = max(5 * float(ends.std(axis=0).max()), 1e-4)
    order = rng.permutation(len(values))
    cases.append({
        "values": [values[i] for i in order], "clusters": [labels[i] for i in order],
        "low": float(low), "high": float(high), "tolerance": round(tolerance, 5),
    })

json.dump({"wilson": wilson, "bootstrap": cases}, sys.stdout, indent=None, separators=(",", ":"))
print()
