"""BiLSTMClassifier: sequences in, classes out."""

from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.estimators._parameters import LINEAR_KERNELS, SHARED_CONSTRAINTS
from sklearn_bilstm.estimators._row_estimator import BaseRowEstimator
from sklearn_bilstm.fitting import (
    IndicatorTarget,
    LabelTarget,
    ReaderAndTarget,
    SequenceReader,
    TasksTarget,
    label_target,
    label_target_of_stream,
)
from sklearn_bilstm.utils._callbacks import fit_task
from sklearn_bilstm.utils._sklearn import StrOptions, fit_context

__all__ = ["BiLSTMClassifier"]


class BiLSTMClassifier(ClassifierMixin, BaseRowEstimator):
    """Bidirectional LSTM classifier of sequences.

    The rows of X are sequences of token ids, such as the output of
    :class:`TextVectorizer`, or of numbers. The network consists of an embedding of the
    tokens, one or more bidirectional recurrent layers, pooling over time, and an output
    layer. Its logits are combined with those of a linear model. Several tasks, each
    with a column of y, share the network up to the output layer (Caruana, 1997).

    Numeric sequences can have several channels and unequal lengths. Pass an array of
    shape (n_samples, n_timesteps, n_channels), in which trailing steps of NaN are
    padding, or a list of arrays of shape (n_timesteps, n_channels).

    Parameters
    ----------
    input_type : {"auto", "tokens", "numeric"}, default="auto"
        Type of X. With "auto", X holds token ids if it is sparse, of an integer dtype,
        or if it has static features; otherwise each row is a numeric sequence
        with one channel. Dense integers are ambiguous, so `fit` warns about them.

    embedding_dim : int, default=100
        Dimension of the token vectors. Ignored if `embedding` holds vectors.

    embedding : "svd", None, WordVectors or array of shape (n_ids, width), default="svd"
        Initial token vectors. "svd" factorises the pointwise mutual information of
        neighbouring tokens in X, and in `X_unlabelled` if `fit` is given it, by a
        truncated singular value decomposition (Levy and Goldberg, 2014). In an array,
        row i is the vector of id i; rows of zeros are initialised randomly.
        :class:`WordVectors` require a :class:`TextVectorizer` with the same word
        vectors as its `vocabulary`. Given vectors are rescaled to the size of random
        ones. All of these are trained at a fifth of the learning rate. None initialises
        the vectors randomly.

    freeze_embedding : bool, default=False
        Whether to keep the initial token vectors fixed during training.

    pretrained : fitted estimator or None, default=None
        A fitted BiLSTM estimator, or a pipeline that ends with one. Training starts
        from the weights of its network, except for the dense layers; `embedding` and
        `X_unlabelled` are then ignored. Only the last step of a pipeline is used, so
        reuse its vectorizer: ids must refer to the same tokens. If both estimators are
        classifiers with class log-odds features, those of the pretrained classifier are
        kept. In a search, wrap the estimator in
        :class:`~sklearn.frozen.FrozenEstimator` so that it stays fitted.

    log_odds_ngram_range : tuple (shortest, longest) or None, default=(1, 2)
        Minimum and maximum length (at most 10 tokens) of the n-grams whose class
        log-odds (weight of evidence; Good, 1950) are appended to the vector of their
        last token, out-of-fold for training rows. None, numeric input, or more than 200
        channels (one per class and length) disable them.

    n_static_features : int or "auto", default="auto"
        Number of trailing columns of a 2-D X that are static features of the row, not
        steps: they are standardised and concatenated to the pooled vector. "auto" reads
        it from X of a :class:`TableVectorizer` or from column names, and else means 0.

    convolution_layer_sizes : int or sequence of int, default=()
        Number of ReLU filters of each convolution over time in front of the recurrent
        layers. A filter reads 7 steps; rows are padded with zeros at both ends.

    convolution_stride : int, default=1
        Stride of each convolution. With stride s, the recurrent layers process only
        ceil(n / s) steps of a row of n steps, which is faster for long sequences.

    cell : {"lstm", "gru", "rnn"}, default="lstm"
        Type of recurrent cell (Hochreiter and Schmidhuber, 1997; Cho et al., 2014;
        Elman, 1990).

    hidden_layer_sizes : int or sequence of int, default=(64,)
        Number of units per direction of each recurrent layer.

    bidirectional : bool, default=True
        Whether recurrent layers also process the sequence in reverse (Schuster and
        Paliwal, 1997).

    merge_mode : {"concat", "sum", "mean", "mul"}, default="concat"
        How to combine the states of both directions: concatenation, sum, mean or
        product.

    normalization : {"layer", "batch"} or None, default=None
        Normalisation of the states of every recurrent layer: layer normalisation (Ba et
        al., 2016), or batch normalisation (Ioffe and Szegedy, 2015) over the real steps
        of a batch, for which each batch is processed in a single thread.

    pooling : {"max", "mean", "last", "attention", "max_mean"}, default="max_mean"
        How to reduce the states of a sequence to one vector: component-wise maximum or
        mean, the final state of each direction, a weighted mean with attention (Yang et
        al., 2016), or the concatenation of maximum and mean.

    dense_layer_sizes : int or sequence of int, default=()
        Number of ReLU units of each dense layer between the pooled vector and the
        output layer.

    linear_ngram_range : tuple (shortest, longest), "auto" or None, default="auto"
        Minimum and maximum length, at most 10 tokens, of the n-grams of a linear model:
        a logistic regression on TF-IDF features weighted by naive Bayes log-count
        ratios (Wang and Manning, 2012), and on static features. If `embedding` is not
        None, or with `pretrained`, the mean token vector of each row is used as well
        (Arora, Liang and Ma, 2017). Its logits and those of the network, rescaled to
        the same size, are averaged and divided by a temperature fitted on out-of-fold
        linear logits (Guo et al., 2017). The model is dropped if these are not better
        than the class frequencies (from 200 rows on). "auto" is (1, 3) for at least
        1,000 training rows per class on average, else (1, 2). None disables it.

    linear_kernels : int, "auto" or None, default="auto"
        Number of MiniRocket kernels (Dempster et al., 2021), rounded to a multiple of
        84, for a ridge regression of numeric sequences. In a regressor,
        cross-validation selects these features, the last steps, or both. The outputs of
        the regression and the network are added with weights fitted to validation rows,
        or else to a held-out fifth of the training rows (at most 200), after which the
        network is fitted again to all rows unless its weight is 0. A regression that is
        not better than a constant is dropped, or replaced by it in a regressor. "auto"
        is 9,996 for at most 2,000 training rows, else 2,016. None disables it.

    dropout : float in [0, 1), default=0.5
        Dropout probability of the inputs of recurrent layers above the first, dense
        layers and the output layer.

    embedding_dropout : float in [0, 1), default=0.5
        Dropout probability of the components of token vectors, with one mask for all
        tokens of a sequence (Gal and Ghahramani, 2016).

    word_dropout : float in [0, 1), default=0.1
        Probability that a token is replaced by the unknown token during training.

    recurrent_dropout : float in [0, 1), default=0.0
        Dropout probability of the hidden-to-hidden weights, with one mask for all steps
        (Merity et al., 2018).

    weight_decay : float, default=0.01
        Decoupled weight decay (Loshchilov and Hutter, 2019). It does not apply to
        biases, normalisation weights and token vectors.

    max_norm : float or None, default=None
        Maximum norm of the incoming weights of each unit of recurrent layers, dense
        layers and attention, enforced after every step (Srivastava et al., 2014).

    max_epochs : int or "auto", default="auto"
        Number of passes over the training rows. "auto" chooses it such that training
        takes about 2,000 batches, within 4 to 40 epochs. For numeric input, the limit
        is 150 epochs, or 80 with an output per step.

    batch_size : int, default=32
        Number of rows per gradient step.

    lr : float, default=4e-3
        Learning rate. For `lr_schedule="one_cycle"`, the maximum learning rate.

    optimizer : {"adamw", "adam", "sgd"}, default="adamw"
        Optimizer of the weights.

    lr_schedule : {"one_cycle", "plateau", "constant"}, default="one_cycle"
        Learning-rate schedule: an increase to `lr` followed by a decrease to almost
        zero (Smith and Topin, 2018), halving after two epochs without improvement, or a
        constant rate.

    gradient_clip_norm : float, default=1.0
        Maximum norm of the gradient, above which it is rescaled. None disables this.

    early_stopping : bool or "auto", default="auto"
        Whether to stop training when the validation loss no longer improves, and to
        restore the best weights. True holds out `validation_fraction` of the rows
        unless `fit` is given `X_val`. "auto" stops early only if `fit` is given
        `X_val`.

    validation_fraction : float in (0, 1), default=0.1
        Fraction of the training rows that `early_stopping=True` holds out. They are
        stratified by class if each row has a single label.

    n_iter_no_change : int, default=3
        Number of consecutive epochs without improvement after which training stops.

    tol : float, default=1e-4
        Minimum decrease of the validation loss that counts as an improvement.

    class_weight : dict, "balanced" or list of them, default=None
        Weights of the classes in the loss, 1 for labels not in the dict. "balanced"
        gives classes equal total weights. For several tasks, "balanced" or a list with
        an entry per column of y. Must be None if y is an indicator matrix.

    task_weight : array-like of shape (n_tasks,) or None, default=None
        Weights of several tasks in the loss of the network. None weights them equally.

    warm_start : bool, default=False
        Whether `fit` continues from the current weights. Ids must refer to the same
        tokens as before, so do not refit the :class:`TextVectorizer`.

    checkpoint : str, path-like or None, default=None
        File to which `fit` writes its state after every epoch. The same call to `fit`
        resumes from an existing file, with a bit-identical result. If it is a folder,
        each training writes its own file in it, as a search requires. Requires a
        `random_state`. `partial_fit` does not use it.

    device : str or torch.device, default="auto"
        Device of the network. "auto" uses a CUDA device if one is available, else the
        CPU.

    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Data type of the recurrent layers during training; weights and predictions are
        float32 (Micikevicius et al., 2018). "auto" uses bfloat16 for LSTMs on token
        input if the CPU has bfloat16 instructions, which is faster without a measurable
        loss of accuracy, and float32 otherwise.

    n_threads : int or None, default=None
        Number of CPU threads for training and prediction. None uses
        :func:`torch.get_num_threads`, or in a worker process or thread its share of the
        cores. Results do not depend on it.

    distributed : bool, default=True
        Whether `fit` learns from the rows of all processes of an initialised
        `torch.distributed` group.

    callbacks : list of skorch callbacks, default=None
        Additional skorch callbacks. Each `fit` copies them; copies and clones share the
        objects that they hold, such as a log writer. Scoring callbacks are not
        supported, since batches have another format.

    net_params : dict, default=None
        Additional arguments of :class:`skorch.NeuralNet`, such as
        `{"iterator_train__num_workers": 2}`.

    verbose : int, default=0
        Verbosity. 1 prints resolved "auto" parameters and a line per epoch; 2 also
        shows a progress bar over batches.

    random_state : int, RandomState instance or None, default=None
        Controls weight initialisation, row order, dropout and the validation split.
        Pass an int for reproducible results. Unlike elsewhere in scikit-learn, None
        does not use NumPy's global random state.

    Attributes
    ----------
    model_ : object
        The fitted model: `reader` of X, `target`, `net` and `auxiliary_models`.
    classes_ : ndarray of shape (n_classes,) or list of ndarray
        Sorted class labels, or column indices of an indicator matrix. A list with one
        array per task for several tasks, as are `linear_model_` and `network_scale_`.
    multilabel_ : bool
        Whether y was an indicator matrix.
    n_features_in_ : int
        Number of columns of X seen during `fit`. Defined if X was 2-D.
    n_channels_ : int
        Number of channels of a step. Defined for numeric input.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names seen during `fit`. Defined if X had names that are all strings.
    input_type_ : {"tokens", "numeric"}
        Type of X that was detected or given.
    auto_params_ : dict
        Resolved values of parameters set to "auto" that were used by the last call.
        `pseudo_labels` is the decision on unlabelled rows, with held-out accuracies.
    n_iter_ : int
        Number of training epochs.
    history_ : list of dict
        For each epoch: number, loss and accuracy of the network alone on training rows
        (with dropout) and on validation rows if any, final learning rate and seconds.
    best_epoch_ : int
        Epoch of the current weights: the best one with early stopping, else the last.
    log_odds_ : object or None
        Fitted class log-odds of n-grams. None if disabled.
    linear_model_ : object or None
        Fitted linear model. None if disabled or dropped.
    network_scale_ : float
        Factor of the network logits. 0 if the network is not used (numeric input).
    net_ : skorch.NeuralNet
        The fitted skorch net.
    module_ : torch.nn.Module
        The torch module of the net.

    See Also
    --------
    BiLSTMRegressor : Predict numbers from sequences.
    TextVectorizer : Convert texts to token ids.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> texts, labels = make_reviews(300, random_state=0)
    >>> model = make_pipeline(TextVectorizer(), BiLSTMClassifier(random_state=0))
    >>> model.fit(texts, labels).predict(["the acting was not good, it was awful"])
    array(['negative'], dtype='<U8')
    """

    _types = ReaderAndTarget(
        SequenceReader,
        (LabelTarget, IndicatorTarget, TasksTarget),
        label_target,
        label_target_of_stream,
    )

    _parameter_constraints: dict = {
        **SHARED_CONSTRAINTS,
        "log_odds_ngram_range": [tuple, list, None],
        "linear_ngram_range": [tuple, list, StrOptions({"auto"}), None],
        "linear_kernels": LINEAR_KERNELS,
        "class_weight": [dict, list, tuple, StrOptions({"balanced"}), None],
        "task_weight": ["array-like", None],
    }

    def __init__(  # noqa: PLR0915 - one assignment per parameter
        self,
        *,
        input_type="auto",
        embedding_dim=100,
        embedding="svd",
        freeze_embedding=False,
        pretrained=None,
        log_odds_ngram_range=(1, 2),
        n_static_features="auto",
        convolution_layer_sizes=(),
        convolution_stride=1,
        cell="lstm",
        hidden_layer_sizes=(64,),
        bidirectional=True,
        merge_mode="concat",
        normalization=None,
        pooling="max_mean",
        dense_layer_sizes=(),
        linear_ngram_range="auto",
        linear_kernels="auto",
        dropout=0.5,
        embedding_dropout=0.5,
        word_dropout=0.1,
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
        task_weight=None,
        warm_start=False,
        checkpoint=None,
        device="auto",
        precision="auto",
        n_threads=None,
        distributed=True,
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
        self.log_odds_ngram_range = log_odds_ngram_range
        self.n_static_features = n_static_features
        self.convolution_layer_sizes = convolution_layer_sizes
        self.convolution_stride = convolution_stride
        self.cell = cell
        self.hidden_layer_sizes = hidden_layer_sizes
        self.bidirectional = bidirectional
        self.merge_mode = merge_mode
        self.normalization = normalization
        self.pooling = pooling
        self.dense_layer_sizes = dense_layer_sizes
        self.linear_ngram_range = linear_ngram_range
        self.linear_kernels = linear_kernels
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
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.n_threads = n_threads
        self.distributed = distributed
        self.callbacks = callbacks
        self.net_params = net_params
        self.verbose = verbose
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None, X_unlabelled=None):
        """Fit the classifier.

        Ctrl-C raises a KeyboardInterrupt. The classifier then keeps the best weights
        of the completed epochs; before the first one it is unchanged.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids (0 is padding in any position, 1 is the unknown token) or numbers.
            See the class description for other formats.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_columns)
            Labels of any sortable type, a column of labels for each task, or, if there
            are at most two different numbers, a multilabel indicator matrix. None or
            NaN marks a missing label; rows without a label are used like
            `X_unlabelled`. -1 is an ordinary class, with a warning if it is likely to
            mark unlabelled rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Relative row weights. Rows of weight 0 contribute only to `classes_`.
        X_val : {array-like, sparse matrix} of shape (n_val, n_timesteps), default=None
            Validation rows. In a :class:`~sklearn.pipeline.Pipeline`, let
            `transform_input=["X_val"]` transform them as X.
        y_val : array-like of shape (n_val,) or (n_val, n_columns), default=None
            Labels of the validation rows.
        X_unlabelled : {array-like, sparse matrix} of shape (n_more_samples, \
                n_timesteps), default=None
            Additional rows of token ids for `embedding="svd"`. If y is 1-D and there
            are no static features, they also get pseudo-labels, if a linear model with
            them predicts held-out rows of X better. Ignored if `warm_start` or
            `pretrained` continue from other weights. A search splits them into folds as
            well if they have as many rows as X. Fit the vectorizer to these texts, too.

        Returns
        -------
        self : BiLSTMClassifier
            Fitted classifier.

        Raises
        ------
        ValueError
            If a parameter, X, y or the weights are invalid, if training diverges, or if
            the `checkpoint` belongs to a different training.
        """
        with fit_task(self, X, y, sample_weight) as task:
            self._fit(X, y, sample_weight, X_val, y_val, X_unlabelled, task)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Update the network with one pass over a batch, at the constant rate `lr`.

        Training continues from the current weights with the current parameter values.
        New token ids get new vectors. Numbers are standardised with the statistics of
        the first batch. Class log-odds, linear model and calibration are not updated;
        without a previous `fit`, log-odds are zero and there is no linear model. Warns
        if `network_scale_` is 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Labels.
        classes : array-like of shape (n_classes,), or list of them, default=None
            All possible labels, in a list with an entry for each of several tasks.
            Required in the first call unless y is an indicator matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. They are not normalised.

        Returns
        -------
        self : BiLSTMClassifier
            Fitted classifier.

        Raises
        ------
        ValueError
            If the parameters describe a different network than the fitted one, if
            `classes` are missing or lack a label of y, or if `class_weight="balanced"`.
        """
        self._partial_fit(X, y, sample_weight=sample_weight, classes=classes)
        return self

    def predict(self, X):
        """Predict the class of each sequence.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`. New ids are treated as the unknown token.

        Returns
        -------
        labels : ndarray of shape (n_samples,) or (n_samples, n_columns)
            Most probable label of each row, or of each row and task, or indicators of
            probabilities above 0.5.
        """
        check_is_fitted(self)
        logits, target = self._logits_and_target(X)
        return target.predictions(logits)

    def decision_function(self, X):
        """Return the logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`.

        Returns
        -------
        logits : ndarray of shape (n_samples,) or (n_samples, n_classes), or list
            Log odds of the second of two classes, or of each label; else class logits.
        """
        check_is_fitted(self)
        logits, target = self._logits_and_target(X)
        return target.decisions(logits)

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), or list of ndarray
            Columns in the order of `classes_`. Rows sum to one, unless multilabel.
        """
        check_is_fitted(self)
        logits, target = self._logits_and_target(X)
        return target.probabilities(logits)

    def predict_log_proba(self, X):
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes), or list of ndarray
            Columns in the order of `classes_`. A list of arrays for several tasks.
        """
        check_is_fitted(self)
        logits, target = self._logits_and_target(X)
        return target.log_probabilities(logits)

    def score(self, X, y, sample_weight=None):
        """Return the accuracy, or the subset accuracy for several labels per row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            True labels. Missing labels of some tasks are ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Fraction of rows without a wrong label.
        """
        check_is_fitted(self)
        return self.model_.target.accuracy(self.predict(X), y, sample_weight)

    def _attributes(self, model):
        log_odds = model.auxiliary_models.log_odds
        return {**super()._attributes(model), "log_odds_": log_odds}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = tags.target_tags.multi_output = True
        return tags
