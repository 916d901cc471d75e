import pytest

from sklearn_bilstm.utils._optional import import_optional


def test_an_installed_module_is_imported():
    assert import_optional("json.decoder", purpose="This test").JSONDecoder


def test_a_missing_module_raises_with_its_purpose():
    message = "Reading minds requires no_such_package: .*pip install no_such_package"
    with pytest.raises(ImportError, match=message):
        import_optional("no_such_package.module", purpose="Reading minds")


def test_a_missing_module_of_an_extra_raises_with_the_extra():
    with pytest.raises(ImportError, match=r"pip install 'sklearn-bilstm\[minds\]'"):
        import_optional("no_such_package", purpose="Reading minds", extra="minds")
