"""Torch modules of the networks: from token ids or numbers to logits.

Comments state the shape of the tensor that a line creates, in these letters:

=======  ==================================================================
B        rows of a batch
T        time steps, as many as the longest row of the batch has
L        characters of a token
C        channels of a numeric sequence
E        size of the vector of a step, the input size of the next layer
H        size of the states of a recurrent layer, after merging the directions
S        static features of a sequence
P        size of a pooled sequence or the state of a step, with static features
K        outputs, one logit each; or labels of a step
=======  ==================================================================

Functions with a dimension T take a `mask` of shape (B, T), true on real steps. Rows are
padded at the end. Modules that draw random numbers take a `generator`.
"""

from sklearn_bilstm.nn._cell import CELLS
from sklearn_bilstm.nn._characters import CharacterEncoder
from sklearn_bilstm.nn._convolution import Convolutions
from sklearn_bilstm.nn._crf import CRF
from sklearn_bilstm.nn._decoder import IndependentLabels
from sklearn_bilstm.nn._dropout import Dropout, LockedDropout, WordDropout
from sklearn_bilstm.nn._encoder import RecurrentEncoder, RecurrentLayer
from sklearn_bilstm.nn._head import DenseHead
from sklearn_bilstm.nn._input import NumericInput, TokenInput
from sklearn_bilstm.nn._merge import MERGES
from sklearn_bilstm.nn._model import SequenceModel
from sklearn_bilstm.nn._network import Network
from sklearn_bilstm.nn._normalization import NORMALIZATIONS
from sklearn_bilstm.nn._pooling import (
    POOLINGS,
    AttentionPooling,
    LastPooling,
    MaxMeanPooling,
    MaxPooling,
    MeanPooling,
)
from sklearn_bilstm.nn._projection import Projection, ProjectionBatchSizes
from sklearn_bilstm.nn._steps import StepModel
from sklearn_bilstm.nn._tagging import TaggingModel

__all__ = [
    "CELLS",
    "CRF",
    "MERGES",
    "NORMALIZATIONS",
    "POOLINGS",
    "AttentionPooling",
    "CharacterEncoder",
    "Convolutions",
    "DenseHead",
    "Dropout",
    "IndependentLabels",
    "LastPooling",
    "LockedDropout",
    "MaxMeanPooling",
    "MaxPooling",
    "MeanPooling",
    "Network",
    "NumericInput",
    "Projection",
    "ProjectionBatchSizes",
    "RecurrentEncoder",
    "RecurrentLayer",
    "SequenceModel",
    "StepModel",
    "TaggingModel",
    "TokenInput",
    "WordDropout",
]
