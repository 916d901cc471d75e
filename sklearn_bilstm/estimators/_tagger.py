"""BiLSTMTagger: sequences in, a label for every token out."""

from itertools import chain
from numbers import Integral

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.estimators._base import unchanged_on_error
from sklearn_bilstm.estimators._parameters import SHARED_CONSTRAINTS
from sklearn_bilstm.estimators._sentences import RowsOfLabels, check_lengths
from sklearn_bilstm.estimators._tagging import BaseTagger
from sklearn_bilstm.metrics import span_f1_score
from sklearn_bilstm.metrics._schemes import SCHEMES
from sklearn_bilstm.utils._callbacks import fit_task
from sklearn_bilstm.utils._sklearn import (
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
)
from sklearn_bilstm.utils._threads import OneCore

__all__ = ["BiLSTMTagger"]

_NOT_HERE = {"pooling", "pretrained", "static_features", "token_deletion", "token_swap"}


class BiLSTMTagger(BaseTagger):
    """Label every token of a sequence by a network that reads it in both directions.

    Such as parts of speech, or the names in a text. The rows of X are sentences, each a
    list of tokens. Each token gets a vector of its own and one of its characters, one
    or more bidirectional LSTM layers read the vectors, and a conditional random field
    weighs the labels of a sentence together (Huang et al., 2015; Ma and Hovy, 2016).

    X and y may be lists, numpy arrays of objects or columns of pandas. The rows of X
    may also be lists of token ids, or series of numbers as :class:`BiLSTMClassifier`
    reads them.

    Parameters
    ----------
    input_type : {"auto", "tokens", "numeric"}, default="auto"
        What X holds. "auto" means tokens if X holds strings, is sparse or of integers,
        else numbers.

    lowercase : bool, default=True
        Whether tokens that differ in case alone share a vector. Their characters keep
        their case. If not, a token that `fit` did not see has the vector of its lower
        case.

    min_df : int, default=1
        Number of sentences that a token must be in to get a vector of its own.

    max_features : int or None, default=None
        Number of tokens that get a vector of their own: the most frequent. None means
        all.

    embedding_dim : int, default=100
        Width of the vector of a token, unless `embedding` holds vectors.

    embedding : "svd", None, WordVectors or array of shape (n_ids, width), default="svd"
        What the vectors of tokens are before training. "svd" gives tokens like vectors
        that have like neighbours in X, by a singular value decomposition of their
        pointwise mutual information (Levy and Goldberg, 2014). `fit` can be given rows
        without labels for it. :class:`WordVectors` are vectors of words, known in
        `predict` even if X lacks them; words in capitals are found with
        `lowercase=False` only. Where X holds ids, row i of an array is the vector of id
        i, and a row of zeros is drawn. Given vectors are scaled to the size of drawn
        ones, and all these change at a fifth of the learning rate. None draws them.

    freeze_embedding : bool, default=False
        Whether the vectors of tokens stay what they are before training.

    character_embedding_dim : int, default=25
        Width of the vector of a character.

    character_filters : int, default=50
        Number of filters that read the characters of a token, three at a time; the
        largest value of each stands beside the vector of the token (Ma and Hovy, 2016).
        0 leaves characters out, and so do X of ids and of numbers.

    cell : {"lstm", "gru", "rnn"}, default="lstm"
        What carries the state from one step to the next (Hochreiter and Schmidhuber,
        1997; Cho et al., 2014; Elman, 1990).

    hidden_layer_sizes : int or sequence of int, default=(128,)
        Width of the state of one direction, for each recurrent layer.

    bidirectional : bool, default=True
        Whether the layers read a sequence from its end too (Schuster and Paliwal,
        1997).

    merge_mode : {"concat", "sum", "mean", "mul"}, default="concat"
        How the states of both directions become one: side by side, or their sum, mean
        or product.

    normalization : {"layer", "batch"} or None, default=None
        What the states of every layer are normalised by: each by its own mean and
        variance (Ba et al., 2016), or each component by those of the real steps of a
        batch (Ioffe and Szegedy, 2015). A batch is then learnt from in one thread.

    dense_layer_sizes : int or sequence of int, default=()
        Number of rectified units of each dense layer between the states and the output.

    crf : bool, default=True
        Whether labels are weighed together, by how they follow each other (Lafferty et
        al., 2001), or one by one.

    scheme : {"auto", "BIO", "IOB1", "BIOES", "BILOU", "BMES"} or None, default="auto"
        How labels mark spans, such as names. "auto" tells by the labels of y,
        :func:`~sklearn_bilstm.metrics.find_scheme`, and None says that they mark none.
        Where there is a scheme, `score` is the F1 score of spans. Labels are written
        anew in it where `constrained` has it so.

    constrained : bool, default=True
        Whether the CRF takes labels for impossible that do not follow each other in the
        scheme, if that is none but IOB1. A row of y that is not written in it is
        repaired, with a warning that counts such rows: its spans are read as
        :func:`~sklearn_bilstm.metrics.find_spans` does, by which "I-PER" behind "O"
        begins a span, and their labels are written anew. With `crf=False` labels are
        learnt as they are. Nothing is impossible where no label may stand alone, as y
        has neither "O" nor, in BIOES, one such as "S-PER".

    dropout : float in [0, 1), default=0.3
        Share of what recurrent layers above the first, dense layers and the output read
        that is zeroed in training.

    embedding_dropout : float in [0, 1), default=0.3
        Share of the components of the token vectors that is zeroed in training,
        the same for all tokens of a sequence (Gal and Ghahramani, 2016).

    word_dropout : float in [0, 1), default=0.1
        Share of the tokens whose vector is that of the unknown one in training.

    recurrent_dropout : float in [0, 1), default=0.0
        Share of the weights from one step to the next that is zeroed in training, the
        same for all steps (Merity et al., 2018).

    weight_decay : float, default=0.01
        Decay of weights, but not of biases and token vectors (Loshchilov and Hutter,
        2019).

    max_norm : float or None, default=None
        Norm to which the weights of a unit are shortened after every step (Srivastava
        et al., 2014), in recurrent and dense layers.

    max_epochs : int or "auto", default="auto"
        Number of passes over the training rows. "auto" takes as many as make two
        thousand batches, but not fewer than 4 nor more than 40, or 150 if X holds
        numbers.

    batch_size : int, default=32
        Number of rows between two updates of the weights.

    lr : float, default=6e-3
        Learning rate; its peak for `lr_schedule="one_cycle"`.

    optimizer : {"adamw", "adam", "sgd"}, default="adamw"
        How weights are updated.

    lr_schedule : {"one_cycle", "plateau", "constant"}, default="one_cycle"
        How the learning rate changes: up to `lr` and down to nearly zero (Smith and
        Topin, 2018), halved after two epochs without a lower loss, or not at all.

    gradient_clip_norm : float, default=1.0
        Norm to which larger gradients are cut. None leaves them alone.

    early_stopping : bool or "auto", default="auto"
        Whether to stop when the loss on validation rows no longer falls, and to go
        back to the weights that were best on them. True holds out rows for it if
        `fit` gets no `X_val`; "auto" stops early only if it gets some.

    validation_fraction : float in (0, 1), default=0.1
        Share of the rows that `early_stopping=True` holds out.

    n_iter_no_change : int, default=3
        Number of epochs in a row without a lower validation loss that end a training.

    tol : float, default=1e-4
        By how much the validation loss must fall to count as lower.

    warm_start : bool, default=False
        Whether `fit` goes on from the weights that an earlier `fit` found. Tokens that
        it did not see stay unknown, and labels must be those that it saw.

    checkpoint : str, path-like or None, default=None
        File into which `fit` writes its state after every epoch. An equal `fit` that
        finds it goes on from there, to the same bits as if nothing had interrupted it.
        In a folder each training has a file of its own, as a search needs. It takes a
        `random_state`.

    device : str or torch.device, default="auto"
        Where the network is. "auto" takes a CUDA device if there is one, else the CPU.

    precision : {"auto", "float32", "bfloat16"}, default="auto"
        What the recurrent layers compute in while they are trained; weights and
        predictions are float32 (Micikevicius et al., 2018). "auto" takes bfloat16 for
        LSTMs that read tokens on CPUs with instructions for it, which saves time and
        costs no accuracy that could be measured, else float32.

    n_threads : int or None, default=None
        Number of CPU threads that train and predict, each on a shard of a batch. None
        means as many as torch is allowed, which is :func:`torch.get_num_threads` and,
        in a process of joblib, its share of the cores. It does not change the result.

    callbacks : list of skorch callbacks, default=None
        What else happens in training. Each `fit` gets copies of its own, which hold
        the same objects, such as a writer of logs; so do clones. Callbacks that score
        are refused: they read another kind of batch.

    net_params : dict, default=None
        Further arguments of :class:`skorch.NeuralNet`, such as
        `{"iterator_train__num_workers": 2}`.

    verbose : int, default=0
        1 prints what each "auto" comes to and a line an epoch, 2 shows a progress bar
        of the batches too.

    random_state : int, RandomState instance or None, default=None
        Decides on initial weights, the order of rows, dropout, and the rows held out.
        Unlike elsewhere, None does not draw from numpy's global random state.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    scheme_ : {"BIO", "IOB1", "BIOES", "BILOU", "BMES"} or None
        How the labels mark spans. None if they mark none.

    n_features_in_ : int
        Number of columns of X seen during `fit`, if X was 2-D.

    n_channels_ : int
        Number of channels of a step, if X holds numbers.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    input_type_ : {"tokens", "numeric"}
        What X was taken for.

    auto_params_ : dict
        What each parameter came to that is "auto", by name, as far as the last call
        needed it.

    n_iter_ : int
        Number of epochs.

    history_ : list of dict
        For each epoch its number, the training loss, the rate it ended with, and
        seconds; with validation rows their loss too, and the share of their tokens
        labelled right, "valid_accuracy", or "valid_f1", the F1 score of spans.

    best_epoch_ : int
        Epoch whose weights are in use: the best one after early stopping, else the
        last.

    net_ : skorch.NeuralNet
        The net that was trained.

    module_ : torch.nn.Module
        The network in it.

    See Also
    --------
    sklearn_bilstm.metrics.span_f1_score : How well spans are found.

    References
    ----------
    .. [1] Lafferty, McCallum and Pereira (2001). Conditional random fields:
       probabilistic models for segmenting and labeling sequence data. ICML.
    .. [2] Huang, Xu and Yu (2015). Bidirectional LSTM-CRF models for sequence tagging.
       arXiv:1508.01991.
    .. [3] Ma and Hovy (2016). End-to-end sequence labeling via bi-directional
       LSTM-CNNs-CRF. ACL.

    Examples
    --------
    >>> from sklearn_bilstm import BiLSTMTagger
    >>> X = [["Anna", "met", "Ben"], ["Ben", "left"]] * 20
    >>> y = [["B-PER", "O", "B-PER"], ["B-PER", "O"]] * 20
    >>> tagger = BiLSTMTagger(random_state=0).fit(X, y)
    >>> tagger.predict([["Ben", "met", "Anna"]])
    [['B-PER', 'O', 'B-PER']]
    """

    _parameter_constraints: dict = {
        **{
            name: constraint
            for name, constraint in SHARED_CONSTRAINTS.items()
            if name not in _NOT_HERE
        },
        "lowercase": ["boolean"],
        "min_df": [Interval(Integral, 1, None, closed="left")],
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "character_embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "character_filters": [Interval(Integral, 0, None, closed="left")],
        "crf": ["boolean"],
        "scheme": [StrOptions({"auto", "IOB1", *SCHEMES}), None],
        "constrained": ["boolean"],
    }

    def __init__(  # noqa: PLR0915 - a statement a parameter
        self,
        *,
        input_type="auto",
        lowercase=True,
        min_df=1,
        max_features=None,
        embedding_dim=100,
        embedding="svd",
        freeze_embedding=False,
        character_embedding_dim=25,
        character_filters=50,
        cell="lstm",
        hidden_layer_sizes=(128,),
        bidirectional=True,
        merge_mode="concat",
        normalization=None,
        dense_layer_sizes=(),
        crf=True,
        scheme="auto",
        constrained=True,
        dropout=0.3,
        embedding_dropout=0.3,
        word_dropout=0.1,
        recurrent_dropout=0.0,
        weight_decay=0.01,
        max_norm=None,
        max_epochs="auto",
        batch_size=32,
        lr=6e-3,
        optimizer="adamw",
        lr_schedule="one_cycle",
        gradient_clip_norm=1.0,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change=3,
        tol=1e-4,
        warm_start=False,
        checkpoint=None,
        device="auto",
        precision="auto",
        n_threads=None,
        callbacks=None,
        net_params=None,
        verbose=0,
        random_state=None,
    ):
        self.input_type = input_type
        self.lowercase = lowercase
        self.min_df = min_df
        self.max_features = max_features
        self.embedding_dim = embedding_dim
        self.embedding = embedding
        self.freeze_embedding = freeze_embedding
        self.character_embedding_dim = character_embedding_dim
        self.character_filters = character_filters
        self.cell = cell
        self.hidden_layer_sizes = hidden_layer_sizes
        self.bidirectional = bidirectional
        self.merge_mode = merge_mode
        self.normalization = normalization
        self.dense_layer_sizes = dense_layer_sizes
        self.crf = crf
        self.scheme = scheme
        self.constrained = constrained
        self.dropout = dropout
        self.embedding_dropout = embedding_dropout
        self.word_dropout = word_dropout
        self.recurrent_dropout = recurrent_dropout
        self.weight_decay = weight_decay
        self.max_norm = max_norm
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.lr_schedule = lr_schedule
        self.gradient_clip_norm = gradient_clip_norm
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.n_threads = n_threads
        self.callbacks = callbacks
        self.net_params = net_params
        self.verbose = verbose
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None, X_unlabelled=None):
        """Learn to label tokens.

        Ctrl-C ends it with a KeyboardInterrupt. The tagger then keeps the best weights
        of the epochs that were complete; without any it is as it was.

        Parameters
        ----------
        X : sequence of sequence of str
            The tokens of each sentence. Or token ids: a list of lists, or a matrix in
            which 0 is padding. Or series of numbers, as :class:`BiLSTMClassifier` reads
            them.
        y : sequence of sequence
            As many labels for each row as it has tokens, strings or ints.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. Only their ratios matter, and from a row of weight 0
            nothing is learnt but its tokens, and that its labels are classes.
        X_val : sequence of sequence of str, default=None
            Validation rows, of the kind of X.
        y_val : sequence of sequence, default=None
            Labels of the validation rows. A row with a label that y does not hold is
            left out, of the score too, with a warning.
        X_unlabelled : sequence of sequence of str, default=None
            Further rows for `embedding="svd"` to learn from what the neighbours of a
            token tell. Only tokens that X has too have a vector.

        Returns
        -------
        self : BiLSTMTagger
            Fitted tagger.

        Raises
        ------
        ValueError
            If a parameter, X, y or the weights are not what they must be, or the
            training diverges, or the `checkpoint` is of another training, or no row of
            `y_val` has labels of y alone.
        """
        with (
            fit_task(self, X, y, sample_weight) as task,
            unchanged_on_error(self),
            OneCore(blas=True),
        ):
            self._fit(X, y, sample_weight, X_val, y_val, X_unlabelled, task)
        return self

    def predict(self, X):
        """Label every token.

        Parameters
        ----------
        X : sequence of sequence of str
            The tokens of each sentence, or other rows of the kind that `fit` saw.

        Returns
        -------
        labels : list of list
            The most probable labels of each row, as many as it has tokens.
        """
        check_is_fitted(self)
        found = self.net_.labels(self._read(X))
        return RowsOfLabels(self.classes_[codes].tolist() for codes in found)

    def predict_proba(self, X):
        """Return the probability of each label of each token.

        With a CRF it is that of all labels of the sentence that have it there.

        Parameters
        ----------
        X : sequence of sequence of str
            The tokens of each sentence, or other rows of the kind that `fit` saw.

        Returns
        -------
        probabilities : list of ndarray of shape (n_tokens_of_row, n_classes)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        return self.net_.marginals(self._read(X))

    def score(self, X, y, sample_weight=None):
        """Return how well labels are predicted.

        Parameters
        ----------
        X : sequence of sequence of str
            The tokens of each sentence, or other rows of the kind that `fit` saw.
        y : sequence of sequence
            True labels. One that `fit` did not see is never predicted, and is wrong.
            Where there is a scheme, all must be of one.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            The F1 score of spans, :func:`~sklearn_bilstm.metrics.span_f1_score`, if the
            labels mark spans as `scheme_` says, else the share of tokens labelled
            right.
        """
        predicted = self.predict(X)
        y = self._check_target(y)
        lengths = [len(row) for row in predicted]
        check_consistent_length(predicted, y, sample_weight)
        check_lengths(lengths, y, "y")
        if self.scheme_ is not None:
            return span_f1_score(
                y, predicted, sample_weight=sample_weight, zero_division=0.0
            )
        pairs = zip(chain(*y), chain(*predicted), strict=True)
        right = [true == found for true, found in pairs]
        weight = check_sample_weight(sample_weight, y, ensure_non_negative=True)
        weight = np.repeat(weight, lengths)
        if not weight.any():
            raise ValueError(
                "There must be a token in a row of some weight to be right about."
            )
        return float(np.average(right, weights=weight))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.three_d_array = self.input_type != "tokens"
        return tags
