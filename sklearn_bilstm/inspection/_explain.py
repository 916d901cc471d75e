"""The `explain` function: a single entry point to all explanation methods."""

from collections.abc import Callable, Iterator
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.estimators import BiLSTMTagger, EntityRecognizer
from sklearn_bilstm.inspection._attention import attention
from sklearn_bilstm.inspection._explanation import Explanation, Explanations
from sklearn_bilstm.inspection._gradients import integrated_gradients
from sklearn_bilstm.inspection._labels import explain_labels, in_texts
from sklearn_bilstm.inspection._model import (
    EXPLAINABLE,
    Output,
    TextModel,
    WrapperPredictions,
    fitted_estimator,
    predictions_of_wrapper,
)
from sklearn_bilstm.inspection._occlusion import occlusion
from sklearn_bilstm.inspection._scores import Scores
from sklearn_bilstm.inspection._series import explain_series
from sklearn_bilstm.inspection._truth import true_targets
from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.text import LocatedDocument
from sklearn_bilstm.utils._containers import unwrap_container
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
    y_true: Any = None,
    max_points: int = 4096,
) -> Explanations:
    """Attribute the predictions of a model to the tokens of the texts.

    Static features have scores too, except for attention.

    `model` can also be a fitted :class:`EntityRecognizer`, with raw texts. The labels
    of its tokens are explained as those of its tagger.

    For a classifier, the explained output is the log odds of a class, log(p / (1 - p)).
    For a regressor, it is the prediction. The output includes the contribution of the
    linear model, if there is one. For a tagger, the label of each token is
    explained. For numeric series, intervals of steps have scores instead of tokens.

    Parameters
    ----------
    model : estimator
        A fitted pipeline of a TextVectorizer, of a TableVectorizer or of a
        ColumnTransformer with a TextVectorizer, and a BiLSTM estimator; or a
        BiLSTMTagger of words or ids; or a BiLSTM estimator of numeric series, alone or
        at the end of a pipeline; or a search, FrozenEstimator,
        FixedThresholdClassifier, TunedThresholdClassifierCV or CalibratedClassifierCV
        that contains such a model. The explained output is that before calibration; the
        predicted class and its probability are those of `model`. A
        CalibratedClassifierCV must contain a single estimator.
    texts : iterable of str or table of shape (n_texts, n_columns)
        Texts in the format that `model.predict` accepts. Wrap a single text in a list.
        For a tagger, lists of tokens. For series, X as `model.predict` accepts it.
    method : {"auto", "integrated_gradients", "occlusion", "attention"}, default="auto"
        Attribution method. "auto" uses occlusion for a tagger and for series, which
        support no other method, and integrated gradients otherwise.

        "integrated_gradients" [1]_ integrates the gradient of the output along a
        straight path to the vectors of the tokens and the static features from the
        baseline: zero vectors, and each static feature at its mean in the training
        data. The scores of a text sum to the difference between its output and the
        baseline, within one percent. This method requires captum:
        `sklearn-bilstm[explain]`. A long review takes about a second on a CPU, two or
        more times as long as with occlusion. Prefer occlusion for many texts.

        "occlusion" [2]_ removes one token at a time. The score of a token is the
        decrease of the output. A static feature is replaced by its mean in the training
        data. Occlusion misses redundant tokens: if two tokens carry
        the same information, removing either changes little. For a tagger, the token is
        not removed but replaced by an unknown token without characters. The values of a
        channel of a series in one of at most 20 intervals are replaced by the mean of
        the channel in the training data.

        "attention" [3]_ uses the weights of attention pooling and requires
        `pooling="attention"`. The weights do not depend on the class.
    target : label, array-like of shape (n_texts,) or tuple, default=None
        Class to explain, or one class per text. If None, explain the predicted class,
        or in the multilabel case the most probable label. For a classifier of several
        tasks, a tuple (task, class) with the index of a task; None as the class
        explains the predicted one. For a regressor with several outputs, the index of
        the output. For a tagger, a label, one label per sentence, or a list of lists
        with one label per token; if None, explain the predicted labels.
    y_true : array-like of shape (n_texts,) or (n_texts, n_outputs), default=None
        True labels or numbers, as `fit` accepts them, to show next to the predictions.
        For a tagger, a list of labels per sentence.
    max_points : int, default=4096
        Maximum number of points per text at which integrated gradients evaluate the
        gradient. The path is refined adaptively until the scores sum to the difference
        of outputs or this number is reached.

    Returns
    -------
    explanations : Explanations
        A sequence with one :class:`Explanation` per text. The explanation of an empty
        or missing text has no tokens. Tokens truncated by `max_length` have the score
        NaN. Stop words are not tokens. A token outside the vocabulary is explained as
        the unknown token. With several text columns, the marker of each column is also
        a token. For a tagger, each item is itself a sequence with one Explanation per
        label: `explanations[2][0]` explains the label of the first token of the third
        sentence. If the tagging scheme forbids or enforces a label, no token can change
        it: its log odds are infinite and all scores are 0. For series, each item is a
        :class:`SeriesExplanation`.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    ValueError
        If the model is of an unsupported type, such as a regressor with outputs for
        each step or a calibration of several estimators, or lacks attention pooling for
        `method="attention"`, the method is not available for a tagger or series, or
        `texts`, `target` or `y_true` are invalid.
    ImportError
        If captum is required but not installed.

    Warns
    -----
    ConvergenceWarning
        If the integrated gradients of a text do not converge within `max_points`.

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

    Explain the label of "book":

    >>> from sklearn_bilstm import BiLSTMTagger
    >>> X = [["a", "book"], ["the", "book"], ["we", "book"], ["they", "book"]] * 20
    >>> y = [["DET", "NOUN"], ["DET", "NOUN"], ["PRON", "VERB"], ["PRON", "VERB"]] * 20
    >>> tagger = BiLSTMTagger(random_state=0).fit(X, y)
    >>> sentence, = explain(tagger, [["they", "book"]])
    >>> of_book = sentence[1]
    >>> of_book.target, of_book.tokens[of_book.scores.argmax()]
    ('VERB', 'they')
    """
    texts = _checked_texts(texts)
    if isinstance(model, EntityRecognizer):
        return _explain_recognizer(model, texts, method, target, y_true)
    estimator = fitted_estimator(model, EXPLAINABLE)
    if isinstance(estimator, BiLSTMTagger):
        _check_occlusion(method, "a BiLSTMTagger")
        return explain_labels(model, estimator, texts, target, y_true)
    if estimator.module_.of_steps:
        raise ValueError(
            "model must have outputs for each text: a BiLSTMRegressor with numbers for "
            "each step cannot be explained."
        )
    if estimator.input_type_ == "numeric":
        _check_occlusion(method, "a model of numeric series")
        text_model = TextModel.of(model, reads_text=False)
        predictions = predictions_of_wrapper(model, texts)
        return explain_series(text_model, texts, target, y_true, predictions)
    if method == "auto":
        method = "integrated_gradients"
    return _explain_predictions(model, texts, method, target, max_points, y_true)


def _checked_texts(texts: Any) -> Any:
    if isinstance(texts, str | bytes):
        raise ValueError(
            "texts must be an iterable of texts, or a table of them: got a single "
            f"{type(texts).__name__}. Put a single text into a list."
        )
    texts = list(texts) if isinstance(texts, Iterator) else texts
    return unwrap_container(texts, name="texts")


def _check_occlusion(method: str, kind: str) -> None:
    if method not in ("auto", "occlusion"):
        raise ValueError(
            f"method must be 'auto' or 'occlusion' for {kind}: got {method!r}."
        )


def _explain_recognizer(
    recognizer: EntityRecognizer, texts: Any, method: str, target: Any, y_true: Any
) -> Any:
    """Explain the labels of the tokens of raw texts."""
    check_is_fitted(recognizer)
    if y_true is not None:
        raise ValueError(
            "y_true must be None for an EntityRecognizer. For true labels of tokens, "
            "pass its tagger_ and the tokens that tokenize returns."
        )
    tokens, offsets = recognizer.tokenize(texts, return_offsets=True)
    explanations = explain(recognizer.tagger_, tokens, method, target)
    return in_texts(explanations, texts, offsets)


@torch.inference_mode(False)
@torch.enable_grad()
def _explain_predictions(
    model: Any, texts: Any, method: str, target: Any, max_points: int, y_true: Any
) -> Explanations:
    """Explain the predictions of a classifier or regressor."""
    methods: dict[str, Callable[..., list[Scores]]] = {
        "attention": attention,
        "integrated_gradients": partial(integrated_gradients, max_points=max_points),
        "occlusion": occlusion,
    }
    reader, task, target = TextModel.of(model).of_task(target)
    documents, unscaled, rows = reader.read(texts)
    predictions = predictions_of_wrapper(model, texts)
    if method == "attention":
        _check_attention_target(target)
        output = _most_probable(reader.estimator, rows, predictions)
        names = []
    else:
        output = Output.of(reader.estimator, target, rows, predictions)
        names = reader.static_names
    values: Any = unscaled.static
    truths = true_targets(y_true, reader.estimator, output.columns, task)
    contributions = methods[method](reader.estimator, rows, output)
    items = zip(
        documents, contributions, truths, output.targets, output.others, strict=True
    )
    return Explanations(
        [
            Explanation(
                document=document,
                scores=_scores_of_all_tokens(document, scores.tokens),
                method=method,
                target=explained,
                output=scores.output,
                baseline=scores.baseline,
                probability=output.probability(row, scores.output),
                static_scores=scores.static,
                static_names=names,
                static_values=values[row] if names else (),
                task=task,
                truth=truth,
                other=other,
                multilabel=getattr(reader.estimator, "multilabel_", False),
            )
            for row, (document, scores, truth, explained, other) in enumerate(items)
        ]
    )


def _check_attention_target(target: Any) -> None:
    if target is not None:
        raise ValueError(
            "target must be None with method='attention', or (task, None) for several "
            f"tasks, since attention does not depend on the class: got {target!r}."
        )


def _most_probable(
    estimator: Any, rows: SequenceDataset, predictions: WrapperPredictions | None
) -> Output:
    """Return the outputs that a summary of attention states.

    These are the most probable class, or the first of the outputs of a regressor.
    """
    if not is_classifier(estimator):
        return Output.of(estimator, 0, rows)
    target = None
    if predictions is not None:
        target = estimator.classes_[predictions.probabilities.argmax(1)]
    return Output.of(estimator, target, rows, predictions)


def _scores_of_all_tokens(document: LocatedDocument, scores: np.ndarray) -> np.ndarray:
    """Return the scores of all tokens, with NaN for truncated tokens."""
    is_read = np.array([token.is_read for token in document.tokens], bool)
    all_scores = np.full(len(is_read), np.nan)
    all_scores[is_read] = scores
    return all_scores
