"""One fit over the processes of a torch.distributed group."""

import os
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._model import FittedModel
from sklearn_bilstm.fitting._trainer import Training, make_net
from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.utils._agreement import check_agreement
from sklearn_bilstm.utils._joining import joined_rows
from sklearn_bilstm.utils._process_group import ProcessGroup
from sklearn_bilstm.utils._sklearn import num_samples

__all__ = ["train_together"]

# Arguments with as many items as each other.
_PAIRS = [("X", "y"), ("X", "sample_weight"), ("X_val", "y_val")]


class _Plan(NamedTuple):
    """What a process needs to take part in a training.

    Parameters
    ----------
    network : torch.nn.Module
        The network before training, on the CPU.
    target : Target
        Provides the loss.
    train : SequenceDataset
    valid : SequenceDataset or None
    seed : int
    n_epochs : int
    is_stream : bool
    n_cores : int
        Number of cores that the number of shards depends on.
    """

    network: Any
    target: Any
    train: SequenceDataset
    valid: SequenceDataset | None
    seed: int
    n_epochs: int
    is_stream: bool
    n_cores: int


def train_together(
    group: ProcessGroup,
    config: Config,
    facts: dict[str, str],
    rows: dict[str, Any],
    prepare: Callable[[dict[str, Any]], Training],
    run: Callable[[Training], None],
    publish: Callable[[FittedModel], Any],
) -> None:
    """Train a model on the rows of all processes.

    The first process joins the rows and prepares the training, as if it were the only
    one. Each process then holds all standardised rows, and the processes share the
    shards of each batch. Finally, the first process sends the model.

    Parameters
    ----------
    group : ProcessGroup
    config : Config
    facts : dict of str
        What must be equal in all processes, as for :func:`check_agreement`.
    rows : dict
        Arguments of `fit` of this process by name.
    prepare : callable
        Returns a training for the arguments of all processes.
    run : callable
        Runs a training in the first process, and publishes its model.
    publish : callable
        Called with the model in the other processes.

    Raises
    ------
    LostProcessError, StoppedProcessError
        If another process is lost, fails or is interrupted.
    ValueError
        If processes disagree, or an argument is invalid.
    """
    with group.sharing_failures():
        check_agreement(group, facts)
        if group.is_first:
            _lead(group, config, rows, prepare, run)
        else:
            _follow(group, config, rows, publish)


def _lead(
    group: ProcessGroup,
    config: Config,
    rows: dict[str, Any],
    prepare: Callable[[dict[str, Any]], Training],
    run: Callable[[Training], None],
) -> None:
    parts = group.gather(rows)
    prepared: list[Training] = []
    group.from_first(lambda: prepared.append(prepare(_joined(parts))))
    training = prepared.pop()
    training.on_start = lambda started: _send(group, started)
    run(training)
    group.broadcast(None)  # no more plans
    group.broadcast((training.published, config.random_state), is_last=True)


def _follow(
    group: ProcessGroup,
    config: Config,
    rows: dict[str, Any],
    publish: Callable[[FittedModel], Any],
) -> None:
    group.gather(rows)
    group.from_first(lambda: None)
    plan: Any = group.broadcast(None)
    while plan is not None:
        _take_part(group, config, plan)
        plan = group.broadcast(None)
    received: Any = group.broadcast(None, is_last=True)
    model, random_state = received
    publish(model)
    if isinstance(config.random_state, np.random.RandomState):
        config.random_state.set_state(random_state.get_state())


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    for rank, rows in enumerate(parts):
        names = {name for part in parts for name in part if part[name] is not None}
        _check_lengths({name: rows[name] for name in rows if name in names}, rank)
    return {
        name: joined_rows([part[name] for part in parts], name) for name in parts[0]
    }


def _check_lengths(rows: dict[str, Any], rank: int) -> None:
    """Raise an error if the rows of a process have other numbers of labels."""
    lengths = {
        name: 0 if value is None else num_samples(value) for name, value in rows.items()
    }
    for X, y in _PAIRS:
        if X in rows and y in rows and lengths[X] != lengths[y]:
            raise ValueError(
                f"{y} must have one item per row of {X} in each process: got "
                f"{lengths[y]} items for {lengths[X]} rows in process {rank}."
            )


def _send(group: ProcessGroup, training: Training) -> None:
    """Send a training to the other processes before it starts."""
    model, net = training.model, training.model.net
    on_cpu = torch.device(net.device).type == "cpu"
    n_cores = max(os.cpu_count() or 1, group.size)
    plan = _Plan(
        network=model.network if on_cpu else deepcopy(model.network).cpu(),
        target=model.target,
        train=training.train,
        valid=training.valid,
        seed=net.seed,
        n_epochs=training.n_epochs,
        is_stream=training.is_stream,
        n_cores=n_cores,
    )
    group.broadcast(plan)
    net.join_group(group, n_cores)


def _take_part(group: ProcessGroup, config: Config, plan: _Plan) -> None:
    """Train a copy of the network in step with the first process."""
    net = make_net(config, plan.network, plan.target, plan.seed)
    net.join_group(group, plan.n_cores)
    reader: Any = None  # only the first process has one
    model = FittedModel(reader, plan.target, None, net, {})
    training = Training(
        model,
        config,
        plan.train,
        plan.valid,
        n_epochs=plan.n_epochs,
        is_stream=plan.is_stream,
    )
    training.follow()
