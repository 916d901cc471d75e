import numpy as np
import pytest

from tests.helpers import small_classifier, small_regressor


@pytest.fixture(scope="module")
def attentive(ids):
    return small_classifier(pooling="attention").fit(ids, np.arange(40) % 2)


def test_attention_weights_cover_real_steps_and_sum_to_one(attentive, ids):
    weights = attentive.attention_weights(ids)
    assert [len(row) for row in weights] == (ids > 0).sum(1).tolist()
    sums = [row.sum() for row in weights if len(row)]
    np.testing.assert_allclose(sums, 1, rtol=1e-5)


def test_attention_weights_do_not_depend_on_the_batch(attentive, ids):
    batched = attentive.attention_weights(ids)
    for row, weights in zip(ids, batched, strict=True):
        single = attentive.attention_weights(row[np.newaxis])[0]
        np.testing.assert_allclose(weights, single, rtol=1e-5, atol=1e-5)


def test_attention_weights_depend_on_the_fitted_pooling(ids):
    model = small_classifier(pooling="attention").fit(ids, np.arange(40) % 2)
    assert model.set_params(pooling="max").attention_weights(ids)
    model.fit(ids, np.arange(40) % 2).set_params(pooling="attention")
    assert not hasattr(model, "attention_weights")


def test_attention_weights_are_unavailable_with_other_poolings(fitted):
    assert not hasattr(fitted, "attention_weights")
    with pytest.raises(AttributeError, match="has no attribute 'attention_weights'"):
        fitted.attention_weights([[2]])


@pytest.mark.parametrize("stride", [1, 2])
def test_attention_weights_require_a_state_for_each_step(ids, stride):
    params = {"convolution_layer_sizes": 4, "convolution_stride": stride}
    model = small_classifier(pooling="attention", **params)
    for fitted in (model, model.fit(ids, np.arange(40) % 2)):
        assert hasattr(fitted, "attention_weights") == (stride == 1)
    if stride == 1:
        lengths = [len(row) for row in model.attention_weights(ids)]
        assert lengths == (ids > 0).sum(1).tolist()


def test_attention_weights_raise_for_a_stride(ids):
    params = {"convolution_layer_sizes": 4, "convolution_stride": 2}
    model = small_classifier(pooling="attention", **params)
    with pytest.raises(AttributeError) as caught:
        model.fit(ids, np.arange(40) % 2).attention_weights(ids)
    assert "requires convolution_stride=1" in str(caught.value.__cause__)


def test_get_feature_names_out_matches_transform(ids):
    model = small_regressor().fit(ids, np.arange(40.0))
    assert model.transform(ids).shape == (40, len(model.get_feature_names_out()))
