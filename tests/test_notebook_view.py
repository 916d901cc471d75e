"""HTML representation of estimators in notebooks."""

import html
import re
from importlib.metadata import version
from urllib.parse import unquote

import pytest
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_bilstm import BiLSTMClassifier, BiLSTMRegressor, TextVectorizer
from sklearn_bilstm.utils._documentation import DOCUMENTATION
from tests.helpers import small_classifier, small_pipeline

SKLEARN = tuple(map(int, version("scikit-learn").split(".")[:2]))
shows_tables = pytest.mark.skipif(
    SKLEARN < (1, 9), reason="scikit-learn shows attributes from 1.9 on"
)
FRAGMENT = re.compile(r'href="([^"#]+)#:~:text=(\w+),-([^"]+)"')


@pytest.fixture(scope="module")
def large_pipeline():
    """A pipeline of many words, n-grams and epochs."""
    words = CountVectorizer().build_analyzer()(" ".join(map(str, range(100, 3100))))
    texts = [" ".join(words[start::40]) for start in range(40)]
    return small_pipeline(max_epochs=60).fit(texts, ["a", "b"] * 20)


def view_of(model):
    return html.unescape(model._repr_html_())


@pytest.mark.parametrize("cls", [BiLSTMClassifier, BiLSTMRegressor, TextVectorizer])
def test_estimator_links_to_its_api_page(cls):
    page = f"{DOCUMENTATION}api/sklearn_bilstm.{cls.__name__}.html"
    assert f'href="{page}"' in view_of(cls())


@shows_tables
def test_parameters_and_attributes_link_to_their_descriptions(large_pipeline):
    links = FRAGMENT.findall(view_of(large_pipeline))
    for step in large_pipeline:
        page = f"{DOCUMENTATION}api/sklearn_bilstm.{type(step).__name__}.html"
        linked = {name: kind for link, name, kind in links if link == page}
        fitted = {name for name in vars(step) if re.fullmatch(r"[a-z].*_", name)}
        assert linked.keys() >= step.get_params().keys() | fitted
        docstring = type(step).__doc__.replace("`", "")
        for name, kind in linked.items():
            # the text fragment of a link must match a single line of the page
            assert f"    {name} : {unquote(kind)}\n" in docstring


@shows_tables
def test_fitted_attributes_are_short(large_pipeline):
    rows = re.findall(
        r'fitted-att-type">(.*?)</td>\s*<td>(.*?)</td>', view_of(large_pipeline), re.S
    )
    shown = dict(rows)
    assert re.fullmatch(r"ClassLogOdds\(\d,\d{3} n-grams\)", shown["ClassLogOdds"])
    assert re.fullmatch(r"LinearModel\(\d,\d{3}\)", shown["LinearModel"])
    assert shown["SequenceNet"] == "SequenceNet(device='cpu')"
    assert re.fullmatch(r"SequenceModel\.\.\. +2\d,\d{3}", shown["SequenceModel"])
    assert max(len(value) for _, value in rows) < 700


def test_html_representation_is_small(large_pipeline):
    assert len(view_of(large_pipeline)) < 130_000


def test_repr_shows_changed_parameters_as_in_scikit_learn():
    assert repr(BiLSTMClassifier(lr=0.1)) == "BiLSTMClassifier(lr=0.1)"
    assert repr(TextVectorizer()) == "TextVectorizer()"
    assert repr(small_classifier(verbose=1)).startswith("BiLSTMClassifier(embedding=")
