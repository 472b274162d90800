"""From big_vision's optimizer configuration to a spec's `[optimizer]`, bound as a user's would be."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bvc.bind.found import Found
from bvc.bind.optimizer import bind_optimizer
from bvc.bind.value import Reader
from bvc.ir import Duration, Optimizer
from bvc.spec import load

_TYPES = {
    "scale_by_adam": "adam",
    "big_vision.scale_by_adafactor": "adafactor",
    "big_vision.momentum_hp": "momentum_hp",
    "big_vision.sgd": "sgd",
}
_SETTINGS = {"dtype_momentum": "momentum_dtype"}
_UNITS = {"steps": "steps", "examples": "examples", "epochs": "epochs", "percent": "%"}


def same(pattern: str) -> str:
    """Patterns of files whose parameters have our names."""
    return pattern


def bound(config: Mapping[str, Any], rename: Callable[[str], str] = same) -> Optimizer:
    """The optimizer of a recorded configuration; `rename` turns big_vision's patterns into ours."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recorded.toml"
        file.write_text(optimizer_table(config, rename))
        spec = load(str(file))
    found = Found()
    optimizer = bind_optimizer(Reader(found, lambda *_: None), spec.tree.items["optimizer"])
    assert isinstance(optimizer, Optimizer), found.diagnostics
    return optimizer


def optimizer_table(config: Mapping[str, Any], rename: Callable[[str], str] = same) -> str:
    """`[optimizer]` in TOML."""
    lines = ["[optimizer]", f'type = "{_TYPES[config["optax_name"]]}"', f"lr = {config['lr']}"]
    for name, value in config.get("optax", {}).items():
        # big_vision says None for no momentum, bvc 0
        lines.append(f"{_SETTINGS.get(name, name)} = {_toml(0 if value is None else value)}")
    if "wd" in config:
        lines.append(f"weight_decay = {config['wd']}")
    if "grad_clip_norm" in config:
        lines.append(f"clip_norm = {config['grad_clip_norm']}")
    rules: list[str] = []
    schedule = config["schedule"]
    if isinstance(schedule, list):
        *exceptions, (_, default) = schedule
        for pattern, table in exceptions:
            what = "freeze = true" if table is None else f"schedule = {schedule_table(table)}"
            rules.append(f'{{ match = "{rename(pattern)}", {what} }}')
        schedule = default
    lines.append(f"schedule = {schedule_table(schedule)}")
    rules += [f'{{ match = "{rename(p)}", lr_mult = {mult} }}' for p, mult in config.get("lr_mults", [])]
    decays = [*config["wd_mults"], [".*", 0.0]] if "wd_mults" in config else []
    rules += [f'{{ match = "{rename(pattern)}", decay_mult = {mult} }}' for pattern, mult in decays]
    if rules:
        lines.append(f"rules = [{', '.join(rules)}]")
    return "\n".join(lines) + "\n"


def schedule_table(config: Mapping[str, Any]) -> str:
    """A schedule as an inline table."""
    words: dict[str, str] = {"type": f'"{config.get("decay_type", "constant")}"'}
    for name, value in config.items():
        stem, _, unit = name.rpartition("_")
        if name in ("linear_end", "end", "power", "mults"):
            words[name.removeprefix("linear_")] = _toml(value)
        elif name == "steps":
            words["steps"] = _toml([f"{step} steps" for step in value])
        elif unit in _UNITS and stem in ("warmup", "cooldown", "timescale", "shift"):
            words[stem] = _quantity(value * 100 if unit == "percent" else value, _UNITS[unit])
        elif name in ("timescale", "shift"):
            words[name] = _quantity(value, "steps")
    return f"{{ {', '.join(f'{name} = {value}' for name, value in words.items())} }}"


def in_steps(config: Mapping[str, Any], total: int) -> Callable[[Duration], int]:
    """How the recorded run turns durations into steps."""

    def steps(duration: Duration) -> int:
        return duration.steps(
            batch=config.get("batch_size", 1), examples=config.get("data_size"), total=total
        )

    return steps


def _quantity(value: float, unit: str) -> str:
    return f'"{value:g}%"' if unit == "%" else f'"{value:g} {unit}"'


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list | tuple) else repr(value)
