"""Recurrent networks in numpy, implemented from their published equations.

One row at a time and one step after the other, without batches, masks and padding.
Weights are float64 arrays under the names of torch.
"""

import numpy as np


def lstm(steps, W, U, b, d):
    """Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000)."""
    h = c = np.zeros(U.shape[1])
    for x in steps:
        i, f, g, o = np.split(W @ x + b + U @ h + d, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        yield h


def gru(steps, W, U, b, d):
    """Cho et al. (2014), with the reset gate after the product as in cuDNN."""
    h = np.zeros(U.shape[1])
    for x in steps:
        (xr, xz, xn), (hr, hz, hn) = np.split(W @ x + b, 3), np.split(U @ h + d, 3)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        h = (1 - z) * np.tanh(xn + r * hn) + z * h
        yield h


def rnn(steps, W, U, b, d):
    """Elman (1990)."""
    h = np.zeros(U.shape[1])
    for x in steps:
        h = np.tanh(W @ x + b + U @ h + d)
        yield h


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


CELLS = {"gru": gru, "lstm": lstm, "rnn": rnn}
MERGES = {
    "concat": lambda forward, backward: np.concatenate([forward, backward], -1),
    "mean": lambda forward, backward: 0.5 * forward + 0.5 * backward,
    "mul": lambda forward, backward: forward * backward,
    "sum": lambda forward, backward: forward + backward,
}


def weights_of(encoder):
    """Return copies of the weights of a RecurrentEncoder by their names."""
    return {
        name: weight.numpy().astype(np.float64)
        for name, weight in encoder.state_dict().items()
    }


def read(steps, weights, cell, merge_mode="concat"):
    """Return the states and the final state of a stack of layers for one row."""
    for index in range(len({name.split(".")[1] for name in weights})):
        steps, final = read_layer(steps, weights, f"layers.{index}.", cell, merge_mode)
    return steps, final


def read_layer(steps, weights, layer, cell, merge_mode):
    states, final = read_one_way(steps, weights, f"{layer}forward_rnn.", cell)
    if f"{layer}backward_rnn.weight_ih_l0" not in weights:
        return states, final
    backward, first = read_one_way(steps[::-1], weights, f"{layer}backward_rnn.", cell)
    merge = MERGES[merge_mode]
    return merge(states, backward[::-1]), merge(final, first)


def read_one_way(steps, weights, direction, cell):
    names = "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"
    W, U, b, d = (weights[direction + name] for name in names)
    start = np.zeros(U.shape[1])
    states = np.stack([start, *CELLS[cell](steps, W, U, b, d)])
    return states[1:], states[-1]


def central_differences(function, array, step=1e-5):
    """Return the numerical gradient of `function()` with respect to `array`."""
    found = np.empty_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + step
        above = function()
        array[place] = kept - step
        below = function()
        array[place] = kept
        found[place] = (above - below) / (2 * step)
    return found
