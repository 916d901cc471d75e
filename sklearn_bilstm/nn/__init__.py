"""Torch modules: ids or numbers in, logits out.

Shapes are written behind the line that makes them, in these letters:

=======  ==================================================================
B        rows of a batch
T        time steps, as many as the longest row of the batch has
L        characters of a token
C        channels of a numeric sequence
E        width of an embedded step, what the first recurrent layer reads
H        width of the states a recurrent layer gives, both directions merged
S        numbers beside a sequence
P        width of a pooled sequence, with the numbers beside it
K        outputs, one logit each; or labels of a step
=======  ==================================================================

Whoever sees T takes `mask`, of shape (B, T), true on real steps. Rows are filled up
at their end. Modules that draw random numbers take the `generator` to draw from.
"""

from sklearn_bilstm.nn._augmentation import Augmentation
from sklearn_bilstm.nn._cell import CELLS
from sklearn_bilstm.nn._characters import CharacterEncoder
from sklearn_bilstm.nn._crf import CRF
from sklearn_bilstm.nn._dropout import Dropout, LockedDropout, WordDropout
from sklearn_bilstm.nn._encoder import RecurrentEncoder, RecurrentLayer
from sklearn_bilstm.nn._head import DenseHead
from sklearn_bilstm.nn._input import NumericInput, TokenInput
from sklearn_bilstm.nn._labelling import IndependentLabels
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
from sklearn_bilstm.nn._projection import Projection, RowsToLookUp
from sklearn_bilstm.nn._tagging import TaggingModel

__all__ = [
    "CELLS",
    "CRF",
    "MERGES",
    "NORMALIZATIONS",
    "POOLINGS",
    "AttentionPooling",
    "Augmentation",
    "CharacterEncoder",
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
    "RecurrentEncoder",
    "RecurrentLayer",
    "RowsToLookUp",
    "SequenceModel",
    "TaggingModel",
    "TokenInput",
    "WordDropout",
]
