"""What readers search for on the site of the documentation is found."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Scores of Sphinx's searchtools.js. A match in the text alone is not enough: many
# pages contain a word, and their order is alphabetical.
TITLE, PARTIAL_TITLE, ENTRY = 15, 7, 100
N_FIRST = 3

SEARCHES = {
    "installation": "getting_started",
    "getting started": "getting_started",
    "first model": "getting_started",
    "class imbalance": "imbalanced_classes",
    "imbalance": "imbalanced_classes",
    "imbalanced": "imbalanced_classes",
    "class weights": "imbalanced_classes",
    "decision threshold": "imbalanced_classes",
    "calibration": "imbalanced_classes",
    "probabilities": "faq",
    "few labels": "few_labels",
    "semi-supervised": "few_labels",
    "SelfTraining": "few_labels",
    "SelfTrainingClassifier": "few_labels",
    "pseudo-labels": "few_labels",
    "active learning": "few_labels",
    "unlabelled": "text_classification",
    "unlabeled": "text_classification",
    "early stopping": "text_classification",
    "sentiment analysis": "text_classification",
    "GridSearchCV": "text_classification",
    "transfer learning": "fine_tuning",
    "fine-tuning": "fine_tuning",
    "fastText": "word_vectors",
    "GloVe": "word_vectors",
    "word2vec": "word_vectors",
    "BERT": "word_vectors",
    "transformers": "word_vectors",
    "NER": "tagging",
    "named entity": "tagging",
    "named entity recognition": "tagging",
    "POS tagging": "tagging",
    "slot filling": "tagging",
    "CRF": "tagging",
    "forecasting": "regression",
    "horizon": "regression",
    "trend": "regression",
    "backtesting": "regression",
    "TimeSeriesSplit": "regression",
    "prediction interval": "regression",
    "time series": "time_series",
    "padding": "faq",
    "missing values": "containers",
    "NaN": "containers",
    "overfitting": "regularisation",
    "regularization": "regularisation",
    "dropout": "regularisation",
    "speed": "performance",
    "GPU": "performance",
    "CUDA": "performance",
    "slow": "faq",
    "reproducible": "guarantees",
    "random_state": "guarantees",
    "seed": "guarantees",
    "FastAPI": "serving",
    "docker": "serving",
    "REST API": "serving",
    "ONNX": "serving",
    "save model": "saving",
    "pickle": "saving",
    "explain": "explaining",
    "interpretability": "explaining",
    "feature importance": "explaining",
    "attention": "architectures",
    "learning rate": "plotting",
    "out of memory": "large_corpora",
    "dask": "scaling",
    "hyperparameter": "text_classification",
    "TensorBoard": "watching",
    "Keras": "migrating",
    "SMOTE": "other_tools",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Search index of the pages of the guide, as Sphinx writes it."""
    pytest.importorskip("myst_parser")
    js_index = pytest.importorskip("sphinx.search").js_index
    folder = tmp_path_factory.mktemp("site")
    options = {
        "extensions": "myst_parser",
        "exclude_patterns": "_templates,api,auto_examples,sg_execution_times.rst",
        "html_theme": "basic",
    }
    settings = [f"-D{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "sphinx", "-Q", "-C", *settings]
    subprocess.run([*command, str(ROOT / "docs"), str(folder)], check=True)
    return js_index.loads((folder / "searchindex.js").read_text(encoding="utf-8"))


def stems_of(query):
    from sphinx.search.en import SearchEnglish  # noqa: PLC0415, optional

    language = SearchEnglish({})
    words = [word.lower() for word in language.split(query)]
    kept = [word for word in words if word not in language.stopwords]
    return {language.stem(word) for word in kept}


def pages_of(numbers):
    return {numbers} if isinstance(numbers, int) else set(numbers)


def score_of_titles(index, query):
    """Yield the pages and scores of headings that the query is at least a half of."""
    for title, places in index["alltitles"].items():
        if query in title.lower() and len(query) >= len(title) / 2:
            for page, _ in places:
                is_page = index["titles"][page] == title
                yield page, int(TITLE * len(query) / len(title) + 0.5) + is_page


def score_of_entries(index, query):
    """Yield the pages and scores of main entries of the general index."""
    for entry, places in index["indexentries"].items():
        if query in entry and len(query) >= len(entry) / 2:
            for page, _, is_main in places:
                if is_main:
                    yield page, int(ENTRY * len(query) / len(entry) + 0.5)


def score_of_words(index, query):
    """Yield the pages that contain all words of the query, one of them in a heading."""
    found, scores = None, {}
    for stem in stems_of(query):
        in_titles = index["titleterms"]
        exact = pages_of(in_titles.get(stem, []))
        partial = set()
        if not exact:
            for term, pages in in_titles.items():
                partial |= pages_of(pages) if stem in term else set()
        in_text = set()
        for term, pages in index["terms"].items():
            in_text |= pages_of(pages) if stem in term else set()
        pages = exact | partial | in_text
        found = pages if found is None else found & pages
        for page in exact | partial:
            score = TITLE if page in exact else PARTIAL_TITLE
            scores[page] = max(score, scores.get(page, 0))
    for page in (found or set()) & scores.keys():
        yield page, scores[page]


def first_pages(index, query):
    """Return the first pages that a search in the built site lists."""
    query = query.lower()
    best = {}
    for rule in score_of_titles, score_of_entries, score_of_words:
        for page, score in rule(index, query):
            best[page] = max(score, best.get(page, 0))
    title_of = index["titles"]
    order = sorted(best, key=lambda page: (-best[page], title_of[page].lower()))
    return [index["docnames"][page] for page in order[:N_FIRST]]


@pytest.mark.parametrize(("query", "page"), SEARCHES.items())
def test_search_lists_the_page_among_the_first(index, query, page):
    assert page in first_pages(index, query)


def test_every_page_is_in_the_index(index):
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages <= set(index["docnames"])


def test_words_that_no_page_contains_are_not_found(index):
    assert first_pages(index, "xylophone") == []
