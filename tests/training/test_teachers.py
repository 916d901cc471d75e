from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

from sklearn_bilstm.training._teachers import (
    LinearTeacher,
    NaiveBayesTeacher,
    TrainingRows,
)
from tests.helpers import ragged

TEACHERS = NaiveBayesTeacher, LinearTeacher
TRAIN = np.arange(30)


@pytest.fixture(scope="module")
def rows():
    """Rows of the tokens 2 to 20, and their classes, which are noise."""
    random = np.random.RandomState(0)
    X, X_unlabelled = random.randint(2, 21, (40, 8)), random.randint(2, 21, (50, 8))
    labelled = ragged(X.tolist()), X.sum(1) % 3, random.uniform(1, 2, 40)
    return TrainingRows(*labelled, ragged(X_unlabelled.tolist()), 3, None, 0)


@pytest.mark.parametrize("teacher", TEACHERS)
def test_teachers_predict_all_rows(rows, teacher):
    fitted = teacher(rows).fitted(TRAIN)
    assert fitted.labelled_logits(np.arange(28, 40)).shape == (12, 3)
    assert fitted.unlabelled_logits().shape == (50, 3)


@pytest.mark.parametrize("teacher", TEACHERS)
def test_labels_of_held_out_rows_have_no_influence(rows, teacher):
    target = rows.target.copy()
    target[30:] = 0
    others = replace(rows, target=target)
    found, expected = (
        teacher(r).fitted(TRAIN).unlabelled_logits() for r in (others, rows)
    )
    assert np.array_equal(found, expected)


def test_naive_bayes_without_unlabelled_rows_is_that_of_scikit_learn(rows):
    alone = replace(rows, unlabelled=rows.sequences.take(np.arange(0)))
    logits = NaiveBayesTeacher(alone).fitted(TRAIN).labelled_logits(np.arange(40))
    texts = [" ".join(map(str, row)) for row in rows.sequences.values.reshape(40, 8)]
    # tokens of at least two of all rows
    counts = CountVectorizer(token_pattern=r"\S+", binary=True, min_df=2)
    X = counts.fit_transform(texts)
    prior = np.bincount(rows.target[:30], rows.weight[:30], 3) + 0.1
    model = MultinomialNB(alpha=0.1, class_prior=prior / prior.sum())
    model.fit(X[:30], rows.target[:30], rows.weight[:30])
    np.testing.assert_allclose(logits, model.predict_joint_log_proba(X))
