"""Conversion of skorch nets to plain values, and back."""

from typing import Any

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn import (
    CRF,
    POOLINGS,
    CharacterEncoder,
    Convolutions,
    DenseHead,
    IndependentLabels,
    Network,
    NumericInput,
    RecurrentEncoder,
    SequenceModel,
    StepModel,
    TaggingModel,
    TokenInput,
)
from sklearn_bilstm.training import (
    OPTIMIZERS,
    SequenceNet,
    WeightedBinaryCrossEntropy,
    WeightedCrossEntropy,
    WeightedRegressionLoss,
    WeightedStepRegressionLoss,
    WeightedTaggingLoss,
    WeightedTasksCrossEntropy,
)
from sklearn_bilstm.utils._random import seeded_generator
from sklearn_bilstm.utils._state import state_int

__all__ = ["net_from_state", "net_state"]

# Classes of the layers of a network, by attribute.
_LAYER_CLASSES: dict[str, list] = {
    "input_layer": [TokenInput, NumericInput],
    "convolutions": [Convolutions],
    "encoder": [RecurrentEncoder],
    "pooling": [*POOLINGS.values()],
    "head": [DenseHead],
    "characters": [CharacterEncoder],
    "decoder": [CRF, IndependentLabels],
}
_LAYERS_BY_NAME = {
    role: {layer.__name__: layer for layer in layers}
    for role, layers in _LAYER_CLASSES.items()
}
_CRITERIA = {
    criterion.__name__: criterion
    for criterion in (
        WeightedBinaryCrossEntropy,
        WeightedCrossEntropy,
        WeightedTaggingLoss,
        WeightedTasksCrossEntropy,
        WeightedRegressionLoss,
        WeightedStepRegressionLoss,
    )
}
_ARGUMENTS = ("batch_size", "lr", "n_threads", "seed")
_ARGUMENT_PREFIXES = (
    "criterion__",
    "iterator_train__",
    "iterator_valid__",
    "optimizer__",
)


def net_state(net: SequenceNet) -> dict[str, Any]:
    """Return the plain values from which a net can be restored.

    They include the state of the optimizer, but not the callbacks.
    """
    module, optimizer_state = net.module_, net.optimizer_.state
    return {
        "parts": {
            role: [type(layer).__name__, layer.config]
            for role, layer in module.named_children()
        },
        "weights": dict(module.state_dict()),
        "criterion": net.criterion.__name__,
        "optimizer": _name_of_optimizer(net),
        "arguments": {k: v for k, v in vars(net).items() if _is_argument(k)},
        "memory": {
            name: dict(optimizer_state[weight])
            for name, weight in module.named_parameters()
            if optimizer_state.get(weight)  # not of frozen weights
        },
        "n_steps": net.n_steps_,
        "history": [{**epoch, "batches": []} for epoch in net.history],
    }


def net_from_state(state: dict[str, Any], device: str) -> SequenceNet:
    """Restore a net on a device from the values that :func:`net_state` returned.

    Raises
    ------
    LookupError, RuntimeError, TypeError, ValueError
        If the values were not returned by that function.
    """
    if not all(map(_is_argument, state["arguments"])):
        raise ValueError(f"A net has no arguments {sorted(state['arguments'])!r:.200}.")
    net = SequenceNet(
        _restored_module(state["parts"], state["weights"]),
        criterion=_CRITERIA[state["criterion"]],
        optimizer=OPTIMIZERS[state["optimizer"]],
        device=device,
        train_split=None,
        verbose=0,
        **state["arguments"],
    ).initialize()
    seeded_generator(net.seed)  # raises an error for an invalid seed
    net.n_steps_ = state_int(state["n_steps"], "n_steps", most=2**63)
    net.history.extend(map(_checked_epoch, state["history"]))
    weights = dict(net.module_.named_parameters())
    optimizer_state = state["memory"]
    example = net.example_of_optimizer_state() if optimizer_state else {}
    for name, state_of_weight in optimizer_state.items():
        net.optimizer_.state[weights[name]] = _checked_optimizer_state(
            state_of_weight, weights[name], example
        )
    return net


def _checked_optimizer_state(
    state: dict[str, Any], weight: nn.Parameter, example: dict[str, Any]
) -> dict[str, Any]:
    """Return the state of the optimizer for a weight, on its device."""
    if state.keys() != example.keys():
        raise ValueError("The optimizer has another state.")
    return {key: _on_device_of(weight, state[key], example[key]) for key in example}


def _on_device_of(weight: nn.Parameter, value: Any, example: Any) -> Any:
    if not isinstance(example, Tensor):
        if type(value) is not type(example):
            raise TypeError(f"The state of the optimizer must not hold {value!r:.80}.")
        return value
    shape = weight.shape if example.ndim else ()
    if not isinstance(value, Tensor) or (value.shape, value.dtype) != (
        shape,
        example.dtype,
    ):
        raise ValueError("The state of the optimizer does not match the weights.")
    if value.isnan().any():  # squares of large gradients can be infinite
        raise ValueError("The state of the optimizer must not contain NaN.")
    return value.to(weight.device)


def _checked_epoch(epoch: dict[str, Any]) -> dict[str, Any]:
    """Return an epoch of the history, whose losses later training compares."""
    if not isinstance(epoch, dict):
        raise TypeError("The history must hold a dict for each epoch.")
    losses = [epoch[name] for name in epoch if name in ("train_loss", "valid_loss")]
    if not all(isinstance(loss, float) for loss in losses):
        raise ValueError(f"The losses of an epoch must be floats: got {losses!r:.80}.")
    return epoch


def _restored_module(layers: dict[str, list], weights: dict[str, Tensor]) -> Network:
    network: type[Network] = SequenceModel if "pooling" in layers else StepModel
    if "decoder" in layers:
        network = TaggingModel
    n_layers = sum(
        len(config.get("hidden_layer_sizes", ())) for _, config in layers.values()
    )
    if n_layers > len(weights):  # creating them would take long
        raise ValueError("There are more layers than weights.")
    # on the meta device until the size is known to match that of the weights
    with torch.device("meta"):
        module = network(
            **{
                role: _LAYERS_BY_NAME[role][name](**config)
                for role, (name, config) in layers.items()
            }
        )
    if not all(weight.numel() for weight in weights.values()):
        raise ValueError("Weights must not be empty.")
    needed, given = _shapes(module.state_dict()), _shapes(weights)
    if needed != given:
        wrong = sorted(dict(needed.items() ^ given.items()))
        raise ValueError(f"Weights do not fit the network: {wrong!r:.200}.")
    module.to_empty(device="cpu")
    module.load_state_dict(weights)
    return module


def _shapes(weights: dict[str, Tensor]) -> dict[str, tuple]:
    return {name: (weight.shape, weight.dtype) for name, weight in weights.items()}


def _name_of_optimizer(net: SequenceNet) -> str:
    return next(name for name, kind in OPTIMIZERS.items() if kind is net.optimizer)


def _is_argument(name: str) -> bool:
    return name in _ARGUMENTS or name.startswith(_ARGUMENT_PREFIXES)
