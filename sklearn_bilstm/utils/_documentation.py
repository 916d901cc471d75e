"""Links to the documentation in the HTML view of an estimator."""

__all__ = ["DOCUMENTATION", "PAGE_OF_ESTIMATOR"]

DOCUMENTATION = "https://sklearn-bilstm.readthedocs.io/en/stable/"

# Value of `_doc_link_template`. scikit-learn requires that `_doc_link_module` is
# "sklearn_bilstm".
PAGE_OF_ESTIMATOR = DOCUMENTATION + "api/sklearn_bilstm.{estimator_name}.html"
