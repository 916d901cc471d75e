"""Sentences from documents of spaCy."""

from collections.abc import Iterable
from typing import Any

from sklearn.utils import Bunch

from sklearn_bilstm.utils._sklearn import validate_params

__all__ = ["sentences_from_spacy"]


@validate_params(
    {"split_sentences": ["boolean"], "return_X_y": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def sentences_from_spacy(
    docs: Any,
    *,
    vocab: Any = None,
    split_sentences: bool = False,
    return_X_y: bool = False,
) -> Bunch | tuple[list, list]:
    """Return the tokens of documents of spaCy, with labels of their entities.

    Parameters
    ----------
    docs : iterable of spacy.tokens.Doc, or spacy.tokens.DocBin
        Documents with entities. Files of `spacy train` are read by
        `DocBin().from_disk(path)`.
    vocab : spacy.Vocab, default=None
        Vocabulary for a `DocBin`, such as `spacy.blank("en").vocab`.
    split_sentences : bool, default=False
        Whether each sentence of a document becomes a row, instead of the document.
        Requires documents with sentence boundaries.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    sentences : :class:`~sklearn.utils.Bunch`
        data : list of list of str
            Texts of the tokens of each row.
        target : list of list or None
            Labels of each row in the scheme BIO, such as "B-PERSON". None for tokens
            whose entities are not annotated, and for rows of such tokens only.
        document : list of int
            Index of the document of each row, for grouped cross-validation.

    Raises
    ------
    ValueError
        If a document has another type, or lacks sentence boundaries, or if a `DocBin`
        is given without `vocab`.
    """
    if hasattr(docs, "get_docs"):
        if vocab is None:
            raise ValueError(
                "docs is a DocBin, which requires the parameter 'vocab', such as "
                "spacy.blank('en').vocab."
            )
        docs = docs.get_docs(vocab)
    if hasattr(docs, "ents") or not isinstance(docs, Iterable):
        raise ValueError(f"docs must be a list of documents: got {docs!r:.80}.")
    data, target, document = [], [], []
    for number, doc in enumerate(docs):
        for part in _parts(doc, number, split_sentences):
            labels = [_label(token) for token in part]
            data.append([token.text for token in part])
            target.append(None if labels and not any(labels) else labels)
            document.append(number)
    if return_X_y:
        return data, target
    return Bunch(data=data, target=target, document=document)


def _parts(doc: Any, number: int, split_sentences: bool) -> list:
    if not hasattr(doc, "ents"):
        raise ValueError(
            f"docs must contain documents of spaCy: document {number} is of type "
            f"{type(doc).__name__}. For texts with character offsets, use "
            "sklearn_bilstm.EntityRecognizer."
        )
    if not split_sentences:
        return [doc]
    if not doc.has_annotation("SENT_START"):
        raise ValueError(
            f"Document {number} has no sentence boundaries: add the 'sentencizer' to "
            "the pipeline, or set split_sentences=False."
        )
    return list(doc.sents)


def _label(token: Any) -> str | None:
    """Return the label of a token, None if it is not annotated."""
    if not token.ent_iob_:
        return None
    return "O" if token.ent_iob_ == "O" else f"{token.ent_iob_}-{token.ent_type_}"
