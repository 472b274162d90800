"""big_vision's resolved configs in the words of our specs: other names, the same values."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

from bvc.spec.calls import parse_call
from bvc.spec.tree import Array, Leaf, Node, Table

CONFIGS = Path(__file__).parent.parent / "reference" / "configs"
Flat = dict[str, Any]
Call = tuple[str, tuple[Any, ...], tuple[tuple[str, Any], ...]]

# What arguments without a name are called, by op; theirs and ours agree but for `tokenize` and `concat`.
_POSITIONAL = {
    "concat": ("inputs", "to"),
    "tokenize": ("max_len",),
    "onehot": ("classes",),
    "choice": ("from", "to"),
}
_KEYWORDS = {"key_result": "to", "outkey": "to", "inkey": "from"}
_QUANTITY = re.compile(r"([\d_.]+) ?(%|steps|epochs)")

# theirs -> ours; `*` stands for the name of an evaluator. A pair's second part converts the value.
COMMON: dict[str, str] = {
    "input.data.name": "data.train.name",
    "input.data.split": "data.train.split",
    "input.batch_size": "data.train.batch",
    "input.prefetch": "data.train.prefetch",
    "input.pp": "data.train.pipeline",
    "total_epochs": "run.length epochs",
    "total_steps": "run.length steps",
    "log_training_steps": "run.log steps",
    "ckpt_steps": "run.save steps",
    "keep_ckpt_steps": "run.keep steps",
    "grad_clip_norm": "optimizer.clip_norm",
    "lr": "optimizer.lr",
    "wd": "optimizer.weight_decay",
    "optax_name": "optimizer.type",
    "optax.mu_dtype": "optimizer.mu_dtype",
    "optax.beta2_cap": "optimizer.beta2_cap",
    "optax.b2": "optimizer.b2",
    "schedule.decay_type": "optimizer.schedule.type",
    "schedule.warmup_steps": "optimizer.schedule.warmup steps",
    "schedule.warmup_percent": "optimizer.schedule.warmup %",
    "schedule.linear_end": "optimizer.schedule.end",
    "loss": "objective.type",
    "mixup.p": "data.train.transforms mixup",
    "num_classes": "model.classes",
    "init_head_bias": "model.head_bias",
    "model_name": "model.type",
    "model_init": "model.init",
    "model.variant": "model.variant",
    "model.depth": "model.depth",
    "model.width": "model.width",
    "model.pool_type": "model.pool",
    "model.rep_size": "model.rep_size",
    "model.scan": "model.scan",
    "model.posemb_type": "model.posemb",
    "model.num_layers": "model.layers",
    "model.num_heads": "model.heads",
    "model.mlp_dim": "model.mlp_dim",
    "model.emb_dim": "model.width",
    "model.seq_len": "model.seq_len",
    "model.vocab_size": "model.vocab",
    "model.input_size": "model.input_size",
    "evals.*.type": "evals.*.type",
    "evals.*.pred": "evals.*.view",
    "evals.*.data.name": "evals.*.data.name",
    "evals.*.data.split": "evals.*.data.split",
    "evals.*.split": "evals.*.split",
    "evals.*.pp_fn": "evals.*.pipeline",
    "evals.*.loss_name": "evals.*.loss",
    "evals.*.log_steps": "evals.*.every steps",
    "evals.*.log_percent": "evals.*.every %",
    "evals.*.skip_first": "evals.*.skip_first",
    "evals.*.distances": "evals.*.distances",
    "fewshot.representation_layer": "evals.fewshot.view",
    "fewshot.shots": "evals.fewshot.shots",
    "fewshot.l2_reg": "evals.fewshot.l2_reg",
    "fewshot.num_seeds": "evals.fewshot.seeds",
    "fewshot.prefix": "evals.fewshot.prefix",
    "fewshot.type": "evals.fewshot.type",
    "fewshot.log_steps": "evals.fewshot.every steps",
    "fewshot.datasets": "evals.fewshot.datasets",
    "fewshot.pp_train": "evals.fewshot.pipeline",
}
# What has no counterpart: how their data reaches the device, and what our runtime decides for all.
NOWHERE = (
    "seed prefetch_to_device pp_modules ckpt_timeout input.cache input.cache_raw "
    "input.shuffle_buffer_size evals.*.cache evals.*.cache_final evals.*.cache_raw fewshot.display_first "
    "fewshot.pp_eval mixup.fold_in mixup.n runlocal"
).split()
_TYPES = {
    "scale_by_adam": "adam",
    "big_vision.momentum_hp": "momentum_hp",
    "big_vision.scale_by_adafactor": "adafactor",
    "proj.distill.distance": "distance",
    "proj.uvim.compute_mean": "mean",
}


def config(name: str) -> dict[str, Any]:
    """A resolved config, without what it leaves empty."""
    found: dict[str, Any] = json.loads((CONFIGS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def translated(theirs: dict[str, Any], more: dict[str, str], without: list[str]) -> Flat:
    """Their leaves under our names. Every leaf must be in a table or in a list of what has no counterpart."""
    names = {**COMMON, **more}
    found: Flat = {}
    for path, value in leaves(theirs):
        pattern, name = wild(path)
        if path in without or pattern in without or pattern in NOWHERE or value is None:
            continue
        target = names.get(path) or names.get(pattern)
        assert target is not None, f"nothing says what {path} = {value!r} is in a spec"
        ours, _, unit = target.partition(" ")
        found[ours.replace("*", name)] = converted(ours, unit, value)
    return found


def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    path = "fewshot" if path == "evals.fewshot" else path
    if isinstance(value, dict) and not path.endswith("datasets"):
        return [leaf for key, below in value.items() for leaf in leaves(below, f"{path}.{key}".strip("."))]
    return [(path, value)]


def wild(path: str) -> tuple[str, str]:
    """The path with the name of an evaluator replaced, and that name."""
    found = re.fullmatch(r"evals\.([^.]+)\.(.+)", path)
    return (f"evals.*.{found[2]}", found[1]) if found else (path, "")


def converted(ours: str, unit: str, value: Any) -> Any:
    if unit == "mixup":
        return (("mixup", (value,), ()),)
    if unit == "%":
        return (100 * value, "%")
    if unit:
        return (value, unit)
    if ours.endswith("pipeline"):
        return pipeline(value)
    if ours.endswith(".type"):
        return _TYPES.get(value, value.rpartition(".")[2])
    if ours.endswith("datasets"):
        return {key: dict(zip(("name", "train", "test"), row, strict=True)) for key, row in value.items()}
    return value


def pipeline(text: str) -> tuple[Call, ...]:
    """Their `a|b(1, key="x")` as calls of our ops."""
    text = text.replace("decode_jpeg_and_inception_crop(", "decode|inception_crop(")
    for key in ("image", "labels"):
        text = text.replace(f'det_fliplr(key="{key}")', f"flip_{key}").replace(
            f'crop_box(key="{key}")', f"crop_{key}"
        )
    text = text.replace('randu("fliplr")|flip_image|flip_labels', 'rand_flip_lr("image", "labels")')
    text = text.replace("crop_image|crop_labels", 'crop_box("image", "labels")')
    return tuple(their_call(op) for op in text.split("|") if op)


def their_call(text: str) -> Call:
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.Name):
        return normal(node.id, [], {})
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    keywords = {k.arg: ast.literal_eval(k.value) for k in node.keywords if k.arg}
    keywords = {_KEYWORDS.get(key, key): value for key, value in keywords.items()}
    if "area_min" in keywords:
        keywords["area"] = [keywords.pop("area_min"), keywords.pop("area_max")]
        keywords["ratio"] = [keywords.pop("ratio_min"), keywords.pop("ratio_max")]
    return normal(node.func.id, [ast.literal_eval(arg) for arg in node.args], keywords)


def our_call(leaf: Leaf) -> Call:
    call = parse_call(leaf)
    return normal(
        call.name, [arg.value for arg in call.args], {key: arg.value for key, arg in call.keywords.items()}
    )


def normal(name: str, args: list[Any], keywords: dict[str, Any]) -> Call:
    """A call with the names of its arguments settled and what says nothing left out."""
    named = _POSITIONAL.get(name, ())
    keywords = {**dict(zip(named, args, strict=False)), **keywords}
    args = args[len(named) :]
    if name == "value_range" and not args:
        args = [-1, 1]
    if keywords.get("from") == keywords.get("to") == "image" or keywords.get("key") == "image":
        keywords = {key: value for key, value in keywords.items() if key not in ("from", "to", "key")}
    if keywords.get("from") == "image":
        del keywords["from"]
    pairs = sorted((key, repr(value)) for key, value in keywords.items())
    return name, tuple(repr(arg) for arg in args), tuple(pairs)


def flat(node: Node, path: str = "", whole: tuple[str, ...] = ("datasets",)) -> Flat:
    """Our leaves by path; durations as pairs, pipelines as calls."""
    name = path.rpartition(".")[2]
    if isinstance(node, Table) and name not in whole:
        return {
            key: value
            for part, below in node.items.items()
            for key, value in flat(below, f"{path}.{part}".strip("."), whole).items()
        }
    if name.endswith("pipeline") or name == "transforms":
        assert isinstance(node, Array)
        calls = [our_call(item) for item in node.items if isinstance(item, Leaf)]
        if name == "transforms":
            return {
                path: tuple((name, tuple(float(arg) for arg in args), rest) for name, args, rest in calls)
            }
        return {path: tuple(calls)}
    value = bare(node)
    if isinstance(value, str) and (quantity := _QUANTITY.fullmatch(value)):
        return {path: (float(quantity[1]), quantity[2])}
    return {path: value}


def bare(node: Node) -> Any:
    if isinstance(node, Leaf):
        return node.value
    return (
        {k: bare(v) for k, v in node.items.items()}
        if isinstance(node, Table)
        else [bare(i) for i in node.items]
    )
