from io import BytesIO

import pytest
from sklearn.metrics import fbeta_score, get_scorer, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

from sklearn_bilstm import load, save
from sklearn_bilstm.persistence._scorers import restored_scorer
from tests.helpers import small_classifier


def agreement(y_true, y_pred):
    return (y_true == y_pred).mean()


def with_scoring(scorer):
    return TunedThresholdClassifierCV(small_classifier(), scoring=scorer)


def round_trip(scorer, custom_objects=None):
    file = BytesIO()
    save(with_scoring(scorer), file, custom_objects=custom_objects)
    loaded = load(BytesIO(file.getvalue()), custom_objects=custom_objects)
    return loaded.scoring


@pytest.mark.parametrize(
    "scorer",
    [
        make_scorer(fbeta_score, beta=2.0, pos_label="yes"),
        get_scorer("neg_log_loss"),
        get_scorer("roc_auc"),
    ],
)
def test_scorers_of_known_metrics_round_trip(scorer):
    assert repr(round_trip(scorer)) == repr(scorer)


def test_scorers_of_user_functions_need_a_name():
    scorer = make_scorer(agreement)
    with pytest.raises(TypeError, match="custom_objects"):
        save(with_scoring(scorer), BytesIO())
    assert round_trip(scorer, {"agreement": scorer}) is scorer


@pytest.mark.parametrize("name", ["get_scorer", "make_scorer", "os.system"])
def test_other_functions_are_not_restored(name):
    with pytest.raises(KeyError):
        restored_scorer([name, 1, {}, "predict"])
