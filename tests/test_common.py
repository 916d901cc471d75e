"""Estimator checks of scikit-learn."""

import numpy as np
import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    TableVectorizer,
    TextVectorizer,
)
from sklearn_bilstm.text import StaticEncoder

# scikit-learn marks the same checks for its mini-batch learners, such as SGDClassifier.
MINI_BATCHES = {
    f"check_sample_weight_equivalence_on_{kind}_data": (
        "weights equal repetitions in expectation only: rows are cut into batches at "
        "random, and dropout differs from row to row"
    )
    for kind in ("dense", "sparse")
}
DENSE, _ = MINI_BATCHES
NO_IDS = dict.fromkeys(
    (
        "check_class_weight_classifiers",
        "check_classifiers_one_label_sample_weights",
        "check_decision_proba_consistency",
    ),
    "passes numbers that are not token ids despite the tags",
)


def expected_failed_checks(estimator):
    reads_ids = estimator.input_type == "tokens"
    return {**MINI_BATCHES, **(NO_IDS if reads_ids else {})}


# They suffice: scores exceed those that the checks require by at least 0.08.
FEW = {"max_epochs": 10}


@parametrize_with_checks(
    [
        BiLSTMClassifier(**FEW),
        BiLSTMClassifier(**FEW, input_type="tokens"),
    ],
    expected_failed_checks=expected_failed_checks,
)
def test_classifier_passes_estimator_checks(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [BiLSTMRegressor(**FEW)], expected_failed_checks=expected_failed_checks
)
def test_regressor_passes_estimator_checks(estimator, check):
    check(estimator)


# Checks that fit with one label per row, which a tagger rejects; see OneLabelPerRow.
ONE_LABEL_PER_ROW = dict.fromkeys(
    (
        "check_all_zero_sample_weights_error",
        "check_dict_unchanged",
        "check_dont_overwrite_parameters",
        "check_dtype_object",
        "check_estimators_dtypes",
        "check_estimators_fit_returns_self",
        "check_estimators_nan_inf",
        "check_estimators_overwrite_params",
        "check_estimators_pickle",
        "check_f_contiguous_array_estimator",
        "check_fit2d_1feature",
        "check_fit2d_1sample",
        "check_fit2d_predict1d",
        "check_fit_check_is_fitted",
        "check_fit_idempotent",
        "check_fit_score_takes_y",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_n_features_in",
        "check_n_features_in_after_fitting",
        "check_pipeline_consistency",
        "check_positive_only_tag_during_fit",
        "check_readonly_memmap_input",
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
        "check_sample_weights_list",
        "check_sample_weights_not_an_array",
        "check_sample_weights_not_overwritten",
        "check_sample_weights_pandas_series",
        "check_sample_weights_shape",
    ),
    "passes one label per row instead of one per step",
)


@parametrize_with_checks(
    [BiLSTMTagger()], expected_failed_checks=lambda tagger: ONE_LABEL_PER_ROW
)
def test_tagger_passes_estimator_checks_without_row_labels(estimator, check):
    check(estimator)


class OneLabelPerRow(BiLSTMTagger):
    """A tagger that gives every step the label of its row, as the checks pass it."""

    def fit(self, X, y, sample_weight=None):
        shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
        if y is not None and len(shape) == 2:
            labels = np.asarray(y).real.astype(int).tolist()
            y = [[label] * shape[1] for label in labels]
        return super().fit(X, y, sample_weight)

    def predict(self, X):
        return np.array([row[0] for row in super().predict(X)])

    def predict_proba(self, X):
        return np.array([row[0] for row in super().predict_proba(X)])

    def score(self, X, y):
        return np.mean(self.predict(X) == y)


@parametrize_with_checks(
    [OneLabelPerRow(input_type="numeric", max_epochs=2)],
    expected_failed_checks=lambda tagger: {DENSE: MINI_BATCHES[DENSE]},
)
def test_tagger_of_row_labels_passes_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", [StaticEncoder, TableVectorizer, TextVectorizer])
def test_vectorizers_pass_estimator_checks_for_text_input(cls):
    with pytest.warns(SkipTestWarning, match=f"Can't test estimator {cls.__name__}"):
        check_estimator(cls())
