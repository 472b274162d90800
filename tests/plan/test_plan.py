from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from bvc.compile.program import Program
from bvc.diagnostics import Failed
from bvc.plan.collectives import Collective
from bvc.plan.fits import check_fit
from bvc.plan.parameters import group
from bvc.plan.plan import Plan, plan
from bvc.plan.report import as_json, render
from bvc.plan.target import Target, find_target, target_names

Make = Callable[[str], Program]
GIB = 2**30


def machine(devices: int, memory: int = GIB) -> Target:
    return Target("a test", "gpu", devices, memory)


def sums(collectives: tuple[Collective, ...], kind: str, axes: tuple[str, ...]) -> int:
    return sum(each.bytes for each in collectives if each.kind == kind and each.axes == axes)


def test_one_device_moves_nothing(planned: Callable[[str], Plan]) -> None:
    assert planned("one").collectives == ()


def test_adam_holds_two_arrays_for_each_parameter(planned: Callable[[str], Plan]) -> None:
    memory = planned("one").memory
    assert memory.parameters == sum(row.count * 4 for row in planned("one").parameters)
    assert memory.optimizer == pytest.approx(2 * memory.parameters, rel=1e-3)


def test_the_batch_is_split_and_the_parameters_are_not(planned: Callable[[str], Plan]) -> None:
    one, data = planned("one").memory, planned("data").memory
    assert data.batch * 8 == one.batch
    assert data.parameters == one.parameters


def test_gradients_of_replicated_parameters_are_summed_whole(planned: Callable[[str], Plan]) -> None:
    """Every gradient once in float32, over the axis that splits the batch; the loss besides."""
    found = planned("data")
    assert {each.kind for each in found.collectives} == {"all-reduce", "permute"}
    gradients = [each for each in found.collectives if each.what.startswith("gradients of ")]
    assert sum(each.bytes for each in gradients) == found.memory.parameters
    assert {each.what.removeprefix("gradients of ") for each in gradients} == {
        each.name for each in group(found.parameters)
    }


def test_sharded_parameters_are_gathered_and_their_gradients_scattered(
    planned: Callable[[str], Plan],
) -> None:
    found = planned("fsdp")
    whole = sum(row.count * 4 for row in found.parameters if row.layout != "replicated")
    part = sum(row.bytes for row in found.parameters if row.layout != "replicated")
    assert part * 4 == whole
    # weights are not kept for the backward pass, but gathered again; that of what reads the batch needs none
    once = ("image/embedding/kernel", "image/posemb", "text/tokens/embedding")
    again = whole - sum(row.count * 4 for row in found.parameters if row.name in once)
    assert sums(found.collectives, "all-gather", ("fsdp",)) == whole + again
    assert sums(found.collectives, "reduce-scatter", ("fsdp",)) == whole
    assert sums(found.collectives, "all-reduce", ("data",)) == part
    gathers = [each for each in found.collectives if each.kind == "all-gather"]
    assert all(each.what.startswith("parameters ") for each in gathers)


def test_norms_of_the_update_are_summed_by_the_compiler(planned: Callable[[str], Plan]) -> None:
    derived = [each for each in planned("fsdp").collectives if each.derived]
    assert {(each.kind, each.axes) for each in derived} == {("all-reduce", ("fsdp",))}
    assert not any(each.derived for each in planned("data").collectives)


def test_the_ring_passes_one_block_of_texts_around(planned: Callable[[str], Plan]) -> None:
    """Seven turns for 8 devices, of 4 examples of 64 floats each, with their gradients, which go home besides."""
    ring = [each for each in planned("data").collectives if each.kind == "permute"]
    assert [(each.count, each.bytes) for each in ring] == [(14, 14 * 4 * 64 * 4), (1, 4 * 64 * 4)]
    assert all("contrastive" in each.what for each in ring)


def test_flops_are_shared_by_the_devices(planned: Callable[[str], Plan]) -> None:
    one, eight = planned("one").flops, planned("data").flops
    assert one["forward"] == pytest.approx(8 * eight["forward"], rel=0.05)


def test_a_device_less_than_the_mesh_wants(program: Make) -> None:
    with pytest.raises(Failed) as caught:
        plan(program("mesh=data"), machine(4))
    assert caught.value.diagnostics[0].code == "B0540"


def test_between_slices_only_sums_of_their_parts_move(program: Make) -> None:
    """Each device sends an eighth of what two slices exchange; blocks of the ring cross whole."""
    planned = plan(program("mesh=fsdp"), replace(machine(8), slices=2))
    for each in planned.collectives:
        if each.kind == "all-reduce" and each.axes == ("data",):
            assert each.network == each.sent  # the axis has one device in each slice
        elif each.axes == ("fsdp",):
            assert each.network == 0
    ring = [each for each in planned.collectives if each.kind == "permute"]
    assert ring and all(each.network == each.sent for each in ring)
    unknown = replace(planned, target=replace(find_target("tpu-v4:8"), slices=2))
    assert "8 tpu devices in 2 slices" in render(unknown)
    assert "the network between slices is not known" in render(unknown)
    assert "8 gpu devices in 2 machines" in render(planned)
    assert "over the network" in render(planned)


def test_slices_that_the_mesh_does_not_lie_over(program: Make) -> None:
    with pytest.raises(Failed) as caught:
        plan(program("mesh=fsdp"), replace(machine(8), slices=3))
    assert caught.value.diagnostics[0].code == "B0540"


def test_a_plan_that_does_not_fit_says_by_how_much(planned: Callable[[str], Plan]) -> None:
    fitting = planned("one")
    assert check_fit(fitting) == []
    (diagnostic,) = check_fit(replace(fitting, target=machine(1, fitting.memory.total - 2**20)))
    assert diagnostic.code == "B0541"
    assert "1.0 MiB more" in diagnostic.message
    assert "bvc plan" in (diagnostic.help or "")
    unfit = replace(fitting, target=machine(1, 2**20))
    (diagnostic,) = check_fit(unfit, [((("run.accumulate", "2"),), fitting)])
    assert "`--set run.accumulate=2`" in (diagnostic.help or "")
    (diagnostic,) = check_fit(unfit, [])
    assert "no single change" in (diagnostic.help or "")


def test_the_report_says_what_the_plan_holds(planned: Callable[[str], Plan]) -> None:
    text = render(planned("fsdp"))
    for part in (
        "mesh { data = 2, fsdp = 4 }",
        "image/blocks",
        "all-gather",
        "fsdp on dim",
        "permute",
        "fits",
    ):
        assert part in text
    assert all(line == line.rstrip() for line in text.splitlines())
    rows = render(planned("fsdp"), every_parameter=True)
    assert all(row.name in rows for row in planned("fsdp").parameters)


def test_json_holds_every_number(planned: Callable[[str], Plan]) -> None:
    document = json.loads(as_json(planned("data")))
    assert document["memory"]["total"] == planned("data").memory.total
    assert len(document["parameters"]) == len(planned("data").parameters)
    assert document["mesh"] == {"data": 8}


@pytest.mark.parametrize("name", target_names())
def test_every_target_is_described_with_its_source(name: str) -> None:
    target = find_target(f"{name}:8")
    assert (target.devices, target.name) == (8, f"{name}:8")
    assert target.memory > 10 * GIB
    assert target.source
    assert target.flop_rate["bfloat16"] >= target.flop_rate["float32"] > 1e12
    assert target.memory_rate and target.link_rate


@pytest.mark.parametrize(
    ("text", "devices", "slices"),
    [("tpu-v5e:2x4:4", 32, 4), ("tpu-v5p:8x16x16", 2048, 1), ("h100:64", 64, 8), ("h100:8:4", 32, 4)],
)
def test_targets_of_several_slices(text: str, devices: int, slices: int) -> None:
    target = find_target(text)
    assert (target.devices, target.slices) == (devices, slices)


@pytest.mark.parametrize("text", ["h100:12", "h1000", "tpu-v5e:2xx4", "tpu-v5e:", "", "../h100"])
def test_an_unknown_target_is_told(text: str) -> None:
    with pytest.raises(Failed) as caught:
        find_target(text)
    assert caught.value.diagnostics[0].code == "B0542"


def test_parameters_stand_beside_the_names_of_big_vision(planned: Callable[[str], Plan]) -> None:
    text = render(planned("one"), every_parameter=True)
    assert "img/Transformer/encoderblock_*/MlpBlock_0/Dense_1/kernel\n" in text
    published = {row["name"]: row["published"] for row in json.loads(as_json(planned("one")))["parameters"]}
    assert (
        published["image/blocks/*/attention_norm/scale"] == "img/Transformer/encoderblock_*/LayerNorm_0/scale"
    )
    assert published["temperature"] == "t"
