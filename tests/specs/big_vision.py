"""big_vision's resolved configs of classification, leaf by leaf in the words of our specs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bvc.spec import load, plain

ROOT = Path(__file__).parent.parent.parent
CONFIGS = ROOT / "tests" / "reference" / "configs"
Flat = dict[str, Any]

FILES = {
    "howto-i21k-B/32": "B_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0.npz",
    "howto-i21k-L/16": "L_16-i21k-300ep-lr_0.001-aug_strong1-wd_0.1-do_0.0-sd_0.0.npz",
    "M": "BiT-M-R50x1.npz",
}
"""Names of checkpoints that big_vision resolves in code, and their files (INVENTORY, Part 8)."""

NOWHERE = {
    "seed",  # ours is 0 by default, too
    "pp_modules",
    "prefetch_to_device",
    "ckpt_timeout",
    "input.cache",
    "input.cache_raw",
    "input.shuffle_buffer_size",
    "input.prefetch",
    "mixup.fold_in",
}
"""Leaves without counterpart: how their data reaches the devices, and what bvc decides for all."""


def config(name: str) -> Flat:
    """A resolved config."""
    found: Flat = json.loads((CONFIGS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def resolved(spec: str, params: str = "", settings: tuple[tuple[str, str], ...] = ()) -> Flat:
    """The leaves of one of our specs by path."""
    return leaves(plain(load(str(ROOT / "specs" / spec), params, settings).tree))


def leaves(tree: Any, path: str = "") -> Flat:
    """The leaves of a tree by path; arrays are leaves."""
    if not isinstance(tree, dict):
        return {path: tree}
    return {
        key: leaf
        for name, item in tree.items()
        for key, leaf in leaves(item, f"{path}.{name}".strip(".")).items()
    }


def expected(config: Flat) -> Flat:
    """What the config says, in the words of a spec; fails on a leaf that it does not know."""
    found: Flat = {}
    rest = leaves({name: value for name, value in config.items() if name not in ("evals", "fewshot")})
    for path, value in rest.items():
        if path not in NOWHERE and value is not None:
            found |= _leaf(path, value)
    for name, table in config["evals"].items():
        found |= _fewshot(table) if table["type"] == "fewshot_lsr" else _classification(name, table)
    return found | (_fewshot(config["fewshot"]) if "fewshot" in config else {})


def _leaf(path: str, value: Any) -> Flat:
    if path == "mixup.p":
        return {"data.train.transforms": [f"mixup({value})"]} if value else {}
    if path == "input.pp":
        return {"data.train.pipeline": pipeline(value)}
    if path in _DURATIONS:
        name, unit = _DURATIONS[path]
        # the length comes from a table of numbers, the others are written out
        return {name: f"{value} {unit}" if name == "run.length" else f"{value:_} {unit}"}
    if path == "optax_name":
        value = value.removeprefix("scale_by_").removeprefix("big_vision.")
    if path == "model_init":
        value = FILES[value]
    if path == "model_load.dont_load":
        assert value == ["head/kernel", "head/bias"]
        value = ["head/.*"]
    return {_NAMES[path]: value}


def _classification(name: str, table: Flat) -> Flat:
    assert table.keys() <= {"type", "data", "pp_fn", "loss_name", "log_steps", "cache", "cache_final"}
    own = {
        "type": table["type"],
        "data.name": table["data"]["name"],
        "data.split": table["data"]["split"],
        "loss": table["loss_name"],
        "every": f"{table['log_steps']:_} steps",
        "pipeline": pipeline(table["pp_fn"]),
    }
    return {f"evals.{name}.{key}": value for key, value in own.items()}


def _fewshot(table: Flat) -> Flat:
    """Ours has one evaluator for each dataset. `display_first` names none of them."""
    assert table["pp_train"] == table["pp_eval"] and table["display_first"] == [["imagenet", 10]]
    found: Flat = {}
    for name, (data, train, test) in table["datasets"].items():
        own = {
            "type": table["type"],
            "name": name,
            "data.name": data,
            "data.split": train,
            "test.name": data,
            "test.split": test,
            "view": table["representation_layer"],
            "shots": table["shots"],
            "l2_reg": table["l2_reg"],
            "seeds": table["num_seeds"],
            "prefix": table["prefix"],
            "every": f"{table['log_steps']:_} steps",
            "pipeline": pipeline(table["pp_train"]),
        }
        found |= {f"evals.fewshot_{name}.{key}": value for key, value in own.items()}
    return found


def pipeline(text: str) -> list[str]:
    """Their `a|b(1, key="x")` as our array of calls."""
    return [_call(op) for op in text.split("|")]


def _call(op: str) -> str:
    op = op.replace('"', "'").replace("key_result=", "to=")
    return ", ".join(word.strip() for word in op.split(","))


_DURATIONS = {
    "total_epochs": ("run.length", "epochs"),
    "total_steps": ("run.length", "steps"),
    "log_training_steps": ("run.log", "steps"),
    "ckpt_steps": ("run.save", "steps"),
    "schedule.warmup_steps": ("optimizer.schedule.warmup", "steps"),
}

_NAMES = {
    "input.data.name": "data.train.name",
    "input.data.split": "data.train.split",
    "input.batch_size": "data.train.batch",
    "num_classes": "model.out_dim",
    "init_head_bias": "model.head_bias",
    "loss": "objective.type",
    "model_name": "model.type",
    "model_init": "model.init",
    "model_load.dont_load": "model.init_skip",
    "model.variant": "model.variant",
    "model.rep_size": "model.rep_size",
    "model.pool_type": "model.pool",
    "model.posemb": "model.posemb",
    "model.stoch_depth": "model.stoch_depth",
    "model.depth": "model.depth",
    "model.width": "model.width",
    "grad_clip_norm": "optimizer.clip_norm",
    "optax_name": "optimizer.type",
    "optax.mu_dtype": "optimizer.mu_dtype",
    "lr": "optimizer.lr",
    "wd": "optimizer.weight_decay",
    "schedule.decay_type": "optimizer.schedule.type",
    "schedule.linear_end": "optimizer.schedule.end",
}
