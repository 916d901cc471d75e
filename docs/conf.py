"""How Sphinx builds the documentation: `sphinx-build -W docs build/docs`."""

import sklearn_bilstm
from sklearn_bilstm.utils._documentation import DOCUMENTATION

project = "sklearn_bilstm"
author = "The sklearn_bilstm developers"
release = sklearn_bilstm.__version__
html_baseurl = DOCUMENTATION
html_theme = "furo"
html_title = f"{project} {release}"

root_doc = "contents"
templates_path = ["_templates"]
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autosummary"]
# The guide links to files of the repository too, which are no pages of the site, and
# methods of scikit-learn to its own pages.
suppress_warnings = ["myst.xref_missing", "ref.ref", "ref.term"]

autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # they follow in full
# links from a notebook look for the very words of a docstring
smartquotes = False
