"""One function for all ways to explain an answer."""

from collections.abc import Callable, Iterator
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from sklearn_bilstm.estimators import BiLSTMTagger
from sklearn_bilstm.inspection._attention import attention
from sklearn_bilstm.inspection._explanation import Explanation, Explanations
from sklearn_bilstm.inspection._gradients import integrated_gradients
from sklearn_bilstm.inspection._labels import explain_labels
from sklearn_bilstm.inspection._model import (
    EXPLAINABLE,
    Output,
    TextModel,
    fitted_estimator,
)
from sklearn_bilstm.inspection._occlusion import occlusion
from sklearn_bilstm.inspection._scores import Scores
from sklearn_bilstm.text import LocatedDocument
from sklearn_bilstm.utils._sklearn import Interval, StrOptions, validate_params

__all__ = ["explain"]


@validate_params(
    {
        "method": [
            StrOptions({"auto", "integrated_gradients", "occlusion", "attention"})
        ],
        "max_points": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def explain(
    model: Any,
    texts: Any,
    method: str = "auto",
    target: Any = None,
    *,
    max_points: int = 4096,
) -> Explanations:
    """Score the tokens of texts by what they contribute to the answer of a model.

    What is explained is the log odds of a class, log(p / (1 - p)), or the number that
    a regressor predicts. A linear path of n-grams is a part of the model as the network
    is. Of a tagger each label of each token is explained.

    Parameters
    ----------
    model : estimator
        A fitted Pipeline of a TextVectorizer, or a ColumnTransformer that holds one,
        and a BiLSTM estimator; or a BiLSTMTagger of words or ids; or a search or
        FrozenEstimator that holds it.
    texts : iterable of str or table of shape (n_texts, n_columns)
        Texts, as `model.predict` takes them. A single one goes into a list. For a
        tagger lists of tokens.
    method : {"auto", "integrated_gradients", "occlusion", "attention"}, default="auto"
        "auto" is occlusion for a tagger, which has no other, and else integrated
        gradients.

        Integrated gradients [1]_ follow the output from tokens without any content to
        those that are there. The scores of a text sum to the difference that this
        makes, to one percent of it. They need captum: `sklearn-bilstm[explain]`. A
        long review takes about a second on a CPU, some ten times as long as occlusion
        does: take that for many texts.

        Occlusion [2]_ takes out one token at a time; its score is how far the output
        falls. It does not see what two tokens say that each alone would say. For a
        tagger a token stays where it is, but as an unknown one without any character.

        Attention [3]_ is the share that each token has in the vector that is decided
        on, whatever is decided, with `pooling="attention"`.
    target : label or array-like of shape (n_texts,), default=None
        The class to explain, or one for each text. None means the predicted one, or
        the most probable where a text may have several labels. For a regressor of
        several numbers, which of them, from 0 on. For a tagger a label, or one for
        each sentence, or a list of lists with one for each token; None means those
        predicted.
    max_points : int, default=4096
        Gradients are taken at few points of the way, and at more where the scores do
        not sum up yet, until there are so many for a text.

    Returns
    -------
    explanations : Explanations
        A sequence with an :class:`Explanation` for each text. An empty or missing text
        has one without tokens. Tokens cut off by `max_length` have the score NaN.
        Stop words are no tokens. A token that is not in the vocabulary is explained as
        any unknown one. With several text columns the marker of each is a token too.
        For a tagger, each item is again a sequence, of an Explanation for the label of
        each token: `explanations[2][0]` is that of the first token of the third
        sentence. What no token can change, as the scheme of the labels forbids or
        demands the label there, has log odds that are infinite, and scores 0.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    ValueError
        If the model is of another kind or has no attention where that is asked for,
        the method is none for a tagger, or the texts or the target are not what they
        must be.
    ImportError
        If captum is not installed and needed.

    Warns
    -----
    ConvergenceWarning
        If integrated gradients of a text do not sum up with `max_points`.

    References
    ----------
    .. [1] Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks.
       ICML.
    .. [2] Li, Monroe and Jurafsky (2016). Understanding neural networks through
       representation erasure. arXiv:1612.08220.
    .. [3] Yang et al. (2016). Hierarchical attention networks for document
       classification. NAACL.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import BiLSTMClassifier, TextVectorizer, explain
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> texts, labels = make_reviews(300, random_state=0)
    >>> model = make_pipeline(TextVectorizer(), BiLSTMClassifier(random_state=0))
    >>> model = model.fit(texts, labels)
    >>> explanation, = explain(model, ["The acting was NOT good."], method="occlusion")
    >>> explanation.target, explanation.tokens
    ('negative', ['The', 'acting', 'was', 'NOT', 'good'])
    >>> explanation.tokens[explanation.scores.argmax()]
    'NOT'

    What the label of "book" rests on:

    >>> from sklearn_bilstm import BiLSTMTagger
    >>> X = [["a", "book"], ["the", "book"], ["we", "book"], ["they", "book"]] * 20
    >>> y = [["DET", "NOUN"], ["DET", "NOUN"], ["PRON", "VERB"], ["PRON", "VERB"]] * 20
    >>> tagger = BiLSTMTagger(random_state=0).fit(X, y)
    >>> sentence, = explain(tagger, [["they", "book"]])
    >>> of_book = sentence[1]
    >>> of_book.target, of_book.tokens[of_book.scores.argmax()]
    ('VERB', 'they')
    """
    if isinstance(texts, str | bytes):
        raise ValueError(
            "texts must be an iterable of texts, or a table of them: got a single "
            f"{type(texts).__name__}. Put a single text into a list."
        )
    if isinstance(texts, Iterator):
        texts = list(texts)
    estimator = fitted_estimator(model, EXPLAINABLE)
    if isinstance(estimator, BiLSTMTagger):
        if method not in ("auto", "occlusion"):
            raise ValueError(
                "method must be 'auto' or 'occlusion' for a BiLSTMTagger: got "
                f"{method!r}."
            )
        return explain_labels(model, estimator, texts, target)
    if method == "auto":
        method = "integrated_gradients"
    return _explain_answers(model, texts, method, target, max_points)


def _explain_answers(
    model: Any, texts: Any, method: str, target: Any, max_points: int
) -> Explanations:
    """Explain what a classifier or regressor answers whole texts with."""
    if method == "attention" and target is not None:
        raise ValueError(
            "target must be None with method='attention', whose weights are for no "
            f"class or number: got {target!r}."
        )
    methods: dict[str, Callable[..., list[Scores]]] = {
        "attention": attention,
        "integrated_gradients": partial(integrated_gradients, max_points=max_points),
        "occlusion": occlusion,
    }
    reader = TextModel.of(model)
    documents, rows = reader.read(texts)
    if method == "attention" and not is_classifier(reader.estimator):
        target = 0  # the first of several numbers is shown beside the shares
    output = Output.of(reader.estimator, target, rows)
    found = methods[method](reader.estimator, rows, output)
    probabilities = output.probabilities([scores.output for scores in found])
    return Explanations(
        [
            Explanation(
                document=document,
                scores=_of_all_tokens(document, scores.tokens),
                method=method,
                target=target,
                output=scores.output,
                baseline=scores.baseline,
                probability=probability,
            )
            for document, scores, target, probability in zip(
                documents, found, output.targets, probabilities, strict=True
            )
        ]
    )


def _of_all_tokens(document: LocatedDocument, scores: np.ndarray) -> np.ndarray:
    """Return the scores of all tokens, NaN for those that were cut off."""
    is_read = np.array([token.is_read for token in document.tokens], bool)
    all_scores = np.full(len(is_read), np.nan)
    all_scores[is_read] = scores
    return all_scores
