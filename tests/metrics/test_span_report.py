import numpy as np
import pytest

from sklearn_bilstm.metrics import find_spans, span_classification_report

TRUE = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC"]]
FOUND = [["B-PER", "I-PER", "O", "B-PER"], ["O", "B-LOC"]]


def random_labels(seed, n_rows=20):
    random = np.random.RandomState(seed)
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-longer-name", "I-longer-name"]
    p = [0.3, *[0.7 / 6] * 6]
    return [random.choice(labels, size=n % 9, p=p).tolist() for n in range(n_rows)]


def ratio(n, of):
    return n / of if of else 0.0


def counted(true, found, kind):
    """Return precision, recall, F1 and support by counting spans one by one."""
    n_right = n_true = n_found = 0
    for a, b in zip(true, found, strict=True):
        spans = [
            [s for s in find_spans(row) if kind in (None, s.kind)] for row in (a, b)
        ]
        n_true += len(spans[0])
        n_found += len(spans[1])
        n_right += sum(span in spans[1] for span in spans[0])
    f1 = ratio(2 * n_right, n_true + n_found)
    return [ratio(n_right, n_found), ratio(n_right, n_true), f1, n_true]


@pytest.mark.parametrize("seed", range(3))
def test_report_equals_counts(seed):
    true, found = random_labels(seed), random_labels(seed + 10)
    report = span_classification_report(
        true, found, output_dict=True, zero_division=0.0
    )
    kinds = ["LOC", "PER", "longer-name"]
    assert list(report) == [*kinds, "micro avg", "macro avg", "weighted avg"]
    of_kinds = np.array([counted(true, found, kind) for kind in kinds])
    for kind, expected in zip(kinds, of_kinds, strict=True):
        np.testing.assert_allclose([*report[kind].values()], expected)
    np.testing.assert_allclose(
        [*report["micro avg"].values()], counted(true, found, None)
    )
    means = of_kinds[:, :3].mean(0)
    np.testing.assert_allclose([*report["macro avg"].values()][:3], means)
    weighted = np.average(of_kinds[:, :3], weights=of_kinds[:, 3], axis=0)
    np.testing.assert_allclose([*report["weighted avg"].values()][:3], weighted)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("digits", [2, 4])
def test_report_equals_that_of_seqeval(seed, digits):
    seqeval = pytest.importorskip("seqeval.metrics")
    true, found = random_labels(seed), random_labels(seed + 10)
    expected = seqeval.classification_report(
        true, found, digits=digits, zero_division=0
    )
    options = {"digits": digits, "zero_division": 0.0}
    assert span_classification_report(true, found, **options) == expected
    mine, other = (
        report(true, found, output_dict=True, zero_division=0.0)
        for report in (span_classification_report, seqeval.classification_report)
    )
    assert mine.keys() == other.keys()
    assert all(mine[name] == pytest.approx(other[name]) for name in mine)


def test_support_of_a_dict_is_a_python_number():
    report = span_classification_report(TRUE, FOUND, output_dict=True)
    assert {type(value) for value in report["PER"].values()} == {float, int}


def test_weights_multiply_the_counts_of_rows():
    doubled = span_classification_report(
        [*TRUE, TRUE[0]], [*FOUND, FOUND[0]], output_dict=True
    )
    weighted = span_classification_report(
        TRUE, FOUND, sample_weight=[2, 1], output_dict=True
    )
    for name, scores in doubled.items():
        assert weighted[name] == pytest.approx(scores)


def test_kinds_select_lines():
    report = span_classification_report(TRUE, FOUND, kinds=["LOC"], output_dict=True)
    assert report["LOC"] == report["micro avg"]


def test_rows_without_spans_have_only_averages():
    report = span_classification_report([["O"]], [["O"]], zero_division=0.0)
    assert [line.split()[0] for line in report.splitlines() if line.strip()][1:] == [
        *("micro", "macro", "weighted")
    ]
