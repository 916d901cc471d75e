"""Detection of sparse matrices without an import of SciPy."""

import sys
from typing import Any

__all__ = ["is_sparse"]


def is_sparse(X: Any) -> bool:
    """Return whether X is a sparse array or matrix of SciPy.

    If SciPy is not imported, there is none.
    """
    # without the function while another thread imports the module
    issparse = getattr(sys.modules.get("scipy.sparse"), "issparse", None)
    return issparse is not None and issparse(X)
