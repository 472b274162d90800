"""Every spec resolves to every value of big_vision's config of the same name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from .big_vision import Flat, config, expected, resolved

BIT_EVALS = ("train", "minival", "val", "v2", "real")


@dataclass(frozen=True)
class Case:
    """A spec and the config that it must resolve to.

    Attributes:
        config: name of the config.
        spec: file, with its params.
        settings: leaves that the command line sets.
        ours: leaves that the config leaves to a default of big_vision's code, with that default.
        theirs: leaves of the config that have no counterpart here.
        reordered: arrays whose order differs on purpose.
    """

    config: str
    spec: str
    settings: tuple[tuple[str, str], ...] = ()
    ours: Flat = field(default_factory=dict)
    theirs: tuple[str, ...] = ()
    reordered: tuple[str, ...] = ()


CASES = [
    Case("vit_s16_i1k", "vit_s16_i1k.toml"),
    Case("vit_i1k", "vit_i1k.toml", ours={"model.posemb": "learn"}),
    Case("vit_i1k@variant=S_16", "vit_i1k.toml:variant=S/16", ours={"model.posemb": "learn"}),
    Case("vit_i21k", "vit_i21k.toml"),
    Case("mlp_mixer_i1k", "mlp_mixer_i1k.toml"),
    Case("mlp_mixer_i1k@gpu8", "mlp_mixer_i1k.toml:gpu8"),
    Case(
        "bit_i1k",
        "bit_i1k.toml",
        # theirs encode labels before they scale pixels
        reordered=tuple(f"evals.{name}.pipeline" for name in BIT_EVALS),
    ),
    Case("bit_i21k", "bit_i21k.toml"),
    Case(
        "transfer@model=vit-i21k-augreg-b_32,dataset=cifar10,crop=resmall_crop",
        "transfer.toml:model=vit-i21k-augreg-b/32,dataset=cifar10",
        ours={"model.size": 384},  # that of their training images
    ),
    Case(
        "transfer@model=bit-m-r50x1,dataset=imagenet2012,crop=inception_crop",
        "transfer.toml:model=bit-m-r50x1,dataset=imagenet2012,crop=inception_crop",
    ),
    Case(
        "transfer@model=vit-i21k-augreg-l_16,dataset=oxford_iiit_pet,crop=resmall_crop,fsdp=True,batch_size=256",
        "transfer.toml:model=vit-i21k-augreg-l/16,dataset=oxford_iiit_pet,fsdp",
        settings=(("data.train.batch", "256"),),
        ours={"model.size": 384, "mesh.axes.data": "rest", "layout": [{"match": ".*", "shard": "data"}]},
        theirs=("model.scan", "mesh", "sharding_strategy", "sharding_rules"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.config)
def test_resolves_to_the_values_of_big_vision(case: Case) -> None:
    file, _, params = case.spec.partition(":")
    ours = resolved(file, params, case.settings)
    theirs = expected(_without(config(case.config), case.theirs)) | case.ours
    for path in case.reordered:
        assert ours[path] != theirs[path]
        ours[path], theirs[path] = sorted(ours[path]), sorted(theirs[path])
    paths = ours.keys() | theirs.keys()
    differing = {
        path: (ours.get(path), theirs.get(path))
        for path in paths
        if not _same(ours.get(path), theirs.get(path))
    }
    assert differing == {}


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return ours == pytest.approx(theirs, rel=1e-12)
    return ours == theirs


def _without(config: Flat, paths: tuple[str, ...]) -> Flat:
    """The config without what has no counterpart, each of which must be there."""
    left: Flat = {name: dict(value) if isinstance(value, dict) else value for name, value in config.items()}
    for path in paths:
        table, _, name = path.rpartition(".")
        del (left[table] if table else left)[name]
    return left
