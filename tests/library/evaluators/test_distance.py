import numpy as np
import pytest

from bvc.component import DataError, SettingError
from bvc.library.evaluators.distance import Distance, Measured


def test_options_of_another_distance_are_refused():
    with pytest.raises(SettingError, match="gives `k` to kl, which has no such option"):
        Distance(data=None, pipeline=None, teacher="any", distances=(Measured("kl", k=2),))


def test_the_same_distance_twice_is_refused():
    with pytest.raises(SettingError, match="holds the same distance twice"):
        Distance(data=None, pipeline=None, teacher="any", distances=(Measured("kl"), Measured("kl")))


def test_names_say_what_is_set():
    assert Measured("kl", t=2.0).name == "kind=kl_t=2.0" and Measured("agree", k=5).name == "kind=agree_k=5"


def test_a_teacher_of_other_classes_is_told():
    evaluator = Distance(data=None, pipeline=None, teacher="any")
    state = evaluator.update(evaluator.start(), "student", {"logits": np.zeros((2, 3), np.float32)})
    with pytest.raises(DataError, match="3 logits of the student and 4 of the teacher"):
        evaluator.update(state, "teacher", {"logits": np.zeros((2, 4), np.float32)})
