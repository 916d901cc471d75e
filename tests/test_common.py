"""scikit-learn's own suite."""

import numpy as np
import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    TextVectorizer,
)

# scikit-learn excuses its own mini-batch learners, such as SGDClassifier, likewise.
MINI_BATCHES = {
    f"check_sample_weight_equivalence_on_{kind}_data": (
        "weights equal repetitions in expectation only: rows are cut into batches at "
        "random, and dropout differs from row to row"
    )
    for kind in ("dense", "sparse")
}
NO_IDS = dict.fromkeys(
    (
        "check_class_weight_classifiers",
        "check_classifiers_one_label_sample_weights",
        "check_decision_proba_consistency",
    ),
    "gives numbers that are no token ids, whatever the tags say",
)


def expected_failed_checks(estimator):
    reads_ids = estimator.input_type == "tokens"
    return {**MINI_BATCHES, **(NO_IDS if reads_ids else {})}


# By default numbers are read up to 150 times over. Fewer are enough, and faster.
@parametrize_with_checks(
    [BiLSTMClassifier(max_epochs=40), BiLSTMClassifier(input_type="tokens")],
    expected_failed_checks=expected_failed_checks,
)
def test_a_classifier_behaves_as_scikit_learns_own(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [BiLSTMRegressor(max_epochs=100)], expected_failed_checks=expected_failed_checks
)
def test_a_regressor_behaves_as_scikit_learns_own(estimator, check):
    check(estimator)


def test_the_vectorizer_passes_what_there_is_for_transformers_of_text():
    with pytest.warns(SkipTestWarning, match="Can't test estimator TextVectorizer"):
        check_estimator(TextVectorizer())
