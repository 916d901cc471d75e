import pytest

from sklearn_bilstm.inspection._wording import baseline_input, meanings, name_of_class


@pytest.mark.parametrize(
    ("label", "kind", "name"),
    [
        ("not good", "class", "'not good'"),
        (1, "class", "class 1"),
        (1.5, "class", "class 1.5"),
        (True, "class", "class True"),
        (1, "label", "label 1"),
        ("B-PER", "label", "label 'B-PER'"),
    ],
)
def test_strings_are_quoted_and_other_classes_are_named_as_such(label, kind, name):
    assert name_of_class(label, kind) == name


def test_a_negative_score_favours_the_other_of_two_classes():
    assert meanings("class 1", "class 0")[1] == "raises those of class 0"
    assert meanings("class 1", None)[1] == "lowers them"


@pytest.mark.parametrize(
    ("method", "of_token", "tokens"),
    [
        ("integrated_gradients", False, "zero token vectors"),
        ("occlusion", False, "no tokens"),
        ("occlusion", True, "all tokens masked"),
    ],
)
def test_the_input_of_the_baseline_depends_on_the_method(method, of_token, tokens):
    given = baseline_input(method, has_static=False, of_token=of_token)
    assert given == tokens
    given = baseline_input(method, has_static=True, of_token=of_token)
    assert given == f"{tokens} and mean static features"
