"""What a component is made of. Everything that a component's file needs is importable from here.

Names are loaded on first use, so that reading a component's declaration does not load jax.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bvc.component.annotation import Bytes as Bytes
    from bvc.component.annotation import Codec as Codec
    from bvc.component.annotation import Count as Count
    from bvc.component.annotation import Data as Data
    from bvc.component.annotation import Depth as Depth
    from bvc.component.annotation import Encoded as Encoded
    from bvc.component.annotation import Fraction as Fraction
    from bvc.component.annotation import InputFile as InputFile
    from bvc.component.annotation import Interval as Interval
    from bvc.component.annotation import Kind as Kind
    from bvc.component.annotation import Model as Model
    from bvc.component.annotation import NonNegative as NonNegative
    from bvc.component.annotation import Pipeline as Pipeline
    from bvc.component.annotation import Scheduled as Scheduled
    from bvc.component.annotation import Steps as Steps
    from bvc.component.annotation import Text as Text
    from bvc.component.annotation import Texts as Texts
    from bvc.component.annotation import View as View
    from bvc.component.declare import component as component
    from bvc.component.declare import view as view
    from bvc.component.error import DataError as DataError
    from bvc.component.error import PortError as PortError
    from bvc.component.error import SettingError as SettingError
    from bvc.component.evaluation import Stream as Stream
    from bvc.component.feature import Feature as Feature
    from bvc.component.feature import Features as Features
    from bvc.component.loss import Loss as Loss
    from bvc.component.mesh import MeshContext as MeshContext
    from bvc.component.mutable import Mutable as Mutable
    from bvc.component.mutable import advances as advances
    from bvc.component.shard import complete as complete
    from bvc.component.shard import gather as gather
    from bvc.component.shard import offset_along as offset_along
    from bvc.component.source import Missing as Missing
    from bvc.component.source import Records as Records
    from bvc.component.stack import Stack as Stack
    from bvc.component.stack import layers as layers  # pyright: ignore[reportUnknownVariableType]

_HOMES = {
    "annotation": (
        *("Bytes", "Codec", "Count", "Data", "Depth", "Encoded", "Fraction", "InputFile", "Interval"),
        *("Kind", "Model", "NonNegative", "Pipeline", "Scheduled", "Steps", "Text", "Texts", "View"),
    ),
    "declare": ("component", "view"),
    "error": ("DataError", "PortError", "SettingError"),
    "evaluation": ("Stream",),
    "feature": ("Feature", "Features"),
    "loss": ("Loss",),
    "mesh": ("MeshContext",),
    "mutable": ("Mutable", "advances"),
    "shard": ("complete", "gather", "offset_along"),
    "source": ("Missing", "Records"),
    "stack": ("Stack", "layers"),
}
_HOME = {name: module for module, exported in _HOMES.items() for name in exported}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"bvc.component.{_HOME[name]}"), name)
