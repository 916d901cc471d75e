"""Baseline taggers for the comparison with BiLSTMTagger."""

import importlib

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence


def import_or_advise(module, package):
    """Import a baseline, or explain how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{package} is compared with here: pip install {package}"
        raise ImportError(message) from error


class FeatureCRF:
    """CRF on hand-crafted features of a token and its neighbours (sklearn-crfsuite).

    Features and regularisation follow its tutorial on named entities, without
    part-of-speech tags.
    """

    n_epochs = 100

    def fit(self, X, y):
        """Fit the weights of features and transitions."""
        sklearn_crfsuite = import_or_advise("sklearn_crfsuite", "sklearn-crfsuite")
        self.crf_ = sklearn_crfsuite.CRF(
            algorithm="lbfgs",
            c1=0.1,
            c2=0.1,
            max_iterations=self.n_epochs,
            all_possible_transitions=True,
        )
        self.crf_.fit(map(_features, X), y)
        return self

    def predict(self, X):
        """Predict the labels of each row."""
        return [list(row) for row in self.crf_.predict(map(_features, X))]


def _features(tokens):
    """Return a dict of the features of each token."""
    return [
        {
            "bias": 1.0,
            "word.lower()": token.lower(),
            "word[-3:]": token[-3:],
            "word[-2:]": token[-2:],
            "word.isdigit()": token.isdigit(),
            **_shape(token, ""),
            **_neighbour(tokens, place - 1, "-1:"),
            **_neighbour(tokens, place + 1, "+1:"),
        }
        for place, token in enumerate(tokens)
    ]


def _neighbour(tokens, place, prefix):
    if not 0 <= place < len(tokens):
        return {f"{prefix}nothing": True}
    token = tokens[place]
    return {f"{prefix}word.lower()": token.lower(), **_shape(token, prefix)}


def _shape(token, prefix):
    return {
        f"{prefix}word.istitle()": token.istitle(),
        f"{prefix}word.isupper()": token.isupper(),
    }


class SpacyNER:
    """The named entity recogniser of spaCy, a blank English pipeline.

    It is trained by the loop of spaCy's documentation, with growing batches and dropout
    0.35. Labels must follow the scheme BIO.
    """

    n_epochs = 30

    def __init__(self, random_state):
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the recogniser; empty rows are left out."""
        spacy = import_or_advise("spacy", "spacy")
        training = importlib.import_module("spacy.training")
        spacy.util.fix_random_seed(self.random_state)
        self.nlp_ = spacy.blank("en")
        recogniser = self.nlp_.add_pipe("ner")
        examples = []
        for tokens, labels in zip(X, y, strict=True):
            if tokens:
                given = {"entities": training.iob_to_biluo(labels)}
                examples.append(training.Example.from_dict(self._doc(tokens), given))
        for name in {label[2:] for row in y for label in row if label != "O"}:
            recogniser.add_label(name)
        optimizer = self.nlp_.initialize(lambda: examples)
        random = np.random.RandomState(self.random_state)
        sizes = spacy.util.compounding(4.0, 32.0, 1.001)
        for _ in range(self.n_epochs):
            shuffled = [examples[i] for i in random.permutation(len(examples))]
            for batch in spacy.util.minibatch(shuffled, sizes):
                self.nlp_.update(batch, sgd=optimizer, drop=0.35)
        return self

    def predict(self, X):
        """Predict the labels of each row."""
        found = []
        for tokens in X:
            doc = self.nlp_(self._doc(tokens))
            found.append([_label(token) for token in doc])
        return found

    def _doc(self, tokens):
        return importlib.import_module("spacy.tokens").Doc(self.nlp_.vocab, tokens)


def _label(token):
    return f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O"


class PlainTagger:
    """The network of BiLSTMTagger in plain torch with pytorch-crf.

    It has the same sizes and character input. Rows are shuffled and grouped in padded
    and packed batches of 32; the optimizer is Adam.
    """

    def __init__(self, n_epochs, random_state):
        self.n_epochs = n_epochs
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the network."""
        torch.manual_seed(self.random_state)
        self.words_ = _ids_of(token.lower() for row in X for token in row)
        self.characters_ = _ids_of(c for row in X for token in row for c in token)
        self.labels_ = sorted({label for row in y for label in row})
        code_of = {label: code for code, label in enumerate(self.labels_)}
        codes = [torch.tensor([code_of[label] for label in row]) for row in y]
        rows = self._encoded(X)
        sizes = len(self.words_) + 2, len(self.characters_) + 2, len(self.labels_)
        self.network_ = _PlainNetwork(*sizes)
        optimizer = torch.optim.Adam(self.network_.parameters(), lr=1e-3)
        for _ in range(self.n_epochs):
            for batch in torch.randperm(len(rows)).split(32):
                batch = [i for i in batch.tolist() if len(codes[i])]
                optimizer.zero_grad()
                targets = pad_sequence([codes[i] for i in batch], batch_first=True)
                self.network_.loss([rows[i] for i in batch], targets).backward()
                nn.utils.clip_grad_norm_(self.network_.parameters(), 1.0)
                optimizer.step()
        return self

    @torch.no_grad()
    def predict(self, X):
        """Predict the labels of each row; rows must not be empty."""
        self.network_.eval()
        rows = self._encoded(X)
        found = []
        for start in range(0, len(rows), 32):
            found += self.network_.decode(rows[start : start + 32])
        return [[self.labels_[code] for code in row] for row in found]

    def _encoded(self, X):
        """Return the token ids and character ids of each row."""
        return [
            (
                torch.tensor([self.words_.get(token.lower(), 1) for token in row]),
                [
                    torch.tensor([self.characters_.get(c, 1) for c in token[:20]])
                    for token in row
                ],
            )
            for row in X
        ]


def _ids_of(things):
    """Assign ids from 2 on, after those of padding and unknown."""
    return {thing: id_ for id_, thing in enumerate(dict.fromkeys(things), start=2)}


class _PlainNetwork(nn.Module):
    def __init__(self, n_words, n_characters, n_labels):
        super().__init__()
        self.words = nn.Embedding(n_words, 100, padding_idx=0)
        self.characters = nn.Embedding(n_characters, 25, padding_idx=0)
        self.filters = nn.Conv1d(25, 50, 3, padding=1)
        self.dropout = nn.Dropout(0.5)
        self.lstm = nn.LSTM(150, 128, bidirectional=True, batch_first=True)
        self.head = nn.Linear(256, n_labels)
        torchcrf = import_or_advise("torchcrf", "pytorch-crf")
        self.crf = torchcrf.CRF(n_labels, batch_first=True)

    def loss(self, rows, targets):
        """Return the mean negative log-likelihood per token."""
        emissions, mask = self._emissions(rows)
        return -self.crf(emissions, targets, mask, reduction="token_mean")

    def decode(self, rows):
        """Return the most probable labels of each row."""
        return self.crf.decode(*self._emissions(rows))

    def _emissions(self, rows):
        words = pad_sequence([ids for ids, _ in rows], batch_first=True)
        mask = words > 0
        spelled = pad_sequence(
            [characters for _, tokens in rows for characters in tokens],
            batch_first=True,
        )
        found = self.filters(self.characters(spelled).transpose(1, 2)).amax(2)
        of_tokens = found.new_zeros(*words.shape, found.shape[1])
        of_tokens[mask] = found
        x = self.dropout(torch.cat([self.words(words), of_tokens], 2))
        lengths = mask.sum(1)
        packed = pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.head(self.dropout(states)), mask


def n_tokens(X):
    """Return the number of tokens of all rows."""
    return int(np.sum([len(row) for row in X]))
