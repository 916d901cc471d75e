import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)

from sklearn_bilstm.datasets import make_reviews
from sklearn_bilstm.model_selection import LabelledSplit
from tests.helpers import small_pipeline, small_tagger

N = 60
GAP = np.arange(N) % 3 == 1
LABELLED = np.flatnonzero(~GAP)
CLASSES = np.where(np.arange(N) % 2, "a", "b").astype(object)
NUMBERS = np.arange(N) / 7
X = [f"text {row}" for row in range(N)]


def with_gaps(y, missing=None):
    y = np.array(y)
    y[GAP] = missing
    return y


def expected_splits(cv, y, groups=None):
    """Splits of the labelled rows alone, with unlabelled rows as training rows."""
    for train, test in cv.split(LABELLED, y, groups):
        yield np.union1d(LABELLED[train], np.flatnonzero(GAP)), LABELLED[test]


def assert_same_splits(found, expected):
    for (train, test), (other_train, other_test) in zip(found, expected, strict=True):
        assert train.tolist() == other_train.tolist()
        assert test.tolist() == other_test.tolist()


@pytest.mark.parametrize("cv", [4, np.int64(4), None])
def test_classes_are_stratified(cv):
    found = LabelledSplit(cv).split(X, with_gaps(CLASSES))
    expected = expected_splits(StratifiedKFold(cv or 5), CLASSES[~GAP])
    assert_same_splits(found, expected)


@pytest.mark.parametrize(
    "y",
    [
        with_gaps(NUMBERS, np.nan),
        with_gaps(np.column_stack([NUMBERS > 3, NUMBERS < 6]).astype(float), np.nan),
        [None if gap else ["O", "B"] for gap in GAP],
        pd.Series([None if gap else ["O", "B"] for gap in GAP]),
    ],
    ids=["numbers", "indicators", "token labels", "column of token labels"],
)
def test_other_targets_are_not_stratified(y):
    found = LabelledSplit(4).split(X, y)
    assert_same_splits(found, expected_splits(KFold(4), NUMBERS[~GAP]))


@pytest.mark.parametrize(
    "cv", [KFold(3), ShuffleSplit(3, random_state=0), LeaveOneOut()], ids=str
)
def test_a_splitter_splits_the_labelled_rows(cv):
    split = LabelledSplit(cv)
    y = with_gaps(CLASSES)
    assert_same_splits(split.split(X, y), expected_splits(cv, CLASSES[~GAP]))
    assert split.get_n_splits(X, y) == cv.get_n_splits(LABELLED)


@pytest.mark.parametrize(
    "of", [np.array, pd.Series, list, lambda y: pl.Series(y.tolist())]
)
def test_every_container_of_y_is_split(of):
    found = LabelledSplit(4).split(pd.Series(X), of(with_gaps(CLASSES)))
    expected = expected_splits(StratifiedKFold(4), CLASSES[~GAP])
    assert_same_splits(found, expected)


@pytest.mark.parametrize("cv", [3, KFold(3)], ids=str)
def test_without_gaps_splits_are_those_of_the_splitter(cv):
    expected = StratifiedKFold(3) if cv == 3 else cv
    found = LabelledSplit(cv).split(X, CLASSES)
    assert_same_splits(found, expected.split(X, CLASSES))


class TestPredefined:
    TESTS = np.arange(0, 30), np.arange(30, 60)
    SPLITS = [(TESTS[1], TESTS[0]), (TESTS[0], TESTS[1])]

    @pytest.mark.parametrize(
        "cv",
        [
            SPLITS,
            iter(SPLITS),
            [tuple(np.isin(np.arange(N), rows) for rows in fold) for fold in SPLITS],
            PredefinedSplit(np.repeat([0, 1], 30)),
        ],
        ids=["list", "iterator", "masks", "PredefinedSplit"],
    )
    def test_indices_are_those_of_all_rows(self, cv):
        split = LabelledSplit(cv)
        assert split.get_n_splits(X, with_gaps(CLASSES)) == 2
        found = list(split.split(X, with_gaps(CLASSES)))
        for (train, test), (other_train, other_test) in zip(
            found, self.SPLITS, strict=True
        ):
            assert set(test) == set(other_test) - {*np.flatnonzero(GAP)}
            assert set(train) == {*other_train, *np.flatnonzero(GAP)}
        assert_same_splits(split.split(X, with_gaps(CLASSES)), found)

    def test_a_test_set_without_labels_raises(self):
        folds = [(np.flatnonzero(~GAP), np.flatnonzero(GAP))]
        with pytest.raises(ValueError, match="those of fold 0 have none"):
            list(LabelledSplit(folds).split(X, with_gaps(CLASSES)))


def test_groups_are_those_of_the_labelled_rows():
    groups = np.arange(N) // 5
    split = LabelledSplit(GroupKFold(3))
    found = split.split(X, with_gaps(CLASSES), groups)
    expected = expected_splits(GroupKFold(3), CLASSES[~GAP], groups[~GAP])
    assert_same_splits(found, expected)


@pytest.mark.parametrize("routing", [False, True])
def test_cross_validation_passes_groups(routing):
    arguments = {"groups": np.arange(N) // 5}
    if routing:
        arguments = {"params": arguments}
    # a dummy does not fit rows without labels, so none are missing
    with sklearn.config_context(enable_metadata_routing=routing):
        cv = LabelledSplit(GroupKFold(3))
        scores = cross_val_score(DummyRegressor(), X, NUMBERS, cv=cv, **arguments)
    assert len(scores) == 3


def test_get_n_splits_does_not_require_rows_of_an_int():
    assert LabelledSplit(7).get_n_splits() == 7
    assert LabelledSplit(KFold(4)).get_n_splits() == 4


@pytest.mark.parametrize(
    ("cv", "y", "message"),
    [
        (5, [None] * 60, "at least one row: all 60 are missing"),
        (5, [1, 2, 1] + [None] * 57, "n_splits=5.*3 of the 60 rows have one"),
        (KFold(5), [1, 2] + [None] * 58, "n_splits=5.*2 of the 60 rows have one"),
        (5, None, "requires y: got None"),
        (5, [1, None], "inconsistent numbers of samples"),
        ("5", [1, None] * 30, "Expected `cv` as an integer"),
    ],
)
def test_invalid_arguments_raise(cv, y, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        list(LabelledSplit(cv).split(X, y))


def test_repr_shows_cv_and_copies_are_equal():
    split = LabelledSplit(KFold(3))
    assert repr(split) == repr(copy.deepcopy(split)) == f"LabelledSplit(cv={KFold(3)})"


@pytest.mark.parametrize("of", [pd.Series, list])
def test_cross_validation_of_raw_text_with_gaps(of):
    texts, labels = make_reviews(N, max_fillers=1, random_state=0)
    y = with_gaps(np.array(labels, dtype=object))
    scores = cross_val_score(
        small_pipeline(), of(texts), of(y), cv=LabelledSplit(3), error_score="raise"
    )
    assert scores.shape == (3,)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_search_fits_all_rows_with_gaps():
    texts, labels = make_reviews(N, max_fillers=1, random_state=0)
    frame = pd.DataFrame({"text": texts, "label": with_gaps(np.array(labels, "O"))})
    grid = {"bilstmclassifier__lr": [1e-3, 1e-2]}
    search = GridSearchCV(small_pipeline(), grid, cv=LabelledSplit(2))
    search.fit(frame.text, frame.label)
    assert search.n_splits_ == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.classes_.tolist() == sorted(set(labels))


def test_cross_validation_of_a_tagger_with_gaps(sentences):
    rows, labels = sentences
    y = [None if row % 4 == 3 else labels[row] for row in range(len(labels))]
    scores = cross_val_score(
        small_tagger(embedding="svd"), rows, y, cv=LabelledSplit(2), error_score="raise"
    )
    assert np.isfinite(scores).all()
