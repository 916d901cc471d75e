import pytest

from sklearn_bilstm.utils._optional import import_optional


def test_a_module_that_is_there_is_imported():
    assert import_optional("json.decoder", purpose="This test").JSONDecoder


def test_a_missing_one_is_named_with_what_needs_it():
    message = "Reading minds requires no_such_package: .*pip install no_such_package"
    with pytest.raises(ImportError, match=message):
        import_optional("no_such_package.module", purpose="Reading minds")


def test_a_missing_one_of_an_extra_is_installed_with_that():
    with pytest.raises(ImportError, match=r"pip install 'sklearn-bilstm\[minds\]'"):
        import_optional("no_such_package", purpose="Reading minds", extra="minds")
