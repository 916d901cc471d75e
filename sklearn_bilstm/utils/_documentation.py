"""Links to the documentation in the HTML view of an estimator."""

__all__ = ["DOCUMENTATION", "DocumentedMixin"]

DOCUMENTATION = "https://sklearn-bilstm.readthedocs.io/en/stable/"


class DocumentedMixin:
    """Make scikit-learn link an estimator to its page in our documentation.

    The estimator must be importable from `sklearn_bilstm`.
    """

    _doc_link_module = "sklearn_bilstm"
    _doc_link_template = DOCUMENTATION + "api/sklearn_bilstm.{estimator_name}.html"
