"""Preparation of a training: from X and y to an initialised model."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_consistent_length

from sklearn_bilstm.fitting._auxiliary_models import AuxiliaryModels
from sklearn_bilstm.fitting._builder import training_dtype
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._embedding import n_tokens
from sklearn_bilstm.fitting._fit_auxiliary_models import (
    fit_auxiliary_models,
    models_of_stream,
    pretrained_log_odds,
    unfitted_log_odds,
    unfitted_models,
)
from sklearn_bilstm.fitting._initial_network import (
    continued_network,
    copied_network,
    new_network,
)
from sklearn_bilstm.fitting._input import refuse_panel
from sklearn_bilstm.fitting._labels import relative_weights, scaled_to_mean_one
from sklearn_bilstm.fitting._model import FittedModel
from sklearn_bilstm.fitting._reader import SequenceReader
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.fitting._trainer import Training, make_net, number_of_epochs
from sklearn_bilstm.fitting._transfer import pretrained_model
from sklearn_bilstm.fitting._types import ReaderAndTarget
from sklearn_bilstm.fitting._unlabelled import (
    LabelledRows,
    labelled_rows_are_counted,
    separate_unlabelled,
    warn_of_unknown_tokens,
)
from sklearn_bilstm.sequences import MAX_ID, SequenceDataset, Sequences
from sklearn_bilstm.training import split_off_validation
from sklearn_bilstm.utils._containers import as_target
from sklearn_bilstm.utils._device import resolve_device
from sklearn_bilstm.utils._random import draw_seed, private_random_state
from sklearn_bilstm.utils._sklearn import check_sample_weight

__all__ = ["prepare_fit", "prepare_partial_fit"]


def prepare_fit(
    config: Config,
    types: ReaderAndTarget,
    previous_model: FittedModel | None,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    X_unlabelled: Any = None,
) -> Training:
    """Prepare the training of a model on X and y.

    Parameters
    ----------
    config : Config
    types : ReaderAndTarget
    previous_model : FittedModel or None
        With a warm start, the model to continue from. It is not modified.
    X, y : object
        Arguments of `fit`.
    sample_weight, X_val, y_val, X_unlabelled : object, default=None
        Arguments of `fit`.

    Returns
    -------
    training : Training

    Raises
    ------
    ValueError
        If a parameter or an argument is invalid.
    """
    _check_checkpoint(config)
    random_state = private_random_state(config.random_state)
    seeds = draw_seed(random_state), draw_seed(random_state)
    reader, target, train, valid, unlabelled = _read_arguments(
        config,
        types,
        previous_model,
        X,
        y,
        sample_weight,
        X_val,
        y_val,
        random_state,
    )
    pretrained = None
    if previous_model is None:
        pretrained = _pretrained_model(config, unlabelled, X_unlabelled)
    log_odds = pretrained_log_odds(config, previous_model, pretrained)
    auxiliary_models = unfitted_models(
        config, reader, target, train, log_odds, previous_model
    )
    sequences = _with_unlabelled(
        reader,
        train.sequences,
        unlabelled,
        X_unlabelled,
        is_used=previous_model is None and pretrained is None,
    )
    network, vectors = (
        new_network(
            config, reader, target, auxiliary_models, sequences, pretrained, seeds[0]
        )
        if previous_model is None
        else continued_network(
            config, previous_model, auxiliary_models, train.sequences, seeds[0]
        )
    )
    train, resolved = fit_auxiliary_models(
        config, auxiliary_models, train, sequences, target, vectors, seeds[0]
    )
    valid = (
        None if valid is None else _without_texts(auxiliary_models.with_features(valid))
    )
    n_epochs = number_of_epochs(
        config, len(train), reader.input_type, target.most_epochs
    )
    resolved |= {"max_epochs": n_epochs, "early_stopping": valid is not None}
    auto_params = _auto_params(config, reader, target, auxiliary_models, resolved)
    net = make_net(config, network, target, seeds[1])
    model = FittedModel(reader, target, auxiliary_models, net, auto_params)
    _grow_vocabulary(model, train)
    train_of_network, held_out = auxiliary_models.hold_out_rows(
        _without_texts(train), valid, config.n_threads
    )
    return Training(
        model,
        config,
        train_of_network,
        valid,
        n_epochs=n_epochs,
        held_out=held_out,
        refit_rows=train if len(train_of_network) < len(train) else None,
    )


def _fit_scalers(
    reader: SequenceReader,
    target: Any,
    train: SequenceDataset,
    *,
    is_stream: bool = False,
) -> None:
    reader.fit_scalers(train, is_stream=is_stream)
    target.fit_scale(train)


def _pretrained_model(config: Config, *unlabelled: Any) -> FittedModel | None:
    """Return the pretrained model if there is one, which ignores unlabelled rows."""
    model = pretrained_model(config)
    if model is not None and any(rows is not None for rows in unlabelled):
        warnings.warn(
            "Rows without a label are ignored, since the token vectors are those of "
            "the 'pretrained' classifier. To use them, set pretrained=None, or remove "
            "them to avoid this warning.",
            UserWarning,
            stacklevel=2,
        )
    return model


def prepare_partial_fit(
    config: Config,
    types: ReaderAndTarget,
    previous_model: FittedModel | None,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    classes: Any = None,
) -> Training:
    """Prepare the training of a model on a batch of a stream.

    Parameters
    ----------
    config : Config
    types : ReaderAndTarget
    previous_model : FittedModel or None
        The model to continue from, None for the first batch. It is not modified.
    X, y : object
        Arguments of `partial_fit`.
    sample_weight, classes : object, default=None
        Arguments of `partial_fit`.

    Returns
    -------
    training : Training

    Raises
    ------
    ValueError
        If a parameter or an argument is invalid.
    """
    _check_stream(config)
    reader, rows = _read(config, types, previous_model, X)
    y = _checked_y(X, rows, y, config, types)
    target = _target_of_stream(config, types, previous_model, y, classes)
    target.check_config(config)
    rows = target.with_targets(rows, y, "y")
    train = _weighted(rows, y, sample_weight, target, config)
    auxiliary_models: AuxiliaryModels
    if previous_model is None:
        # the first batch must have a positive weight
        scaled = replace(train, weight=scaled_to_mean_one(train.weight))
        _fit_scalers(reader, target, scaled, is_stream=True)
        auxiliary_models, net = _start_of_stream(config, reader, target, train)
    else:
        auxiliary_models = previous_model.auxiliary_models
        auxiliary_models.warn_of_unused_network()
        log_odds = pretrained_log_odds(config, previous_model, None)
        log_odds = unfitted_log_odds(config, reader, target, log_odds)
        network = copied_network(config, previous_model, log_odds)
        net = make_net(config, network, target, previous_model.net.seed)
        net.load_training_state(previous_model.net)
    auto_params = _auto_params(config, reader, target, auxiliary_models, {})
    model = FittedModel(reader, target, auxiliary_models, net, auto_params)
    train = auxiliary_models.with_training_features(target.scale(reader.scale(train)))
    _grow_vocabulary(model, train)
    n_epochs = 1 if len(train) else 0
    return Training(model, config, train, None, n_epochs=n_epochs, is_stream=True)


def _target_of_stream(
    config: Config,
    types: ReaderAndTarget,
    previous_model: FittedModel | None,
    y: Any,
    classes: Any,
) -> Any:
    """Return the target for a batch of a stream."""
    previous = None if previous_model is None else previous_model.target
    if types.fit_target_of_stream is not None:
        return types.fit_target_of_stream(y, classes, previous)
    return types.fit_target(y, config) if previous is None else previous


def _start_of_stream(
    config: Config, reader: SequenceReader, target: Any, train: SequenceDataset
) -> tuple[AuxiliaryModels, Any]:
    """Return empty models and a new net, for the first batch of a stream."""
    random_state = private_random_state(config.random_state)
    seeds = draw_seed(random_state), draw_seed(random_state)
    pretrained = pretrained_model(config)
    log_odds = pretrained_log_odds(config, None, pretrained)
    auxiliary_models = models_of_stream(config, reader, target, train, log_odds)
    network, _ = new_network(
        config, reader, target, auxiliary_models, train.sequences, pretrained, seeds[0]
    )
    return auxiliary_models, make_net(config, network, target, seeds[1])


def _check_stream(config: Config) -> None:
    given = config.class_weight
    if "balanced" in (given if isinstance(given, list | tuple) else [given]):
        raise ValueError(
            "class_weight='balanced' is not supported by partial_fit: pass a dict."
        )


def _check_checkpoint(config: Config) -> None:
    if config.checkpoint is not None and config.random_state is None:
        raise ValueError(
            "The 'checkpoint' parameter requires a 'random_state', such as 0: without "
            "a fixed seed, a second fit cannot resume this training."
        )


# -- rows


class _Arguments(NamedTuple):
    """Arguments of `fit`, as training reads them.

    Parameters
    ----------
    reader : SequenceReader
    target : Target
    train : SequenceDataset
        Standardised and weighted training rows.
    valid : SequenceDataset or None
        Standardised validation rows.
    unlabelled : SequenceDataset or None
        Rows of X without a label.
    """

    reader: SequenceReader
    target: Any
    train: SequenceDataset
    valid: SequenceDataset | None
    unlabelled: SequenceDataset | None


def _read_arguments(
    config: Config,
    types: ReaderAndTarget,
    previous_model: FittedModel | None,
    X: Any,
    y: Any,
    sample_weight: Any,
    X_val: Any,
    y_val: Any,
    random_state: np.random.RandomState,
) -> _Arguments:
    """Validate X, y and their weights, and split off validation rows."""
    reader, rows = _read(config, types, previous_model, X)
    rows, y, sample_weight, unlabelled = _labelled(
        config, types, reader, X, rows, y, sample_weight
    )
    target: Any = (
        types.fit_target(y, config) if previous_model is None else previous_model.target
    )
    target.check_config(config)
    rows = _with_targets(rows, y, target, unlabelled)
    rows = _weighted(rows, y, sample_weight, target, config, scale=relative_weights)
    rows.weight = scaled_to_mean_one(rows.weight)
    train, valid = _split(
        config, types, reader, target, rows, X_val, y_val, random_state
    )
    if previous_model is None:
        _fit_scalers(reader, target, train)
    train, valid = (_scaled(reader, target, part) for part in (train, valid))
    return _Arguments(reader, target, train, valid, unlabelled)


def _read(
    config: Config, types: ReaderAndTarget, previous_model: FittedModel | None, X: Any
) -> tuple[SequenceReader, SequenceDataset]:
    if previous_model is not None:
        return previous_model.reader.extend(X, config)
    reader = types.reader(config.estimator)
    return reader, reader.fit(X, config)


def _labelled(
    config: Config,
    types: ReaderAndTarget,
    reader: SequenceReader,
    X: Any,
    rows: SequenceDataset,
    y: Any,
    sample_weight: Any,
) -> LabelledRows:
    """Return the rows with a label, and their validated y."""
    labelled = separate_unlabelled(rows, y, sample_weight, reader.input_type)
    rows, y, sample_weight, unlabelled = labelled
    with labelled_rows_are_counted(unlabelled):
        y = _checked_y(X, rows, y, config, types)
    return LabelledRows(rows, y, sample_weight, unlabelled)


def _checked_y(
    X: Any, rows: SequenceDataset, y: Any, config: Config, types: ReaderAndTarget
) -> Any:
    y = types.check_y(y, config)
    try:
        check_consistent_length(rows.sequences, y)
    except ValueError:
        refuse_panel(X)
        raise
    return y


def _with_targets(
    rows: SequenceDataset, y: Any, target: Target, unlabelled: SequenceDataset | None
) -> SequenceDataset:
    with labelled_rows_are_counted(unlabelled):
        return target.with_targets(rows, y, "y")


def _weighted(
    rows: SequenceDataset,
    y: Any,
    sample_weight: Any,
    target: Target,
    config: Config,
    scale: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> SequenceDataset:
    """Return rows with their weights, without those of weight 0.

    `scale` is applied to the weights and to each factor. A stream keeps their size.
    """
    sample_weight = as_target(sample_weight, name="sample_weight")
    rows, sample_weight = target.with_step_weights(rows, sample_weight, config)
    weight = check_sample_weight(
        sample_weight, y, dtype=np.float64, ensure_non_negative=True
    )
    weight = scale(weight)
    factors = scale(target.row_weights(rows.target, weight, config))
    weight = scale((weight * factors.T).T)  # several tasks have a factor each
    is_used = weight.reshape(len(weight), -1).any(1)  # by some task
    return replace(rows, weight=weight).take(np.flatnonzero(is_used))


def _scaled(
    reader: SequenceReader, target: Target, rows: SequenceDataset | None
) -> Any:
    """Return rows with standardised numbers and targets."""
    return None if rows is None else target.scale(reader.scale(rows))


def _without_texts(rows: SequenceDataset) -> SequenceDataset:
    """Return rows as the network reads them."""
    return replace(rows, texts=None)


def _split(
    config: Config,
    types: ReaderAndTarget,
    reader: SequenceReader,
    target: Target,
    rows: SequenceDataset,
    X_val: Any,
    y_val: Any,
    random_state: np.random.RandomState,
) -> tuple[SequenceDataset, SequenceDataset | None]:
    """Return training rows, and validation rows or None."""
    if (X_val is None) != (y_val is None):
        missing = "X_val" if X_val is None else "y_val"
        raise ValueError(f"X_val and y_val must be passed together: {missing} is None.")
    if X_val is not None:
        return rows, _validation_rows(config, types, reader, target, X_val, y_val)
    if config.early_stopping in (False, "auto"):
        return rows, None
    train, valid = split_off_validation(
        len(rows), target.strata(rows.target), config.validation_fraction, random_state
    )
    return rows.take(train), rows.take(valid)


def _validation_rows(
    config: Config,
    types: ReaderAndTarget,
    reader: SequenceReader,
    target: Target,
    X_val: Any,
    y_val: Any,
) -> SequenceDataset:
    rows = reader.read_extra(X_val, "X_val")
    y_val = types.check_y(y_val, config)
    if len(y_val) != len(rows):
        raise ValueError(
            f"y_val must hold one target per row of X_val: got {len(y_val)} targets "
            f"for {len(rows)} rows."
        )
    rows = target.with_targets(rows, y_val, "y_val")
    rows, _ = target.with_step_weights(rows, None, config)
    weight = target.row_weights(rows.target, np.ones(len(rows)), config)
    return replace(rows, weight=scaled_to_mean_one(weight))


def _with_unlabelled(
    reader: SequenceReader,
    sequences: Sequences,
    unlabelled: SequenceDataset | None,
    X_unlabelled: Any,
    *,
    is_used: bool,
) -> Sequences:
    """Return the sequences of training rows, followed by those without a label.

    A network that is trained already does not use the latter.
    """
    parts = [] if unlabelled is None else [unlabelled.sequences]
    if X_unlabelled is not None:
        if reader.input_type != "tokens":
            raise ValueError(
                "X_unlabelled requires token input: do not pass it for numbers."
            )
        rows = reader.read_extra(X_unlabelled, "X_unlabelled", max_id=MAX_ID)
        parts.append(rows.sequences)
    joined = sequences
    for part in parts if is_used else []:
        if reader.words is None:  # a tagger has no vectorizer
            warn_of_unknown_tokens(sequences, part)
        joined = joined.joined(part)
    return joined


# -- the model


def _grow_vocabulary(model: FittedModel, train: SequenceDataset) -> None:
    """Add vectors for the new token ids of training rows."""
    if model.reader.input_type == "tokens":
        model.net.grow_vocabulary(n_tokens(train.sequences))


def _auto_params(
    config: Config,
    reader: SequenceReader,
    target: Target,
    auxiliary_models: AuxiliaryModels,
    resolved: dict[str, Any],
) -> dict[str, Any]:
    """Return the values of parameters set to "auto", and print them if verbose."""
    dtype = training_dtype(config, reader.input_type)
    resolved = {
        "device": resolve_device(config.device),
        "input_type": reader.input_type,
        "n_static_features": reader.n_static,
        "precision": str(dtype).removeprefix("torch."),
        **auxiliary_models.auto_params(),
        **target.auto_params(),
        **resolved,
    }
    auto_params = {
        name: value
        for name, value in sorted(resolved.items())
        if getattr(config, name, "auto") == "auto"  # pseudo-labels are no parameter
    }
    if config.verbose:
        shown = [f"{name}={value!r}" for name, value in auto_params.items()]
        print("auto:", ", ".join(shown) or "nothing", flush=True)  # noqa: T201, verbose=1
    return auto_params
