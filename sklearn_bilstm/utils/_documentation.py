"""Links to the documentation in the HTML view of an estimator."""

__all__ = ["DOCUMENTATION", "PAGE_OF_ESTIMATOR"]

DOCUMENTATION = "https://sklearn-bilstm.readthedocs.io/en/stable/"

# scikit-learn links an estimator to this page, if its `_doc_link_module` is
# "sklearn_bilstm" and this is its `_doc_link_template`.
PAGE_OF_ESTIMATOR = DOCUMENTATION + "api/sklearn_bilstm.{estimator_name}.html"
