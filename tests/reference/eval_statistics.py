"""Golden values for crates/eval/src/statistics.rs and statistics/.

Run with: scipy==1.17.1 statsmodels==0.15.0 numpy==2.4.6
    python tests/reference/eval_statistics.py > crates/eval/tests/data/statistics.json

Wilson intervals are statsmodels' (`proportion_confint`). The clustered bootstrap is scipy's `bootstrap` over paired
(sum, count) of each cluster with 200,000 resamples, so that its own noise is small beside the tolerance, which is
five times the spread of the ends over 60 bootstraps of 2,000 resamples.

McNemar's exact test and Holm's adjustment are statsmodels' (`mcnemar`, `multipletests`). Sign flips are scipy's
`permutation_test` with `permutation_type="samples"`: all of them for short lists, 200,000 for long ones, with a tolerance of
five standard errors of 9,999 draws. Items needed for means are statsmodels' `NormalIndPower` with one sample; for proportions,
Connor's formula in numpy, and beside it the power of the normal McNemar test at so many items, by enumeration with scipy.
"""

import json
import sys

import numpy as np
from scipy.stats import binom, bootstrap, norm, permutation_test
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
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

discordant = [(0, 1), (1, 0), (5, 5), (0, 9), (3, 12), (40, 61), (61, 40), (0, 200), (480, 560), (5000, 5300), (1, 3)]
mcnemars = [[b, c, float(mcnemar([[7, b], [c, 9]], exact=True).pvalue)] for b, c in discordant]


def flips(differences, resamples):
    result = permutation_test(
        (np.array(differences),), lambda x, axis: np.mean(x, axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=resamples, alternative="two-sided", rng=np.random.default_rng(3), batch=5_000,
    )
    return float(result.pvalue)


exact, drawn = [], []
for n, shift in [(2, 0.1), (4, 0.2), (9, 0.05), (14, 0.1), (16, 0.0)]:
    differences = [round(float(v), 3) for v in rng.normal(shift, 0.2, size=n)]
    exact.append([differences, flips(differences, np.inf)])
ties = [0.5, 0.5, -0.5, 0.25, 0.25, -0.25, 0.5, 0.75]
exact.append([ties, flips(ties, np.inf)])
for n, shift in [(30, 0.06), (150, 0.03), (70, 0.0)]:
    differences = [round(float(v), 3) for v in rng.normal(shift, 0.2, size=n)]
    p = flips(differences, 200_000)
    drawn.append([differences, p, 5 * float(np.sqrt(max(p * (1 - p), 1e-4) / 9_999)) + 1e-4])

holms = []
for ps in [[0.01], [0.01, 0.02, 0.03], [0.04, 0.001, 0.5, 0.001, 1.0, 0.0], [0.9, 0.8], [0.01, 0.011, 0.2, 0.012]]:
    holms.append([ps, [float(p) for p in multipletests(ps, method="holm")[1]]])

z_alpha, z_power = norm.ppf(0.975), norm.ppf(0.8)
proportions = []
for b, c, n in [(61, 40, 500), (12, 3, 158), (30, 90, 1000), (5, 1, 100), (200, 150, 700)]:
    psi, delta = (b + c) / n, abs(b - c) / n
    items = int(np.ceil((z_alpha * np.sqrt(psi) + z_power * np.sqrt(psi - delta**2)) ** 2 / delta**2))
    power = 0.0
    for d in range(1, items + 1):  # so many discordant items
        weight = binom.pmf(d, items, psi)
        if weight < 1e-12:
            continue
        x = np.arange(d + 1)
        rejected = np.abs(2 * x - d) >= z_alpha * np.sqrt(d)
        power += weight * binom.pmf(x, d, max(b, c) / (b + c))[rejected & (2 * x > d)].sum()
    proportions.append([b, c, n, items, round(float(power), 4)])

means = []
for n, shift in [(20, 0.1), (60, 0.05), (40, -0.2)]:
    differences = [round(float(v), 3) for v in rng.normal(shift, 0.2, size=n)]
    effect = np.mean(differences) / np.std(differences, ddof=1)
    items = NormalIndPower().solve_power(effect_size=abs(effect), alpha=0.05, power=0.8, ratio=0, alternative="two-sided")
    means.append([differences, float(np.ravel(items)[0])])

golden = {
    "wilson": wilson, "bootstrap": cases, "mcnemar": mcnemars, "sign_flip_exact": exact, "sign_flip_drawn": drawn,
    "holm": holms, "items_needed_proportions": proportions, "items_needed_means": means,
}
json.dump(golden, sys.stdout, indent=None, separators=(",", ":"))
print()
