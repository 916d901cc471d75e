import numpy as np
import pytest
from scipy import sparse

from sklearn_bilstm.training._regressions import Regressions


def regressions(found=(0, 1), **changes):
    """Regressions on four features, with some invalid values."""
    n_found = len(found)
    values = {
        "classes": np.array(found, np.int64),
        "coefficients": np.zeros((4, n_found)),
        "intercepts": np.zeros(n_found),
    }
    return Regressions(**{**values, **changes})


@pytest.mark.parametrize("classes", [[0, 5], [0, 1, 1], [1, 1], [-1], []], ids=str)
def test_regressions_of_other_classes_are_refused(classes):
    with pytest.raises(ValueError, match="must have some of the classes"):
        regressions(classes).check(n_classes=2, multilabel=False)


@pytest.mark.parametrize("classes", [[0], [1, 0], [0, 1, 2]], ids=str)
def test_regressions_of_other_labels_are_refused(classes):
    with pytest.raises(ValueError, match="must have (some|all)"):
        regressions(classes, exclusive=False).check(n_classes=2, multilabel=True)


@pytest.mark.parametrize("exclusive", [True, False])
def test_regressions_of_another_task_are_refused(exclusive):
    found = regressions(exclusive=exclusive)
    found.check(n_classes=2, multilabel=not exclusive)
    with pytest.raises(ValueError, match="exclusive"):
        found.check(n_classes=2, multilabel=exclusive)


@pytest.mark.parametrize(
    "changes",
    [
        {"coefficients": np.zeros((4, 3))},
        {"coefficients": np.zeros(4)},
        {"coefficients": np.zeros((4, 2), np.int64)},
        {"coefficients": np.full((4, 2), np.nan)},
        {"coefficients": np.full((4, 2), -1e300)},
        {"coefficients": sparse.csr_array((4, 3))},
        {"coefficients": sparse.csr_array(np.full((4, 2), 1e300))},
        {"coefficients": None},
        {"intercepts": np.zeros(3)},
        {"intercepts": np.full(2, np.inf)},
        {"intercepts": np.full(2, 1e300)},
        {"classes": np.zeros(2)},
        {"classes": [0, 1]},
    ],
    ids=str,
)
def test_invalid_numbers_are_refused(changes):
    with pytest.raises(ValueError, match="must"):
        regressions(**changes).check(n_classes=2, multilabel=False)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_function_is_applied_to_the_coefficients_that_are_stored(kind):
    coefficients = np.array([[0.0, 1.5], [-2.5, 0.0], [0.0, 0.0], [3.0, 4.0]])
    given = regressions(coefficients=kind(coefficients), intercepts=np.full(2, 9.0))
    found = given.mapped(lambda numbers: numbers * -2)
    assert type(found.coefficients) is type(given.coefficients)
    X = sparse.csr_array(np.eye(4))
    expected = -2 * coefficients + 9
    expected = expected - expected.mean(1, keepdims=True)
    np.testing.assert_allclose(found.logits(X), expected)
    before = given.coefficients
    before = before if kind is np.asarray else before.toarray()
    assert np.array_equal(before, coefficients)
