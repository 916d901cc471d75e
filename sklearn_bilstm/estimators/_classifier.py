"""BiLSTMClassifier: sequences in, classes out."""

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.estimators._base import unchanged_on_error
from sklearn_bilstm.estimators._labelled import BaseSequenceClassifier
from sklearn_bilstm.estimators._parameters import SHARED_CONSTRAINTS
from sklearn_bilstm.estimators._transforming import PooledVectorsMixin
from sklearn_bilstm.utils._callbacks import fit_task
from sklearn_bilstm.utils._sklearn import StrOptions, fit_context
from sklearn_bilstm.utils._threads import OneCore

__all__ = ["BiLSTMClassifier"]


class BiLSTMClassifier(ClassifierMixin, PooledVectorsMixin, BaseSequenceClassifier):
    """Classify sequences by a recurrent network that reads them in both directions.

    The rows of X are sequences: of token ids, which :class:`TextVectorizer` makes of
    text, or of numbers. Each token gets a vector, one or more bidirectional LSTM layers
    read the vectors, their states are pooled, and a linear layer decides.

    Sequences of numbers may have several channels and any length each: as an array of
    shape (n_samples, n_timesteps, n_channels), in which steps of NaN at the end of a
    row are padding, or as a list of arrays of shape (n_timesteps, n_channels).

    Parameters
    ----------
    input_type : {"auto", "tokens", "numeric"}, default="auto"
        What X holds. "auto" means tokens if X is sparse or of integers, or if there are
        `static_features`, else numbers, of which each row is a sequence of one channel.

    embedding_dim : int, default=100
        Width of the vector of a token, unless `embedding` holds vectors.

    embedding : "svd", None, WordVectors or array of shape (n_ids, width), default="svd"
        What the vectors of tokens are before training. "svd" gives tokens like vectors
        that have like neighbours in X, by a singular value decomposition of their
        pointwise mutual information (Levy and Goldberg, 2014). `fit` can be given rows
        without labels for it. Row i of an array is the vector of id i; a row of zeros
        is drawn. :class:`WordVectors` are for ids of a :class:`TextVectorizer` that
        was given them as its `vocabulary`. Given vectors are scaled to the size of
        drawn ones, and all these change at a fifth of the learning rate. None draws
        them.

    freeze_embedding : bool, default=False
        Whether the vectors of tokens stay what they are before training.

    pretrained : fitted estimator or None, default=None
        A BiLSTM estimator, or a pipeline that ends with one, from whose network
        training begins, all but the dense layers: what it has learnt about another
        target; the values of `embedding` and rows without labels have no say then. Of a
        pipeline only the last step counts, so keep its vectorizer. If both are
        classifiers that read evidence of n-grams, the new one reads
        that of the old target. Ids must mean the same tokens. Within a search, keep it
        fitted by a :class:`~sklearn.frozen.FrozenEstimator`.

    evidence_ngrams : tuple (shortest, longest) or None, default=(1, 2)
        Tokens, at most 10, of the n-grams whose weight of evidence the network reads
        beside the vector of the token that they end with: the logarithm of how much
        likelier each class is where the n-gram is (Good, 1950). The rows that are
        learnt from are told what rows of other folds say, as by scikit-learn's
        :class:`~sklearn.preprocessing.TargetEncoder`. None leaves it out, and so do
        sequences of numbers, and more classes than make 200 channels: a hundred, each
        with a word and a pair.

    static_features : int, default=0
        How many of the last columns of a 2-D X are no steps but numbers that belong to
        the row, as a ColumnTransformer puts beside text. They are standardised and join
        the pooled vector.

    cell : {"lstm", "gru", "rnn"}, default="lstm"
        What carries the state from one step to the next (Hochreiter and Schmidhuber,
        1997; Cho et al., 2014; Elman, 1990).

    hidden_layer_sizes : int or sequence of int, default=(64,)
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

    pooling : {"max", "mean", "last", "attention", "max_mean"}, default="max_mean"
        How the states of a sequence become one vector: the largest value or the mean
        of each component, the state at the end of each direction, a mean weighted by
        attention (Yang et al., 2016), or maximum and mean side by side.

    dense_layer_sizes : int or sequence of int, default=()
        Number of rectified units of each dense layer between the pooled vector and the
        output.

    wide_ngrams : tuple (shortest, longest), "auto" or None, default="auto"
        Tokens, at most 10, of the n-grams of a linear path beside the network, for what
        words and phrases give away: logistic regression on their TF-IDF weights, times
        what naive Bayes makes of them for a class (Wang and Manning, 2012). It is
        fitted apart, and the mean is taken of its logits and those of the network,
        which are scaled to their size. The mean is divided by the temperature at which
        the path is as sure of rows that it did not learn from as it is right about them
        (Guo et al., 2017). A path that tells less of many such rows than how frequent
        the classes are is left out. Every `fit` learns it, and the evidence, anew. It
        reads static features too. Sequences of numbers have no such path. "auto" is
        (1, 3) if there are at least 1,000 rows to learn from for each class, on
        average, else (1, 2). None leaves the path out.

    dropout : float in [0, 1), default=0.5
        Share of what recurrent layers above the first, dense layers and the output read
        that is zeroed in training.

    embedding_dropout : float in [0, 1), default=0.5
        Share of the components of the token vectors that is zeroed in training,
        the same for all tokens of a sequence (Gal and Ghahramani, 2016).

    word_dropout : float in [0, 1), default=0.1
        Share of the tokens whose vector is that of the unknown one in training.

    token_deletion : float in [0, 1), default=0.0
        Share of the tokens that is deleted in training (Wei and Zou, 2019).

    token_swap : float in [0, 1), default=0.0
        Share of the tokens that changes places with a neighbour in training (Wei and
        Zou, 2019).

    recurrent_dropout : float in [0, 1), default=0.0
        Share of the weights from one step to the next that is zeroed in training, the
        same for all steps (Merity et al., 2018).

    weight_decay : float, default=0.01
        Decay of weights, but not of biases and token vectors (Loshchilov and Hutter,
        2019).

    max_norm : float or None, default=None
        Norm to which the weights of a unit are shortened after every step (Srivastava
        et al., 2014), in recurrent and dense layers and attention.

    max_epochs : int or "auto", default="auto"
        Number of passes over the training rows. "auto" takes as many as make two
        thousand batches, but not fewer than 4 nor more than 40, or 150 if X holds
        numbers.

    batch_size : int, default=32
        Number of rows between two updates of the weights.

    lr : float, default=4e-3
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
        Share of the rows that `early_stopping=True` holds out. Classes keep their
        shares.

    n_iter_no_change : int, default=3
        Number of epochs in a row without a lower validation loss that end a training.

    tol : float, default=1e-4
        By how much the validation loss must fall to count as lower.

    class_weight : dict or "balanced", default=None
        Weight of each class in the loss; a label without one has weight 1. "balanced"
        gives all classes the same sum of weights. None for an indicator matrix.

    warm_start : bool, default=False
        Whether `fit` goes on from the weights that an earlier `fit` found. Ids must
        mean the same tokens as before: do not refit the :class:`TextVectorizer`.

    checkpoint : str, path-like or None, default=None
        File into which `fit` writes its state after every epoch. An equal `fit` that
        finds it goes on from there, to the same bits as if nothing had interrupted it.
        In a folder each training has a file of its own, as a search needs. It takes a
        `random_state`. `partial_fit` leaves it alone.

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
        The labels, sorted, or the columns of an indicator matrix.

    multilabel_ : bool
        Whether y was an indicator matrix.

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
        needed it: `wide_ngrams` to None where there is no linear path.

    n_iter_ : int
        Number of epochs.

    history_ : list of dict
        For each epoch of the network its number, the loss and accuracy of the training
        rows as they were learnt from, with dropout, the rate it ended with, and
        seconds; with validation rows their loss and accuracy too. All are without the
        linear path.

    best_epoch_ : int
        Epoch whose weights are in use: the best one after early stopping, else the
        last.

    evidence_ : object or None
        The weights of evidence.

    wide_path_ : object or None
        The fitted linear path. None if there is none, or if it was left out.

    network_scale_ : float
        What the logits of the network are multiplied by before the mean is taken of
        them and those of the linear path.

    net_ : skorch.NeuralNet
        The net that was trained.

    module_ : torch.nn.Module
        The network in it.

    See Also
    --------
    TextVectorizer : Turn text into token ids.

    References
    ----------
    .. [1] Hochreiter and Schmidhuber (1997). Long short-term memory. Neural
       Computation 9(8).
    .. [2] Schuster and Paliwal (1997). Bidirectional recurrent neural networks. IEEE
       Transactions on Signal Processing 45(11).
    .. [3] Gal and Ghahramani (2016). A theoretically grounded application of dropout
       in recurrent neural networks. NIPS.
    .. [4] Yang et al. (2016). Hierarchical attention networks for document
       classification. NAACL.
    .. [5] Merity, Keskar and Socher (2018). Regularizing and optimizing LSTM language
       models. ICLR.
    .. [6] Smith and Topin (2018). Super-convergence: very fast training of neural
       networks using large learning rates. arXiv:1708.07120.
    .. [7] Loshchilov and Hutter (2019). Decoupled weight decay regularization. ICLR.
    .. [8] Wang and Manning (2012). Baselines and bigrams: simple, good sentiment and
       topic classification. ACL.
    .. [9] Guo et al. (2017). On calibration of modern neural networks. ICML.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> texts, labels = make_reviews(300, random_state=0)
    >>> model = make_pipeline(TextVectorizer(), BiLSTMClassifier(random_state=0))
    >>> model = model.fit(texts, labels)
    >>> model.predict(["the acting was not good, it was awful"])
    array(['negative'], dtype='<U8')
    """

    _parameter_constraints: dict = {
        **SHARED_CONSTRAINTS,
        "evidence_ngrams": [tuple, list, None],
        "wide_ngrams": [tuple, list, StrOptions({"auto"}), None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(  # noqa: PLR0915 - a statement a parameter
        self,
        *,
        input_type="auto",
        embedding_dim=100,
        embedding="svd",
        freeze_embedding=False,
        pretrained=None,
        evidence_ngrams=(1, 2),
        static_features=0,
        cell="lstm",
        hidden_layer_sizes=(64,),
        bidirectional=True,
        merge_mode="concat",
        normalization=None,
        pooling="max_mean",
        dense_layer_sizes=(),
        wide_ngrams="auto",
        dropout=0.5,
        embedding_dropout=0.5,
        word_dropout=0.1,
        token_deletion=0.0,
        token_swap=0.0,
        recurrent_dropout=0.0,
        weight_decay=0.01,
        max_norm=None,
        max_epochs="auto",
        batch_size=32,
        lr=4e-3,
        optimizer="adamw",
        lr_schedule="one_cycle",
        gradient_clip_norm=1.0,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change=3,
        tol=1e-4,
        class_weight=None,
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
        self.embedding_dim = embedding_dim
        self.embedding = embedding
        self.freeze_embedding = freeze_embedding
        self.pretrained = pretrained
        self.evidence_ngrams = evidence_ngrams
        self.static_features = static_features
        self.cell = cell
        self.hidden_layer_sizes = hidden_layer_sizes
        self.bidirectional = bidirectional
        self.merge_mode = merge_mode
        self.normalization = normalization
        self.pooling = pooling
        self.dense_layer_sizes = dense_layer_sizes
        self.wide_ngrams = wide_ngrams
        self.dropout = dropout
        self.embedding_dropout = embedding_dropout
        self.word_dropout = word_dropout
        self.token_deletion = token_deletion
        self.token_swap = token_swap
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
        self.class_weight = class_weight
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
        """Learn to classify sequences.

        Ctrl-C ends it with a KeyboardInterrupt. The classifier then keeps the best
        weights of the epochs that were complete; without any it is as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids (0 is padding wherever it stands, 1 is unknown) or numbers. Series
            of several channels or any length come as said above.
        y : array-like of shape (n_samples,), or {array-like, sparse matrix} of shape \
                (n_samples, n_classes)
            Labels, of any type that can be sorted. Or an indicator matrix of zeros and
            ones, where a row may have several labels or none.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. Only their ratios matter, and from a row of weight 0
            nothing is learnt but that its label is a class.
        X_val : {array-like, sparse matrix} of shape (n_val_samples, n_timesteps), \
                default=None
            Validation rows. In a :class:`~sklearn.pipeline.Pipeline`, let
            `transform_input=["X_val"]` transform them as X.
        y_val : array-like of shape (n_val_samples,), default=None
            Labels of the validation rows.
        X_unlabelled : {array-like, sparse matrix} of shape (n_more_samples, \
                n_timesteps), default=None
            Further rows of token ids for `embedding="svd"` to learn from what the
            neighbours of a token tell. They change nothing with `embedding=None`, nor
            with a `warm_start` that goes on. A search cuts them into its folds if they
            are as many as the rows of X.

        Returns
        -------
        self : BiLSTMClassifier
            Fitted classifier.

        Raises
        ------
        ValueError
            If a parameter, X, y or the weights are not what they must be, or the
            training diverges, or the `checkpoint` is of another training.
        """
        with (
            fit_task(self, X, y, sample_weight) as task,
            unchanged_on_error(self),
            OneCore(blas=True),
        ):
            self._fit(X, y, sample_weight, X_val, y_val, X_unlabelled, task)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Learn from a batch of rows, in one pass at the constant rate `lr`.

        It goes on from what was learnt before, by `fit` too, with the parameters of
        now. Token ids that are new get new vectors. Numbers are standardised with the
        first batch. Only the network learns: the weights of evidence, a linear path,
        and what its logits are scaled to stay as `fit` left them. Without `fit` the
        evidence is zero, and there is no linear path.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come. Needed in the first call, but not for an
            indicator matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, which are not scaled to any mean.

        Returns
        -------
        self : BiLSTMClassifier
            Fitted classifier.

        Raises
        ------
        ValueError
            If the parameters ask for another network than there is, or the
            first call has no `classes`, or y holds a label that is not one of
            them, or `class_weight` is "balanced", which needs all rows at once.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once, which partial_fit "
                "does not have: give a dict of weights instead."
            )
        with unchanged_on_error(self), OneCore(blas=True):
            self._learn_batch(X, y, sample_weight, classes)
        return self

    def predict(self, X):
        """Predict the class of each sequence.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`. An id above those that `fit` saw is
            unknown.

        Returns
        -------
        labels : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The most probable label of each row, or an indicator matrix of those that
            are more probable than not.
        """
        check_is_fitted(self)
        logits = self._logits(X)
        if self.multilabel_:
            return (logits > 0).astype(np.int64)
        return self.classes_[logits.argmax(1)]

    def decision_function(self, X):
        """Return logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`.

        Returns
        -------
        logits : ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes the log odds of the second, else a logit for each class.
            Where rows have several labels, the log odds of each.
        """
        check_is_fitted(self)
        logits = self._logits(X)
        if logits.shape[1] == 2 and not self.multilabel_:
            return logits[:, 1] - logits[:, 0]
        return logits

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`. Rows sum to one, unless they may have
            several labels.
        """
        check_is_fitted(self)
        logits = self._logits(X)
        return expit(logits) if self.multilabel_ else softmax(logits, axis=1)

    def predict_log_proba(self, X):
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        logits = self._logits(X)
        return log_expit(logits) if self.multilabel_ else log_softmax(logits, axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
