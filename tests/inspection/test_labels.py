from html import escape

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_bilstm import EntityRecognizer, TokenImportanceDisplay, explain
from tests.helpers import small_tagger

SENTENCE = ["Mrs", "Ray", "saw", "zyxwv"]


def log_odds(probabilities, column):
    found = np.array(probabilities)
    # not 1 - p, which loses precision if p is close to one
    others = np.delete(found, column, -1).sum(-1)
    return np.log(found[..., column]) - np.log(others)


def without_each(tokens, instead):
    """Return all tokens, none, and all but each of them, replaced by `instead`."""
    n = len(tokens)
    others = [[*tokens[:i], instead, *tokens[i + 1 :]] for i in range(n)]
    return [tokens, [instead] * n, *others]


@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.parametrize("target", ["O", "B-PER"])
def test_scores_equal_the_change_of_log_odds_without_a_token(sentences, crf, target):
    tagger = small_tagger(crf=crf, max_epochs=5).fit(*sentences)
    (labels,) = explain(tagger, [SENTENCE], target=target)
    # an empty token is unknown, and has no characters or features
    found = tagger.predict_proba(without_each(SENTENCE, ""))
    expected = log_odds(found, tagger.classes_.tolist().index(target))
    for position, one in enumerate(labels):
        whole, none, *rest = expected[:, position]
        np.testing.assert_allclose(one.scores, whole - np.array(rest), rtol=1e-5)
        assert one.output == pytest.approx(whole)
        assert one.baseline == pytest.approx(none)
        assert one.probability == pytest.approx(1 / (1 + np.exp(-whole)))
        assert (one.target, one.position, one.tokens) == (target, position, SENTENCE)


def test_occluded_ids_are_replaced_by_the_unknown_id():
    X = [[2, 3, 4], [4, 2], [3]] * 5
    tagger = small_tagger().fit(X, [["N", "V", "N"], ["N", "N"], ["V"]] * 5)
    (labels,) = explain(tagger, [[4, 3]], target="N")
    whole, _, *rest = log_odds(tagger.predict_proba(without_each([4, 3], 1)), 0)
    scores = np.array([one.scores for one in labels])
    np.testing.assert_allclose(scores, (whole - rest).T, rtol=1e-5)
    assert labels[0].tokens == ["4", "3"]


def test_a_long_sentence_has_exact_scores(fitted_tagger):
    tokens = (SENTENCE * 75)[:260]
    (labels,) = explain(fitted_tagger, [tokens], target="O")
    column = fitted_tagger.classes_.tolist().index("O")
    for hidden in (0, 3, 258, 259):
        without = without_each(tokens, "")[2 + hidden]
        whole, rest = log_odds(fitted_tagger.predict_proba([tokens, without]), column)
        scores = [one.scores[hidden] for one in labels]
        np.testing.assert_allclose(scores, whole - rest, rtol=1e-5, atol=1e-8)


def test_target_may_be_predicted_or_given_per_sentence_or_token(
    fitted_tagger, sentences
):
    X = [*sentences[0][:5], SENTENCE]
    predicted = fitted_tagger.predict(X)
    explanations = explain(fitted_tagger, X)
    assert [[one.target for one in labels] for labels in explanations] == predicted
    asked_for = explain(fitted_tagger, X[-2:], "occlusion", ["O", "B-PER"])
    found = [{one.target for one in labels} for labels in asked_for]
    assert found == [{"O"}, {"B-PER"}]
    of_tokens = [["O", "B-PER", "I-PER", "O"]]
    (labels,) = explain(fitted_tagger, [SENTENCE], target=of_tokens)
    assert [one.target for one in labels] == of_tokens[0]
    with pytest.raises(ValueError, match="target.* row 0 has 1 labels for 4 tokens"):
        explain(fitted_tagger, [SENTENCE], target=[["O"]])


def test_true_labels_of_tokens_are_shown(fitted_tagger):
    y_true = [["B-PER", None, "O", "O"], ["O"]]
    found = explain(fitted_tagger, [SENTENCE, ["yes"]], y_true=y_true)
    assert [[one.truth for one in labels] for labels in found] == y_true
    assert "true label: B-PER" in found._repr_html_()
    with pytest.raises(ValueError, match="y_true.* row 1 has 1 labels for 4 tokens"):
        explain(fitted_tagger, [SENTENCE] * 2, y_true=y_true)


def test_labels_determined_by_the_scheme_have_zero_scores(fitted_tagger):
    (labels,) = explain(fitted_tagger, [SENTENCE], target="I-PER")
    assert labels[0].output == -np.inf
    assert labels[0].probability == 0.0
    assert labels[0].scores.tolist() == [0.0] * 4
    X, y = [["a", "b"], ["c"]] * 4, [["B-X", "E-X"], ["S-X"]] * 4
    (labels,) = explain(small_tagger().fit(X, y), [["a"]])
    assert [one.output for one in labels] == [np.inf]
    assert labels[0].scores.tolist() == [0.0]


@pytest.mark.parametrize(
    "model_of",
    [
        FrozenEstimator,
        lambda tagger: make_pipeline(FunctionTransformer(split), tagger),
    ],
    ids=["frozen", "pipeline"],
)
def test_frozen_taggers_and_pipelines_are_explained(fitted_tagger, model_of):
    model = model_of(fitted_tagger)
    in_pipeline = hasattr(model, "steps")
    (labels,) = explain(model, [" ".join(SENTENCE)] if in_pipeline else [SENTENCE])
    (expected,) = explain(fitted_tagger, pd.Series([SENTENCE]))
    for one, other in zip(labels, expected, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)


def split(texts):
    return [text.split() for text in texts]


def test_explanations_are_grouped_by_sentence(fitted_tagger):
    explanations = explain(fitted_tagger, [["Anna", "left"], [], ["yes"]])
    assert list(map(len, explanations)) == [2, 0, 1]
    assert repr(explanations[0]) == "<Explanations of 2 positions>"
    frame = explanations.to_frame()
    frame = frame[frame["kind"] == "token"]
    assert frame["text"].tolist() == [0] * 4 + [2]
    assert frame["position"].tolist() == [0, 0, 1, 1, 0]
    assert frame["token"].tolist() == ["Anna", "left"] * 2 + ["yes"]
    assert explanations[1].to_frame().empty
    one = explanations[0][1]
    heading, text, baseline = str(one).split("\n")
    assert baseline == f"baseline: {one.baseline:+.2f}"
    assert heading.startswith("O of 'left', token 1: log odds ")
    assert "*left*" in text
    assert "*Anna*" not in text
    html = explanations._repr_html_()
    assert html.count("outline") == 3
    for explanation in [*explanations[0], *explanations[2]]:
        assert escape(explanation.legend[0]) in html
    assert html.count("with all tokens masked") == 1


@pytest.mark.parametrize("container", [list, iter, pd.Series, pd.DataFrame])
def test_labels_of_a_recognizer_are_explained_in_their_texts(fitted_tagger, container):
    recognizer = EntityRecognizer.from_tagger(fitted_tagger)
    texts = ["Mrs  Ray, saw", "", "yes"]
    explanations = explain(recognizer, container(texts), target="B-PER")
    sentences = [["Mrs", "Ray", ",", "saw"], [], ["yes"]]
    expected = explain(fitted_tagger, sentences, target="B-PER")
    for row, others, text in zip(explanations, expected, texts, strict=True):
        for one, other in zip(row, others, strict=True):
            np.testing.assert_array_equal(one.scores, other.scores)
            assert (one.tokens, one.target) == (other.tokens, "B-PER")
            assert one.document.texts == [text]
            assert [text[t.start : t.end] for t in one.document.tokens] == one.tokens
    assert repr(explanations[0]) == "<Explanations of 4 positions>"


def test_true_labels_of_a_recognizer_raise(fitted_tagger):
    recognizer = EntityRecognizer.from_tagger(fitted_tagger)
    with pytest.raises(ValueError, match="pass its tagger_ and the tokens"):
        explain(recognizer, ["Ben left"], y_true=[["B-PER", "O"]])


def test_recognizers_that_are_not_fitted_raise(fitted_tagger):
    with pytest.raises(NotFittedError):
        explain(EntityRecognizer(fitted_tagger), ["Ray"])
    with pytest.raises(NotFittedError):
        TokenImportanceDisplay.from_estimator(EntityRecognizer(fitted_tagger), "Ray")


def test_token_importance_display_draws_a_label_of_a_text(fitted_tagger):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    recognizer = EntityRecognizer.from_tagger(fitted_tagger)
    for text in ("Mrs Ray.", ["Mrs Ray."]):
        display = TokenImportanceDisplay.from_estimator(recognizer, text, position=1)
        shown = [t.get_text() for t in display.ax_.get_yticklabels()]
        assert shown == ["Mrs", "Ray", ".", "baseline"]
        assert display.explanation.position == 1
    pyplot.close("all")


def test_a_kind_of_spans_as_target_raises_with_its_labels(fitted_tagger):
    for target in ("PER", [["PER", "O", "O", "O"]]):
        with pytest.raises(ValueError, match="got 'PER'. Did you mean 'B-PER'"):
            explain(fitted_tagger, [SENTENCE], target=target)
    with pytest.raises(ValueError, match="got 'LOC'.$"):
        explain(fitted_tagger, [SENTENCE], target="LOC")


def test_token_importance_display_draws_a_label(fitted_tagger):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    (labels,) = explain(fitted_tagger, [SENTENCE])
    display = TokenImportanceDisplay.from_explanation(labels[1])
    shown = [t.get_text() for t in display.ax_.get_yticklabels()]
    assert shown == [*SENTENCE, "baseline"]
    widths = [bar.get_width() for bar in display.bars_]
    np.testing.assert_array_equal(widths, labels[1].scores)
    pyplot.close("all")


def test_invalid_arguments_raise(fitted_tagger, sentences):
    for method in ("integrated_gradients", "attention"):
        with pytest.raises(ValueError, match="'auto' or 'occlusion' for a BiLSTMTagg"):
            explain(fitted_tagger, [SENTENCE], method)
    with pytest.raises(ValueError, match="only contain labels of classes_"):
        explain(fitted_tagger, [SENTENCE], target="B-LOC")
    with pytest.raises(ValueError, match="one label per text: got 2 labels for 1"):
        explain(fitted_tagger, [SENTENCE], target=["O", "O"])
    with pytest.raises(ValueError, match="row 0 is 'Mrs'"):
        explain(fitted_tagger, SENTENCE)
    with pytest.raises(NotFittedError, match="which is not fitted yet"):
        explain(small_tagger(), [SENTENCE])
    one_label = small_tagger().fit([["a", "b"]] * 4, [["X", "X"]] * 4)
    with pytest.raises(ValueError, match=r"a single label, \['X'\]"):
        explain(one_label, [["a"]])
    numbers = small_tagger().fit([np.eye(3)] * 4, [["a", "b", "b"]] * 4)
    with pytest.raises(ValueError, match="which reads numbers"):
        explain(numbers, [np.eye(3)])
