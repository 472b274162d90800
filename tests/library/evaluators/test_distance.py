import pytest

from bvc.component import SettingError
from bvc.library.evaluators.distance import Distance, Measured


def test_options_of_another_distance_are_refused():
    with pytest.raises(SettingError, match="gives `k` to kl, which has no such option"):
        Distance(data=None, pipeline=None, view="any", distances=(Measured("kl", k=2),))


def test_the_same_distance_twice_is_refused():
    with pytest.raises(SettingError, match="holds the same distance twice"):
        Distance(data=None, pipeline=None, view="any", distances=(Measured("kl"), Measured("kl")))


def test_names_say_what_is_set():
    assert Measured("kl", t=2.0).name == "kind=kl_t=2.0" and Measured("agree", k=5).name == "kind=agree_k=5"
