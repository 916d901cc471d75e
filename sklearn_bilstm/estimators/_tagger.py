"""BiLSTMTagger: sequences in, a label for every token out."""

from itertools import chain
from numbers import Integral

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.estimators._base import BaseSequenceEstimator, current_model
from sklearn_bilstm.estimators._parameters import SHARED_CONSTRAINTS
from sklearn_bilstm.fitting import (
    ReaderAndTarget,
    SentenceReader,
    TokenLabelTarget,
)
from sklearn_bilstm.metrics import span_f1_score
from sklearn_bilstm.metrics._schemes import SCHEMES
from sklearn_bilstm.utils._callbacks import fit_task
from sklearn_bilstm.utils._rows import RowsOfLabels
from sklearn_bilstm.utils._sentences import check_label_rows, check_lengths
from sklearn_bilstm.utils._sklearn import (
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
)

__all__ = ["BiLSTMTagger"]

_UNSUPPORTED_PARAMETERS = {
    "convolution_layer_sizes",
    "convolution_stride",
    "pooling",
    "pretrained",
    "n_static_features",
}


class BiLSTMTagger(BaseSequenceEstimator):
    """Bidirectional LSTM-CRF sequence tagger.

    It predicts a label for each token, such as part-of-speech tags or named entities.
    The rows of X are sentences: lists of tokens. The network consists of word and
    character embeddings, one or more bidirectional recurrent layers, and a conditional
    random field over the labels (Huang et al., 2015; Ma and Hovy, 2016). The emissions
    of a linear model of token features are added to those of the network.

    X and y can be lists, NumPy arrays of objects or pandas columns. The rows of X can
    also be lists of token ids, or numeric sequences as for :class:`BiLSTMClassifier`.

    Parameters
    ----------
    input_type : {"auto", "tokens", "numeric"}, default="auto"
        Type of X. With "auto", X holds tokens if it contains strings, is sparse or of
        an integer dtype; otherwise it holds numeric sequences. Integers in an array or
        frame are ambiguous, so `fit` warns about them.

    lowercase : bool, default=True
        Whether tokens that differ only in case share a vector; their character features
        remain cased. If False, a token that was not seen in `fit` uses the vector of
        its lowercase form.

    min_df : int, default=1
        Minimum number of sentences that contain a token for it to have its own vector.

    max_features : int or None, default=None
        Maximum number of tokens with their own vector. The most frequent tokens are
        kept. None means no limit.

    embedding_dim : int, default=100
        Dimension of the token vectors. Ignored if `embedding` holds vectors.

    embedding : "svd", None, WordVectors or array of shape (n_ids, width), default="svd"
        Initial token vectors. "svd" factorises the pointwise mutual information of
        neighbouring tokens in X, and in `X_unlabelled` if `fit` is given it, by a
        truncated singular value decomposition (Levy and Goldberg, 2014). Words of
        :class:`WordVectors` are known in `predict` even if they do not occur in X;
        cased words require `lowercase=False`. If X holds ids, row i of an array is the
        vector of id i, and rows of zeros are initialised randomly. Given vectors are
        rescaled to the size of random ones. All of these are trained at a fifth of the
        learning rate. None initialises the vectors randomly.

    freeze_embedding : bool, default=False
        Whether to keep the initial token vectors fixed during training.

    character_embedding_dim : int, default=25
        Dimension of character vectors.

    n_character_filters : int, default=50
        Number of convolution filters of width three over the characters of a token.
        Their maxima are concatenated to the token vector (Ma and Hovy, 2016). 0
        disables character features; input of ids or numbers has none.

    linear_features : "auto" or None, default="auto"
        Whether to add the emissions of a linear model to those of the network. Its
        features are the form, shape, prefixes and suffixes of each token and its
        neighbours, and pairs of tokens (Ratnaparkhi, 1996). It is fitted first, as a
        linear-chain conditional random field; the network is trained with its
        cross-fitted emissions (Wolpert, 1992). "auto" uses it if X holds lists of
        strings. None disables it.

    cell : {"lstm", "gru", "rnn"}, default="lstm"
        Type of recurrent cell (Hochreiter and Schmidhuber, 1997; Cho et al., 2014;
        Elman, 1990).

    hidden_layer_sizes : int or sequence of int, default=(128,)
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

    dense_layer_sizes : int or sequence of int, default=()
        Number of ReLU units of each dense layer between the states and the output
        layer.

    crf : bool, default=True
        Whether to use a conditional random field over the labels of a sentence
        (Lafferty et al., 2001). Otherwise each label is predicted independently.

    scheme : {"auto", "BIO", "IOB1", "BIOES", "BILOU", "BMES"} or None, default="auto"
        Tagging scheme of the labels. "auto" infers it from y with
        :func:`~sklearn_bilstm.metrics.find_scheme`; None means that labels do not mark
        spans. With a scheme, `score` is the F1 score of spans, and `constrained`
        determines whether invalid label sequences are rewritten.

    constrained : bool, default=True
        Whether the CRF excludes label sequences that the scheme does not allow, in
        training and prediction. Rows of y that violate the scheme are repaired, with a
        warning that counts them: spans are extracted as in
        :func:`~sklearn_bilstm.metrics.find_spans`, so that "I-PER" after "O" starts a
        span, and written in the scheme. With `crf=False`, labels are used as they are.
        If y contains neither "O" nor, in BIOES, a label such as "S-PER", a sentence can
        be too short for all allowed sequences. Its labels then violate the scheme as
        rarely as possible.

    class_weight : dict, "balanced" or None, default=None
        Weights of the labels in the loss, 1 for labels not in the dict. "balanced"
        gives labels equal total weights. With a CRF, a weight multiplies the
        log-probability of a label given the labels before it.

    dropout : float in [0, 1), default=0.3
        Dropout probability of the inputs of recurrent layers above the first, dense
        layers and the output layer.

    embedding_dropout : float in [0, 1), default=0.3
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
        Maximum norm of the incoming weights of each unit of recurrent and dense layers,
        enforced after every step (Srivastava et al., 2014).

    max_epochs : int or "auto", default="auto"
        Number of passes over the training rows. "auto" chooses it such that training
        takes about 2,000 batches, within 4 to 40 epochs. For numeric input, the limit
        is 150 epochs, or 80 with an output per step.

    batch_size : int, default=32
        Number of rows per gradient step.

    lr : float, default=6e-3
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
        Whether to stop training when the validation score no longer improves (see
        `scoring`), and to restore the best weights. True holds out
        `validation_fraction` of the rows unless `fit` is given `X_val`. "auto" stops
        early only if `fit` is given `X_val`.

    validation_fraction : float in (0, 1), default=0.1
        Fraction of the training rows that `early_stopping=True` holds out.

    scoring : "loss" or None, default=None
        Metric of the validation rows for early stopping. None uses that of `score`: the
        F1 score of spans, or the accuracy of token labels. "loss" uses the validation
        loss, which often increases while the score still improves.

    n_iter_no_change : int, default=3
        Number of consecutive epochs without improvement after which training stops.
        With `lr_schedule="one_cycle"`, epochs before the learning rate has decreased to
        half of its maximum are not counted.

    tol : float, default=1e-4
        Minimum improvement of `scoring` that counts.

    warm_start : bool, default=False
        Whether `fit` continues from the current weights. Tokens that the first `fit`
        did not see remain unknown, and new labels raise an error.

    checkpoint : str, path-like or None, default=None
        File to which `fit` writes its state after every epoch. The same call to `fit`
        resumes from an existing file, with a bit-identical result. If it is a folder,
        each training writes its own file in it, as a search requires. Requires a
        `random_state`.

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

    classes_ : ndarray of shape (n_classes,)
        Sorted labels.

    scheme_ : {"BIO", "IOB1", "BIOES", "BILOU", "BMES"} or None
        Tagging scheme of the labels. None if they do not mark spans.

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

    n_iter_ : int
        Number of training epochs.

    history_ : list of dict
        For each epoch its number, the training loss, the final learning rate, and the
        duration in seconds; with validation rows, also their loss and "valid_accuracy",
        the fraction of correct token labels, or "valid_f1", the F1 score of spans.

    best_epoch_ : int
        Epoch of the current weights: the best one with early stopping, else the last.

    net_ : skorch.NeuralNet
        The fitted skorch net.

    module_ : torch.nn.Module
        The torch module of the net.

    See Also
    --------
    sklearn_bilstm.metrics.span_f1_score : F1 score of spans.

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

    _types = ReaderAndTarget(SentenceReader, (TokenLabelTarget,), TokenLabelTarget.fit)

    _parameter_constraints: dict = {
        **{
            name: constraint
            for name, constraint in SHARED_CONSTRAINTS.items()
            if name not in _UNSUPPORTED_PARAMETERS
        },
        "lowercase": ["boolean"],
        "min_df": [Interval(Integral, 1, None, closed="left")],
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "character_embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "n_character_filters": [Interval(Integral, 0, None, closed="left")],
        "linear_features": [StrOptions({"auto"}), None],
        "crf": ["boolean"],
        "scoring": [StrOptions({"loss"}), None],
        "scheme": [StrOptions({"auto", "IOB1", *SCHEMES}), None],
        "constrained": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(  # noqa: PLR0915 - one assignment per parameter
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
        n_character_filters=50,
        linear_features="auto",
        cell="lstm",
        hidden_layer_sizes=(128,),
        bidirectional=True,
        merge_mode="concat",
        normalization=None,
        dense_layer_sizes=(),
        crf=True,
        scheme="auto",
        constrained=True,
        class_weight=None,
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
        scoring=None,
        n_iter_no_change=3,
        tol=1e-4,
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
        self.lowercase = lowercase
        self.min_df = min_df
        self.max_features = max_features
        self.embedding_dim = embedding_dim
        self.embedding = embedding
        self.freeze_embedding = freeze_embedding
        self.character_embedding_dim = character_embedding_dim
        self.n_character_filters = n_character_filters
        self.linear_features = linear_features
        self.cell = cell
        self.hidden_layer_sizes = hidden_layer_sizes
        self.bidirectional = bidirectional
        self.merge_mode = merge_mode
        self.normalization = normalization
        self.dense_layer_sizes = dense_layer_sizes
        self.crf = crf
        self.scheme = scheme
        self.constrained = constrained
        self.class_weight = class_weight
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
        self.scoring = scoring
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
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
        """Fit the tagger.

        Ctrl-C raises a KeyboardInterrupt. The tagger then keeps the best weights of the
        completed epochs; before the first one it is unchanged.

        Parameters
        ----------
        X : sequence of sequence of str
            The tokens of each sentence. Also accepted are token ids, as a list of lists
            or as a matrix in which 0 is padding, and numeric sequences, as for
            :class:`BiLSTMClassifier`.
        y : sequence of sequence
            One label (str or int) per token. None or NaN instead of the labels of a
            sentence marks it as unlabelled, as in `X_unlabelled`; its words are part of
            the vocabulary. Single tokens with None, NaN or -100 have neither a loss nor
            a score. -1 is an ordinary label; `fit` warns if it is likely to mark
            missing labels.
        sample_weight : array-like of shape (n_samples,) or list of array, default=None
            Weights of the rows, or for each row an array with the weights of its
            tokens. Only their ratios matter. Rows of weight 0 contribute only to the
            vocabulary and to `classes_`.
        X_val : sequence of sequence of str, default=None
            Validation rows, in the format of X.
        y_val : sequence of sequence, default=None
            Labels of the validation rows. Rows with a label that is not in y are
            ignored, with a warning.
        X_unlabelled : sequence of sequence of str, default=None
            Additional rows for `embedding="svd"`. Only tokens that also occur in X have
            a vector.

        Returns
        -------
        self : BiLSTMTagger
            Fitted tagger.

        Raises
        ------
        ValueError
            If a parameter, X, y or the weights are invalid, if training diverges, if
            the `checkpoint` belongs to a different training, or if each row of `y_val`
            has a label that is not in y.
        """
        with fit_task(self, X, y, sample_weight) as task:
            self._fit(X, y, sample_weight, X_val, y_val, X_unlabelled, task)
        return self

    def predict(self, X):
        """Predict the label of each token.

        Parameters
        ----------
        X : sequence of sequence of str
            The tokens of each sentence, or rows in the format used in `fit`.

        Returns
        -------
        labels : list of list
            The most probable label sequence of each row, one label per token.
        """
        check_is_fitted(self)
        model = current_model(self)
        labels = model.labels(model.read(X))
        return RowsOfLabels(model.target.classes[codes].tolist() for codes in labels)

    def predict_proba(self, X):
        """Return the probability of each label of each token.

        With a CRF, these are the marginal probabilities.

        Parameters
        ----------
        X : sequence of sequence of str
            The tokens of each sentence, or rows in the format used in `fit`.

        Returns
        -------
        probabilities : list of ndarray of shape (n_tokens_of_row, n_classes)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        model = current_model(self)
        return model.marginals(model.read(X))

    def score(self, X, y, sample_weight=None):
        """Return the F1 score of spans, or the accuracy of token labels.

        Parameters
        ----------
        X : sequence of sequence of str
            The tokens of each sentence, or rows in the format used in `fit`.
        y : sequence of sequence
            True labels. Labels that were not seen in `fit` count as errors, and tokens
            with None, NaN or -100 do not count. If `scheme_` is not None, all labels
            must follow a tagging scheme.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            The F1 score of spans, :func:`~sklearn_bilstm.metrics.span_f1_score`, if the
            labels mark spans (see `scheme_`), else the fraction of correct token
            labels.
        """
        predicted = self.predict(X)
        y = check_label_rows(y, name=type(self).__name__, allow_missing=True)
        lengths = [len(row) for row in predicted]
        check_consistent_length(predicted, y, sample_weight)
        check_lengths(lengths, y, "y")
        if self.scheme_ is not None:
            return span_f1_score(
                y, predicted, sample_weight=sample_weight, zero_division=0.0
            )
        pairs = zip(chain(*y), chain(*predicted), strict=True)
        is_correct = [true == predicted for true, predicted in pairs]
        weight = check_sample_weight(sample_weight, y, ensure_non_negative=True)
        is_known = [label is not None for label in chain(*y)]
        weight = np.repeat(weight, lengths) * is_known
        if not weight.any():
            raise ValueError(
                "score requires at least one labelled token in a row with a positive "
                "sample_weight."
            )
        return float(np.average(is_correct, weights=weight))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.three_d_array = self.input_type != "tokens"
        return tags
