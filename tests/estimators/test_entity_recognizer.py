import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate

from sklearn_bilstm import EntityRecognizer, explain, load, save
from sklearn_bilstm.metrics import span_f1_score
from tests.helpers import small_tagger

TEXTS = ["Anna Ray met Ben.", "Ben left Rome.", "It rains.", ""] * 6
SPANS = [
    [(0, 8, "PER"), (13, 16, "PER")],
    [{"start": 0, "end": 3, "label": "PER"}, {"start": 9, "end": 13, "label": "LOC"}],
    [],
    [],
] * 6


def small_recognizer(tokenizer=None, **params):
    tagger = small_tagger(**{"max_epochs": 30, "lr": 0.05, **params})
    return EntityRecognizer(tagger, tokenizer=tokenizer)


@pytest.fixture(scope="module")
def fitted():
    return small_recognizer().fit(TEXTS, SPANS)


def without_score(rows):
    return [[(s["start"], s["end"], s["label"]) for s in row] for row in rows]


def test_spans_of_the_training_texts_are_found(fitted):
    found = fitted.predict(TEXTS)
    expected = [SPANS[0], [(0, 3, "PER"), (9, 13, "LOC")], [], []]
    assert without_score(found[:4]) == expected
    assert fitted.score(TEXTS, SPANS) == fitted.score(TEXTS, found) == 1.0
    assert fitted.labels_.tolist() == ["LOC", "PER"]
    for text, row in zip(TEXTS, found, strict=True):
        for span in row:
            assert span["text"] == text[span["start"] : span["end"]]
            assert 0.5 < span["score"] <= 1.0


def test_offsets_count_white_space_and_symbols(fitted):
    moved = f"  \n\U0001f600 {TEXTS[1]}"
    (found,) = fitted.predict([moved])
    assert {moved[span["start"] : span["end"]] for span in found} >= {"Rome"}


@pytest.mark.parametrize("scheme", ["BIOES", "BMES", "IOB1", "auto", None])
@pytest.mark.parametrize("crf", [True, False])
def test_all_schemes_have_the_same_spans(scheme, crf):
    recognizer = small_recognizer(scheme=scheme, crf=crf).fit(TEXTS, SPANS)
    assert recognizer.tagger_.scheme_ == (
        scheme if scheme not in ("auto", None) else "BIO"
    )
    assert recognizer.score(TEXTS, SPANS) > 0.9


def test_it_works_in_cross_validation_and_searches():
    scoring = {"f1": make_scorer(span_f1_score, zero_division=0.0)}
    recognizer = small_recognizer(max_epochs=2)
    found = cross_validate(recognizer, TEXTS, SPANS, cv=2, scoring=scoring)
    assert len(found["test_f1"]) == 2
    assert len(cross_val_predict(recognizer, TEXTS, SPANS, cv=2)) == len(TEXTS)
    grid = {"tagger__crf": [True, False]}
    search = GridSearchCV(recognizer, grid, cv=2).fit(TEXTS, SPANS)
    assert search.best_estimator_.tagger_.crf == search.best_params_["tagger__crf"]


def test_it_can_be_cloned_and_pickled(fitted):
    twin = pickle.loads(pickle.dumps(fitted))
    assert twin.predict(TEXTS) == fitted.predict(TEXTS)
    with pytest.raises(NotFittedError):
        clone(fitted).predict(TEXTS)
    assert fitted.tagger is not fitted.tagger_


def test_columns_and_arrays_of_texts_are_read(fitted):
    expected = fitted.predict(TEXTS)
    assert fitted.predict(pd.Series(TEXTS)) == expected
    assert fitted.predict(np.array(TEXTS)) == expected
    assert fitted.predict(np.array(TEXTS)[:, None]) == expected


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_frame_has_a_single_column_of_texts(fitted, table):
    frame = table({"Anna": TEXTS})
    assert fitted.predict(frame) == fitted.predict(TEXTS)
    several = table({"text": TEXTS, "Anna": TEXTS})
    for read in (fitted.predict, fitted.tokenize, lambda X: explain(fitted, X)):
        with pytest.raises(ValueError, match=r"single column.*'Anna'.*X\['text'\]"):
            read(several)
    with pytest.raises(ValueError, match="X must have a single column"):
        small_recognizer().fit(several, SPANS)


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, pa.table])
def test_the_scores_of_a_frame_are_those_of_its_texts(fitted, table):
    for known, found in zip(
        explain(fitted, TEXTS[:2]),
        explain(fitted, table({"Anna": TEXTS[:2]})),
        strict=True,
    ):
        for one, other in zip(known, found, strict=True):
            assert one.tokens == other.tokens
            np.testing.assert_array_equal(one.scores, other.scores)


@pytest.mark.parametrize("X", [5, None, np.array("Anna"), np.full((1, 1, 1), "Anna")])
def test_objects_without_rows_of_texts_raise(fitted, X):
    with pytest.raises(ValueError, match="X must be a list of texts"):
        fitted.predict(X)


def test_an_array_of_several_columns_raises(fitted):
    with pytest.raises(ValueError, match=r"single column.*\[0, 1\]"):
        fitted.predict(np.array([["Anna", "Ben"]]))


def test_validation_texts_and_weights_reach_the_tagger():
    weights = np.ones(len(TEXTS))
    recognizer = small_recognizer(max_epochs=2).fit(
        TEXTS, SPANS, sample_weight=weights, X_val=TEXTS[:3], y_val=SPANS[:3]
    )
    assert "valid_f1" in recognizer.tagger_.history_[0]


def test_a_tokenizer_splits_words():
    texts, spans = ["AnnaRay left"] * 8, [[(4, 7, "PER")]] * 8
    with pytest.warns(UserWarning, match="8 spans of y.*'Ray', of row 0 is the first"):
        extended = small_recognizer().fit(texts, spans)
    assert without_score(extended.predict(texts[:1])) == [[(0, 7, "PER")]]
    split = small_recognizer(tokenizer=list).fit(texts, spans)
    assert without_score(split.predict(texts[:1])) == [[(4, 7, "PER")]]


def test_white_space_around_a_span_is_ignored():
    texts, spans = ["Anna left"] * 8, [[(0, 5, "PER")]] * 8
    found = small_recognizer().fit(texts, spans).predict(texts[:1])
    assert without_score(found) == [[(0, 4, "PER")]]


@pytest.mark.parametrize(
    ("texts", "spans", "message"),
    [
        (["Anna"], [[(0, 9, "PER")]], "row 0 contains.*text has 4 characters"),
        (["a", "Anna"], [[], [(0, 3, "X"), (2, 4, "Y")]], "overlap: row 1"),
        (["a  b"], [[(1, 3, "X")]], "must contain a token.*row 0, has none"),
        (["AnnaRay"], [[(0, 4, "X"), (4, 7, "Y")]], "share a token.*row 0"),
        (["a", None], [[], []], "row 1 is None.*Remove it"),
        ("Anna", [[]], "must be a list of texts"),
        ([], [], "at least one text"),
        (["a"], None, "requires y to be passed"),
        (["a"], [[], []], "inconsistent numbers of samples"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*within a token", "ignore:.*no spans")
def test_invalid_texts_and_spans_raise(texts, spans, message):
    with pytest.raises(ValueError, match=message):
        small_recognizer().fit(texts, spans)


def test_no_text_raises_as_in_scikit_learn(fitted):
    for predict in (fitted.predict, fitted.tagger_.predict):
        with pytest.raises(ValueError, match="at least one .*: got 0 samples"):
            predict([])
    with pytest.raises(ValueError, match="at least one text"):
        fitted.score([], [])
    with pytest.raises(ValueError, match="X_val must hold at least one text"):
        small_recognizer().fit(TEXTS, SPANS, X_val=[], y_val=[])
    with pytest.raises(ValueError, match="got the text 'Anna'. Put.* into a list"):
        fitted.predict("Anna")


def test_fitting_without_spans_warns():
    with pytest.warns(UserWarning, match="y contains no spans"):
        recognizer = small_recognizer(max_epochs=1).fit(TEXTS, [[]] * len(TEXTS))
    assert recognizer.predict(TEXTS[:2]) == [[], []]
    assert len(recognizer.labels_) == 0


def test_errors_of_the_tokenizer_name_the_text():
    recognizer = small_recognizer(tokenizer=lambda text: ["x"] if text == "b" else [])
    with pytest.raises(ValueError, match="Row 1 of X: tokenizer must return parts"):
        recognizer.fit(["a", "b"], [[], []])


def test_invalid_parameters_raise():
    with pytest.raises(ValueError, match="'tokenizer' parameter"):
        EntityRecognizer(tokenizer=3).fit(TEXTS, SPANS)
    with pytest.raises(ValueError, match="'tagger' parameter"):
        EntityRecognizer("tagger").fit(TEXTS, SPANS)


def test_a_tagger_of_tokens_finds_names_in_texts():
    X, y = (
        [["Anna", "left", "."], ["Ben", "left"]] * 8,
        [["B-P", "O", "O"], ["B-P", "O"]] * 8,
    )
    tagger = small_tagger(max_epochs=30, lr=0.05).fit(X, y)
    recognizer = EntityRecognizer.from_tagger(tagger)
    assert without_score(recognizer.predict(["Anna left."])) == [[(0, 4, "P")]]
    assert recognizer.labels_.tolist() == ["P"]
    assert recognizer.tagger_ is tagger
    with pytest.raises(NotFittedError):
        EntityRecognizer.from_tagger(small_tagger())
    words = small_tagger(scheme=None).fit([["a"]] * 2, [["noun"]] * 2)
    with pytest.raises(ValueError, match="Got 'noun'"):
        EntityRecognizer.from_tagger(words)


@pytest.mark.parametrize(
    "tagger",
    ["tagger", SimpleNamespace(classes_=None), SimpleNamespace(classes_=[["a"], [1]])],
)
def test_objects_that_do_not_label_tokens_raise(tagger):
    with pytest.raises(
        ValueError, match="tagger must be a fitted tagger, with the lab"
    ):
        EntityRecognizer.from_tagger(tagger)


def test_taggers_of_ids_raise():
    tagger = small_tagger().fit([[2, 3], [3, 2]], [["B-P", "O"], ["O", "B-P"]])
    with pytest.raises(ValueError, match="fitted to lists of tokens.*ids or numbers"):
        EntityRecognizer.from_tagger(tagger)


@pytest.mark.parametrize("tokenizer", [None, str.split])
def test_tokens_are_those_that_the_tagger_labels(tokenizer):
    tagger = LastWord()
    recognizer = EntityRecognizer.from_tagger(tagger, tokenizer=tokenizer)
    texts = ["Anna  left.", ""]
    found = recognizer.predict(texts)
    tokens, offsets = recognizer.tokenize(texts, return_offsets=True)
    assert tagger.seen == tokens == recognizer.tokenize(texts)
    assert tokens == [
        ["Anna", "left", "."] if tokenizer is None else ["Anna", "left."],
        [],
    ]
    assert [[texts[0][a:b] for a, b in offsets[0]], []] == tokens
    assert found == [
        [
            {
                "start": offsets[0][-1][0],
                "end": offsets[0][-1][1],
                "label": "P",
                "text": tokens[0][-1],
            }
        ],
        [],
    ]


class LastWord:
    """A tagger of another library, without probabilities."""

    classes_ = ("B-P", "O")

    def predict(self, X):
        self.seen = X
        return [["O"] * (len(row) - 1) + ["B-P"] if row else [] for row in X]


def tagger_of(text, **params):
    X = [text.split()] * 8
    y = [["B-P"] + ["O"] * (len(X[0]) - 1)] * 8
    return small_tagger(max_epochs=1, **params).fit(X, y)


@pytest.mark.parametrize("wrap", [lambda tagger: tagger, FrozenEstimator])
def test_a_tokenizer_that_splits_training_tokens_warns(wrap):
    tagger = wrap(tagger_of("Anna left. Ben didn't."))
    with pytest.warns(UserWarning, match=r"splits about \d+%.*'left.'.*str.split"):
        EntityRecognizer.from_tagger(tagger)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EntityRecognizer.from_tagger(tagger, tokenizer=str.split)
        EntityRecognizer.from_tagger(wrap(tagger_of("Anna did n't leave .")))


def test_the_share_of_split_tokens_is_that_of_zipfs_law():
    # ranks 1, 2 and 3: "a" in all rows, then "b-c" and "d"
    X = [["a", "b-c", "d"], ["a", "b-c"], ["a"]]
    tagger = small_tagger().fit(X, [["B-P"] * len(row) for row in X])
    share = round(100 * (1 / 2) / (1 + 1 / 2 + 1 / 3))
    with pytest.warns(UserWarning, match=f"about {share}%.*such as 'b-c', so"):
        EntityRecognizer.from_tagger(tagger)


def test_a_tokenizer_that_rejects_single_tokens_does_not_raise():
    def only_texts(text):
        raise ValueError("no text")

    EntityRecognizer.from_tagger(tagger_of("Anna left"), tokenizer=only_texts)


def test_saved_recognizers_predict_the_same(fitted, tmp_path):
    save(fitted, tmp_path / "names")
    assert load(tmp_path / "names").predict(TEXTS) == fitted.predict(TEXTS)
    unfitted = EntityRecognizer()
    save(unfitted, tmp_path / "unfitted")
    assert load(tmp_path / "unfitted").get_params() == unfitted.get_params()
