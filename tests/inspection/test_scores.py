import numpy as np

from sklearn_bilstm.inspection._scores import shared_among_tokens


def test_ngram_scores_are_divided_equally_among_tokens():
    # one row of three tokens; single tokens, and pairs that end at each
    scores = np.array([[[1.0, 0.0], [2.0, 10.0], [3.0, 20.0]]])
    expected = [[1 + 5, 2 + 5 + 10, 3 + 10]]
    np.testing.assert_allclose(shared_among_tokens(scores, 1), expected)


def test_ngram_scores_are_preserved_without_unigrams():
    scores = np.zeros((2, 5, 2))
    scores[0, 2:, 0], scores[1, 3:, 1] = 1.0, 2.0  # of three and four tokens
    shared = shared_among_tokens(scores, 3)
    np.testing.assert_allclose(shared.sum(1), [3.0, 4.0])
    np.testing.assert_allclose(shared[0], np.array([1, 2, 3, 2, 1]) / 3)


def test_a_row_may_be_shorter_than_the_longest_ngram():
    np.testing.assert_allclose(shared_among_tokens(np.zeros((1, 1, 4)), 1), [[0.0]])
