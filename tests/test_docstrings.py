"""Docstrings match signatures in names, order and defaults."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString
from sklearn.base import BaseEstimator
from skorch import NeuralNet

from sklearn_bilstm import BiLSTMClassifier, BiLSTMRegressor, BiLSTMTagger
from tests.test_public_api import PUBLIC

ROOT = Path(__file__).parents[1]
ARRAY = re.compile(r"\b(ndarray|array-like|csr_array|sparse matrix|tensor)\b")


def public_objects():
    """Yield every public class, function and method once, by its full name."""
    seen = set()
    for module_name in PUBLIC:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            thing = getattr(module, name)
            if id(thing) in seen or not callable(thing):
                continue
            seen.add(id(thing))
            yield f"{module_name}.{name}", thing
            if inspect.isclass(thing):
                yield from public_methods(f"{module_name}.{name}", thing)


def public_methods(prefix, cls):
    for name, method in vars(cls).items():
        own = inspect.isfunction(method) and not name.startswith("_")
        if own and (method.__module__ or "").startswith("sklearn_bilstm"):
            yield f"{prefix}.{name}", method


OBJECTS = dict(public_objects())
ESTIMATORS = {
    name: thing
    for name, thing in OBJECTS.items()
    if inspect.isclass(thing)
    and issubclass(thing, BaseEstimator)
    and not issubclass(thing, NeuralNet)
    and not thing.__name__.startswith("Base")
}


def signature_of(thing):
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return {}
    parameters = inspect.signature(thing).parameters.values()
    return {
        (
            "*" * (p.kind == p.VAR_POSITIONAL)
            + "**" * (p.kind == p.VAR_KEYWORD)
            + p.name
        ): p
        for p in parameters
        if p.name != "self"
    }


def documented(thing):
    """Parameters in the docstring, in order, with their type."""
    return {
        name.strip(): entry.type
        for entry in NumpyDocString(inspect.getdoc(thing))["Parameters"]
        for name in entry.name.split(",")
    }


@pytest.mark.parametrize("name", OBJECTS)
def test_every_public_object_has_a_summary_that_ends_with_a_full_stop(name):
    summary = NumpyDocString(inspect.getdoc(OBJECTS[name]) or "")["Summary"]
    assert " ".join(summary).endswith("."), name


@pytest.mark.parametrize("name", OBJECTS)
def test_documented_parameters_match_the_signature_in_order(name):
    written = list(documented(OBJECTS[name]))
    if written:
        assert written == list(signature_of(OBJECTS[name]))


@pytest.mark.parametrize("name", OBJECTS)
def test_documented_defaults_match_the_signature(name):
    signature = signature_of(OBJECTS[name])
    for parameter, kind in documented(OBJECTS[name]).items():
        if kind == "None":  # ignored, for compatibility with scikit-learn
            continue
        default = signature[parameter].default
        match = re.search(r"default=(.+)$", kind)
        if default is inspect.Parameter.empty:
            assert match is None, f"{parameter} has no default"
        else:
            assert match, f"the default of {parameter} is not given"
            written = ast.literal_eval(match[1]) if match[1] != "MAX_ID" else default
            assert written == default, parameter


@pytest.mark.parametrize("name", OBJECTS)
def test_arrays_are_documented_with_their_shape(name):
    doc = NumpyDocString(inspect.getdoc(OBJECTS[name]))
    sections = ("Parameters", "Attributes", "Returns")
    for entry in (entry for section in sections for entry in doc[section]):
        if ARRAY.search(entry.type):
            assert re.search(r"shape \(|^tensor$", entry.type), (name, entry.name)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_public_methods_of_estimators_document_parameters_and_returns(name):
    for method_name, method in public_methods(name, ESTIMATORS[name]):
        parameters = signature_of(method)
        assert list(documented(method)) == list(parameters), method_name
        assert NumpyDocString(inspect.getdoc(method))["Returns"], method_name


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_document_parameters_and_attributes_with_an_example(name):
    doc = NumpyDocString(inspect.getdoc(ESTIMATORS[name]))
    assert documented(ESTIMATORS[name]).keys() == ESTIMATORS[name]().get_params().keys()
    assert doc["Attributes"]
    assert any(">>>" in line for line in doc["Examples"])


def test_fitted_attributes_match_the_documented_ones(
    fitted, fitted_pipeline, fitted_tagger
):
    for estimator in (fitted, fitted_pipeline[0], fitted_tagger):
        doc = NumpyDocString(inspect.getdoc(type(estimator)))
        written = {entry.name for entry in doc["Attributes"]}
        found = {
            name
            for name in [*vars(estimator), "module_"]
            if name.endswith("_")
            and not name.startswith("_")
            and hasattr(estimator, name)
        }
        optional = {"feature_names_in_", "n_channels_", "n_features_in_"}
        assert found - optional == written - optional


# Parameters with another meaning for token labels than for sequence labels, or for
# lists of tokens than for texts.
OF_TAGGERS = {
    "checkpoint",
    "class_weight",
    "dense_layer_sizes",
    "early_stopping",
    "embedding",
    "input_type",
    "lowercase",
    "max_features",
    "max_norm",
    "min_df",
    "n_iter_no_change",
    "tol",
    "validation_fraction",
    "warm_start",
}
OF_ITS_OWN = {"BiLSTMTagger": OF_TAGGERS, "EntityRecognizer": {"tokenizer"}}


def test_shared_parameters_have_equal_descriptions():
    texts = {}
    for cls in ESTIMATORS.values():
        of_its_own = OF_ITS_OWN.get(cls.__name__, ())
        for entry in NumpyDocString(inspect.getdoc(cls))["Parameters"]:
            if entry.name not in of_its_own:
                kind = entry.type.partition(", default=")[0]
                text = (kind, " ".join(entry.desc))
                assert texts.setdefault(entry.name, text) == text, entry.name
    assert texts


CITATION = re.compile(
    r"([A-Z]\w+)(?:,? and [A-Z]\w+| et al\.|, [A-Z]\w+)*,? \(?(\d{4})\b"
)


@pytest.mark.parametrize("estimator", [BiLSTMClassifier, BiLSTMRegressor, BiLSTMTagger])
def test_cited_publications_are_on_the_page_of_references(estimator):
    page = (ROOT / "docs" / "references.md").read_text(encoding="utf-8")
    entries = [" ".join(entry.split()) for entry in page.split("\n- ")[1:]]
    cited = set(CITATION.findall(" ".join(estimator.__doc__.split())))
    assert cited
    for author, year in cited:
        found = [e for e in entries if e.startswith(author) and f"({year})" in e]
        assert found, f"{author} ({year})"
