"""How Sphinx builds the documentation: `sphinx-build -W docs build/docs`."""

import re
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

import sklearn_bilstm
from sklearn_bilstm.utils._documentation import DOCUMENTATION

project = "sklearn_bilstm"
author = "The sklearn_bilstm developers"
release = sklearn_bilstm.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
default_role = "literal"
# links from a notebook look for the very words of a docstring
smartquotes = False
# inherited docstrings refer to pages of scikit-learn
suppress_warnings = ["ref.ref", "ref.term"]

html_theme = "furo"
pygments_dark_style = "monokai"
html_title = f"{project} {release}"
html_baseurl = DOCUMENTATION
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["llms.txt"]
html_copy_source = False
html_show_copyright = False

autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # they follow in full
myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_heading_anchors = 3
copybutton_exclude = ".linenos, .gp, .go"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "within_subsection_order": ExplicitOrder(
        [
            "app.py",
            "plot_quickstart.py",
            "plot_explaining.py",
            "plot_few_rows.py",
            "plot_unlabelled.py",
            "plot_search.py",
            "plot_tabular_text.py",
            "plot_tabular_with_numbers.py",
            "plot_multilabel.py",
            "plot_regression.py",
            "plot_tagging.py",
            "plot_time_series.py",
            "plot_forecasting.py",
            "plot_word_vectors.py",
            "plot_fine_tuning.py",
            "plot_training_curves.py",
            "plot_calibration.py",
            "plot_serving.py",
            "imdb_sentiment.py",
        ]
    ),
    "filename_pattern": r"/plot_",
    "capture_repr": ("_repr_html_",),
    "doc_module": ("sklearn_bilstm",),
    "reference_url": {"sklearn_bilstm": None},
    "backreferences_dir": "auto_examples/backreferences",
    "default_thumb_file": str(Path(__file__).parent / "_static" / "explanation.png"),
    "remove_config_comments": True,
    "show_signature": False,
}

# Where the site has what files of the repository link to.
SITE_LINKS = {
    r"\]\(\.\./examples/(plot_\w+)\.py": r"](auto_examples/\1.rst",
    r"\]\(\.\./examples/README\.md": "](auto_examples/index.rst",
    r"\]\(\.\./examples/serving/README\.rst": "](auto_examples/serving/index.rst",
    r"\]\(\.\./benchmarks/README\.md": "](benchmarks.md",
    r"\]\(\.\./SECURITY\.md": "](security.md",
    r"\]\(\.\./docs/": "](",
}
INCLUDE = re.compile(r"^```\{include\} (\S+)\n```$", re.MULTILINE)


def prepare_page(app, docname, source):
    """Include files of the repository, and make links lead to pages of the site."""
    if docname.startswith(("api/", "auto_examples/")):
        return

    def included(match):
        path = Path(app.srcdir, match[1]).resolve()
        app.env.note_dependency(path)
        return path.read_text(encoding="utf-8")

    source[0] = INCLUDE.sub(included, source[0])
    for link, target in SITE_LINKS.items():
        source[0] = re.sub(link, target, source[0])


def setup(app):
    """Register what Sphinx calls."""
    app.connect("source-read", prepare_page)
