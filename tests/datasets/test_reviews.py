from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_bilstm.datasets import _reviews, make_reviews


def test_classes_are_balanced():
    texts, labels = make_reviews(101, random_state=0)
    assert len(texts) == len(labels) == 101
    assert Counter(labels.tolist()) == {"negative": 51, "positive": 50}


def test_reviews_depend_on_the_random_state():
    first, again, other = (make_reviews(20, random_state=seed) for seed in (0, 0, 1))
    assert first[0] == again[0]
    assert np.array_equal(first[1], again[1])
    assert first[0] != other[0]


@pytest.mark.parametrize(
    "params", [{"n_samples": -1}, {"flip_y": 2}, {"max_fillers": -1}]
)
def test_a_parameter_out_of_range_raises(params):
    (name,) = params
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        make_reviews(**params)


def test_global_random_state_is_unchanged():
    before = np.random.get_state()[1].copy()
    make_reviews(5)
    assert np.array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("template", _reviews._OPINIONS)
def test_swapping_positive_and_negative_words_keeps_the_bag_of_words(template):
    words = {
        "x": "plot",
        "y": "cast",
        "a": "good",
        "a2": "fine",
        "b": "bad",
        "b2": "dull",
    }
    swapped = {**words, "a": "bad", "a2": "dull", "b": "good", "b2": "fine"}
    bags = [
        Counter(template.format(**w).replace(",", "").replace(".", "").split())
        for w in (words, swapped)
    ]
    assert bags[0] == bags[1]


@pytest.mark.parametrize("vectorizer", [CountVectorizer(), TfidfVectorizer()])
def test_bag_of_words_models_perform_at_chance(vectorizer):
    texts, labels = make_reviews(2000, random_state=0)
    model = make_pipeline(vectorizer, LogisticRegression(max_iter=500))
    assert cross_val_score(model, texts, labels, cv=3).mean() < 0.55


def test_fillers_are_neutral_and_at_most_max_fillers():
    texts, _ = make_reviews(300, max_fillers=2, random_state=0)
    n_sentences = [text.count(".") for text in texts]
    assert set(n_sentences) == {1, 2, 3}
    assert all(text.count(".") == 1 for text in make_reviews(20, max_fillers=0)[0])


def test_flip_y_flips_a_fraction_of_labels():
    _, clean = make_reviews(200, random_state=0)
    texts, noisy = make_reviews(200, flip_y=0.1, random_state=0)
    assert (clean != noisy).sum() == 20
    assert texts == make_reviews(200, random_state=0)[0]
