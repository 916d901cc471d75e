"""Where the documentation is, for the links in the HTML view of an estimator."""

__all__ = ["DOCUMENTATION", "DocumentedMixin"]

DOCUMENTATION = "https://sklearn-bilstm.readthedocs.io/en/stable/"


class DocumentedMixin:
    """Tell scikit-learn that an estimator has a page of its own in our documentation.

    The estimator must be importable from `sklearn_bilstm`.
    """

    _doc_link_module = "sklearn_bilstm"
    _doc_link_template = DOCUMENTATION + "api/sklearn_bilstm.{estimator_name}.html"
