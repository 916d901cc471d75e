from collections import namedtuple

import pytest

from sklearn_bilstm.datasets import sentences_from_spacy

Token = namedtuple("Token", "text ent_iob_ ent_type_")


class Doc(list):
    """Tokens with the attributes of a document of spaCy."""

    ents = ()

    def __init__(self, *tokens, sents=()):
        super().__init__(Token(*token) for token in tokens)
        self.sents = [Doc(*part) for part in sents]

    def has_annotation(self, name):
        return name == "SENT_START" and bool(self.sents)


ANNA = ("Anna", "B", "PERSON"), ("Ray", "I", "PERSON"), ("left", "O", "")


def test_entities_become_labels():
    found = sentences_from_spacy([Doc(*ANNA), Doc()])
    assert found.data == [["Anna", "Ray", "left"], []]
    assert found.target == [["B-PERSON", "I-PERSON", "O"], []]
    assert found.document == [0, 1]


def test_tokens_without_annotation_have_no_label():
    docs = [Doc(("Anna", "", ""), ("left", "O", "")), Doc(("Anna", "", ""))]
    assert sentences_from_spacy(docs, return_X_y=True)[1] == [[None, "O"], None]


def test_sentences_of_a_document_become_rows():
    doc = Doc(*ANNA, sents=[ANNA[:2], ANNA[2:]])
    found = sentences_from_spacy([Doc(*ANNA, sents=[ANNA]), doc], split_sentences=True)
    assert found.data == [["Anna", "Ray", "left"], ["Anna", "Ray"], ["left"]]
    assert found.document == [0, 1, 1]


@pytest.mark.parametrize(
    ("docs", "params", "message"),
    [
        (["Anna left"], {}, "document 0 is of type str.*EntityRecognizer"),
        (Doc(*ANNA), {}, "must be a list of documents"),
        (3, {}, "must be a list of documents: got 3"),
        ([Doc(*ANNA)], {"split_sentences": True}, "Document 0 has no sentence bound"),
    ],
)
def test_invalid_documents_raise(docs, params, message):
    with pytest.raises(ValueError, match=message):
        sentences_from_spacy(docs, **params)


def test_documents_of_spacy_are_read():
    spacy = pytest.importorskip("spacy")
    nlp = spacy.blank("en")
    doc = nlp("Anna Ray left. She is in Rome.")
    doc.ents = [doc.char_span(0, 8, "PERSON"), doc.char_span(25, 29, "GPE")]
    stored = spacy.tokens.DocBin(docs=[doc])
    expected = [["B-PERSON", "I-PERSON", *"OOOOO", "B-GPE", "O"]]
    assert sentences_from_spacy([doc], return_X_y=True)[1] == expected
    found = sentences_from_spacy(stored, vocab=nlp.vocab)
    assert found.target == expected
    assert found.data == [[token.text for token in doc]]
    with pytest.raises(ValueError, match="requires the parameter 'vocab'"):
        sentences_from_spacy(stored)
    with pytest.raises(ValueError, match="no sentence boundaries"):
        sentences_from_spacy([nlp("A. B.")], split_sentences=True)
