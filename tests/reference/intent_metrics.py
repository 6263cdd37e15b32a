"""Golden values for crates/eval/src/intent/.

Run with: scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 cleanlab==2.9.0
    python tests/reference/intent_metrics.py > crates/eval/tests/data/intent_metrics.json

Accuracy, macro-F1 (labels that occur as gold; an output that is no label is a label of its own, which is none of them), top-3,
the multi-class Brier score and AUROC are scikit-learn's. Expected calibration error is put together from scikit-learn's
`calibration_curve` with 15 uniform bins. Label errors are cleanlab's `find_label_issues` by the confident joint, ranked by
normalized margin. Texts are TfidfVectorizer's (words 1-2, char_wb 2-4, sublinear) with LinearSVC at C = 1.
"""

import json
import sys

import numpy as np
from cleanlab.count import compute_confident_joint
from cleanlab.filter import find_label_issues
from scipy.sparse import hstack
from sklearn.calibration import calibration_curve
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, roc_auc_score, top_k_accuracy_score
from sklearn.svm import LinearSVC

rng = np.random.default_rng(7)
labels, n = 6, 240
gold = rng.integers(0, labels, n)
logits = rng.normal(size=(n, labels))
logits[np.arange(n), gold] += 2.0
# Some labels are wrong, as a model that is right would see them.
wrong = rng.choice(n, 24, replace=False)
logits[wrong, gold[wrong]] -= 3.0
logits[wrong, (gold[wrong] + 1 + rng.integers(0, labels - 1, 24)) % labels] += 4.0
probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
probabilities = np.round(probabilities, 6)
probabilities[:, 0] += 1 - probabilities.sum(1)
best = probabilities.argmax(1)
predicted = best.copy()
invalid = rng.choice(n, 9, replace=False)
predicted[invalid] = labels
present = sorted(set(gold.tolist()))

confidence, right = probabilities.max(1), best == gold
of_bin, mean_confidence = calibration_curve(right, confidence, n_bins=15, strategy="uniform")
edges = np.linspace(0, 1, 16)
sizes = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=15)
sizes = sizes[sizes > 0]
ece = float((np.abs(of_bin - mean_confidence) * sizes).sum() / n)

last = probabilities[:, labels - 1]
issues = find_label_issues(
    gold, probabilities, filter_by="confident_learning", return_indices_ranked_by="normalized_margin", n_jobs=1
)
joint = compute_confident_joint(gold, probabilities, calibrate=False)

words = {
    0: ["turn", "switch", "light", "lamp", "on", "the", "kitchen", "please"],
    1: ["what", "is", "the", "weather", "in", "paris", "today", "a"],
    2: ["play", "a", "song", "by", "the", "Beatles", "it's", "loud"],
    3: ["set", "alarm", "for", "7", "the", "morning", "please", "café"],
}
documents, document_labels = [], []
for i in range(60):
    label = i % 4
    pool = words[label] + ["now", "hey", "can", "you", "x_1"] + words[(label + 1) % 4][:3]
    text = " ".join(rng.choice(pool, 6)) + rng.choice(["", "?", "!!", " - ok"])
    documents.append(text)
    document_labels.append(label)
union = [
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
]
rows = hstack([v.fit_transform(documents) for v in union]).tocsr()
machine = LinearSVC(C=1.0, tol=1e-8, max_iter=100000).fit(rows, document_labels)
svm_documents = ["switch the lamp on", "weather tomorrow?", "play the alarm in the kitchen", "", "unknown words only"]
margins = machine.decision_function(hstack([v.transform(svm_documents) for v in union]).tocsr())

json.dump(
    {
        "labels": labels,
        "gold": gold.tolist(),
        "predicted": [None if p == labels else int(p) for p in predicted],
        "accuracy": accuracy_score(gold, predicted),
        "macro_f1": f1_score(gold, predicted, labels=present, average="macro", zero_division=0),
        "probabilities": [[round(float(x), 6) for x in row] for row in probabilities],
        "top3": top_k_accuracy_score(gold, probabilities, k=3),
        "brier": brier_score_loss(gold, np.round(probabilities, 6), labels=list(range(labels)), scale_by_half=False),
        "ece": ece,
        "auroc": roc_auc_score(gold == labels - 1, last),
        "auroc_ties": roc_auc_score(gold == labels - 1, np.round(last * 10)),
        "label_errors": [int(i) for i in issues],
        "confident_joint": joint.tolist(),
        "documents": documents,
        "document_labels": document_labels,
        "tfidf_columns": rows.shape[1],
        "tfidf": [[float(rows[i].sum()), float(rows[i].max()), int(rows[i].nnz)] for i in range(60)],
        "svm_documents": svm_documents,
        "svm_margins": np.round(margins, 6).tolist(),
    },
    sys.stdout,
)
print()
