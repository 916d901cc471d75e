"""What n-grams tell: to the network, and beside it."""

from numbers import Integral

import numpy as np

from sklearn_bilstm.estimators._network import find_fitted_estimator
from sklearn_bilstm.training import ClassLogOdds, NgramLinearModel

__all__ = ["LONGEST_NGRAM", "NgramMixin"]

# Training rows by which the size of the network's logits is estimated.
_ROWS_TO_MEASURE = 2000

# A network that has learnt little is not made louder than this by a linear path.
_LARGEST_SCALE = 2.0

# linear_ngram_range="auto" includes trigrams from this many training rows per class on.
# With fewer rows, they are as often harmful as helpful.
_TRIGRAM_ROWS_A_CLASS = 1000

# More channels would be far wider than the vector of a token that they stand beside.
_MOST_CHANNELS = 200

LONGEST_NGRAM = 10


class NgramMixin:
    """Steps of an estimator that learns from n-grams of tokens too, one a method."""

    def _new_log_odds(self):
        """Return log_odds that has learnt nothing yet, or None."""
        if self.log_odds_ngram_range is None or self.input_type_ != "tokens":
            return None
        if self._reads_what_was_read_before():
            return self._log_odds_learnt_before()
        lengths = self._checked_ngrams("log_odds_ngram_range")
        n_classes = len(self.classes_)
        log_odds = ClassLogOdds(lengths, n_classes, multilabel=self.multilabel_)
        return log_odds if log_odds.n_channels <= _MOST_CHANNELS else None

    def _n_log_odds_channels(self):
        log_odds = self._new_log_odds()
        return 0 if log_odds is None else log_odds.n_channels

    def _learn_beside(self, train, valid, seed):
        self._fit_linear_model(train, seed)
        self._learn_log_odds(train)
        self._tell_rows_learnt_from(train)
        self._tell_new_rows(valid)

    def _learn_nothing_beside(self, train):
        self.linear_model_, self.network_scale_ = None, 1.0
        self._learn_log_odds(train.take(np.arange(0)))

    def _log_odds_learnt_before(self):
        """Return the log_odds of the pretrained estimator, or None."""
        if self.pretrained is None:
            return None
        return getattr(find_fitted_estimator(self.pretrained), "log_odds_", None)

    def _reads_what_was_read_before(self):
        wanted = self.log_odds_ngram_range is not None
        return wanted and self._log_odds_learnt_before() is not None

    def _learn_log_odds(self, rows):
        """Learn what n-grams tell of the class, if nothing was learnt before."""
        self.log_odds_ = self._new_log_odds()
        if self.log_odds_ is not None and not self._reads_what_was_read_before():
            columns = self._columns_of_path(self.log_odds_.lengths)
            self.log_odds_.fit(rows.sequences, rows.target, rows.weight, columns)

    def _columns_of_path(self, lengths):
        """Return the n-grams of the linear path, if they are of these lengths."""
        path = self.linear_model_
        return path.columns if path is not None and path.ngrams == lengths else None

    def _tell_rows_learnt_from(self, rows):
        if self.log_odds_ is not None:
            rows.log_odds = self.log_odds_.transform_training_rows(rows.sequences)

    def _tell_new_rows(self, rows):
        """Let rows know what all rows learnt from say of them, if there are any."""
        if rows is not None and self.log_odds_ is not None:
            rows.log_odds = self.log_odds_.transform(rows.sequences)

    def _same_module(self):
        """Copy the fitted network, if it can read the log_odds that is asked for."""
        asked_for, fitted = (
            log_odds and log_odds.lengths
            for log_odds in (self._new_log_odds(), self.log_odds_)
        )
        if asked_for != fitted:
            raise self._cannot_go_on()
        return super()._same_module()

    def _fit_linear_model(self, train, seed):
        self.linear_model_ = None
        if self.linear_ngram_range is not None and self.input_type_ == "tokens":
            ngrams, n_classes = self._wide_lengths(len(train)), len(self.classes_)
            path = NgramLinearModel(ngrams, n_classes, multilabel=self.multilabel_)
            rows = train.sequences, train.target, train.weight
            verbose = self.verbose > 0
            path.fit(*rows, seed=seed, static=train.static, verbose=verbose)
            self.linear_model_ = path if path.size_ else None

    def _wide_lengths(self, n_rows):
        """Return the lengths of the n-grams of a linear path to learn from rows."""
        if self.linear_ngram_range != "auto":
            return self._checked_ngrams("linear_ngram_range")
        enough = n_rows >= _TRIGRAM_ROWS_A_CLASS * len(self.classes_)
        return (1, 3) if enough else (1, 2)

    def _record_decisions(self, **more):
        path = self.linear_model_
        super()._record_decisions(linear_ngram_range=path and path.ngrams, **more)

    def _measure(self, train):
        """Let the network speak as loud as the linear path does on rows it never saw.

        The network is measured on rows it knows. The better it knows them, the louder
        it is on them, so that it is held back most where rows are few.
        """
        self.network_scale_ = 1.0
        if self.linear_model_ is None:
            return
        self.network_scale_ = _LARGEST_SCALE
        random_state = np.random.RandomState(self.net_.seed)
        n_rows = min(len(train), _ROWS_TO_MEASURE)
        rows = random_state.choice(len(train), n_rows, replace=False)
        logits = self.net_.logits(train.take(rows))
        if not self.multilabel_:
            logits = logits - logits.mean(1, keepdims=True)
        size = np.sqrt(np.square(logits).mean())
        if size > 0:
            self.network_scale_ = min(self.linear_model_.size_ / size, _LARGEST_SCALE)

    def _as_dataset(self, rows):
        self._tell_new_rows(rows)
        return rows

    def _logits_of_rows(self, rows):
        rows = self._as_dataset(rows)
        logits = self.net_.logits(rows)
        if self.linear_model_ is None:
            return logits
        found = self._found_by_log_odds(rows)
        wide = self.linear_model_.logits(rows.sequences, rows.static, found)
        return self._fused(logits, wide)

    def _found_by_log_odds(self, rows):
        """Return the n-grams at each step, if the linear path reads the same ones."""
        log_odds, path = self.log_odds_, self.linear_model_
        # log_odds that was learnt before has columns of its own, of whatever lengths
        same = log_odds is not None and log_odds.columns is path.columns
        return rows.log_odds.columns.values.T if same else None

    def _fused(self, logits, wide):
        """Return the mean of the logits of both, at the temperature of the path."""
        mean = (self.network_scale_ * logits + wide) / 2
        return mean / self.linear_model_.temperature_

    def _checked_ngrams(self, name):
        ngrams = getattr(self, name)
        whole = all(
            isinstance(length, Integral) and not isinstance(length, bool)
            for length in ngrams
        )
        if (
            len(ngrams) != 2
            or not whole
            or not 1 <= ngrams[0] <= ngrams[1] <= LONGEST_NGRAM
        ):
            others = "None, 'auto'" if name == "linear_ngram_range" else "None"
            raise ValueError(
                f"The {name!r} parameter of {type(self).__name__} must be {others} or "
                "a tuple (shortest, longest) of ints with 1 <= shortest <= longest <= "
                f"{LONGEST_NGRAM}. Got {ngrams!r} instead."
            )
        return tuple(map(int, ngrams))
