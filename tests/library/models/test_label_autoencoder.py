"""UViM from labels to labels: a codec around the autoencoder, and views that follow one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.check import check
from bvc.component import SettingError
from bvc.library.checkpoints.export import named, published
from bvc.library.codecs.depth import Depth
from bvc.library.models.label_autoencoder import LabelAutoencoder
from bvc.library.models.vqvae import VqVae
from tests.library.evaluators.topology import metrics
from tests.modules import abstract, filled

SPEC = Path(__file__).parent / "uvim.toml"
INNER = {"size": 8, "patch": 4, "code_len": 4, "width": 8, "heads": 2, "enc_depth": 1, "dec_depth": 1}


def around(bins: int) -> LabelAutoencoder:
    shape = {"depth": (bins, 16)}
    inner = abstract(VqVae, **INNER, inputs=shape, outputs=shape)
    return abstract(LabelAutoencoder, codec=Depth(size=8, patch=4, bins=4), autoencoder=inner)


def told(*settings: tuple[str, str]) -> list[str]:
    found = check(str(SPEC), settings=settings).diagnostics
    return [f"{each.code} {each.message}" for each in found if each.severity == "error"]


def test_published_names_are_those_of_the_autoencoder() -> None:
    whole = filled(around(4))
    assert list(published(whole, named(whole))) == list(
        published(whole.autoencoder, named(whole.autoencoder))
    )


def test_both_must_speak_alike() -> None:
    with pytest.raises(SettingError, match="`autoencoder` does not speak as the codec"):
        around(5)


def test_labels_of_another_size_are_told() -> None:
    (wrong,) = told(("frozen.oracle.codec.size", "12"), ("frozen.oracle.autoencoder.size", "12"))
    assert wrong.startswith("B0302") and "`labels`" in wrong


def test_a_view_that_reads_what_nobody_gave_is_told() -> None:
    (wrong,) = told(("evals.codes.view", '"logits"'))
    assert "`frozen.oracle.tokens`" in wrong
    (wrong,) = told(("evals.codes.view", "[]"))
    assert wrong.startswith("B0110")


@pytest.mark.slow
def test_images_become_maps_by_way_of_codes() -> None:
    found = metrics(SPEC, 1)
    assert found["saved/examples"] == 16
    assert found["codes/perplexity"] > 0
