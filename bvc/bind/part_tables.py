"""The tables of the parts of a step: which keys they take, of what type. Read like those of `tables.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from bvc.component.annotation import Fraction, NonNegative, Varying


@dataclass(frozen=True)
class FrozenTable:
    """`[frozen.NAME]`: a model that never changes; besides the keys of every model.

    Settings:
        random: draw what is random in it (the noise of a VAE, dropout); by default it answers as in an evaluation
    """

    random: bool = False


@dataclass(frozen=True)
class SumTable:
    """`[objective]` as a weighted sum, instead of a `type`.

    Settings:
        terms: name -> objective; each is logged as `loss_NAME`
    """

    terms: Any


@dataclass(frozen=True)
class TermTable:
    """`[objective.terms.NAME]`: besides the settings of its `type`.

    Settings:
        weight: factor of this term in the sum; also `{ peak = 0.5, type = "linear", warmup = "10%" }`
    """

    weight: Annotated[float, Varying(0)] = 1.0


@dataclass(frozen=True)
class PrecisionTable:
    """`[precision]`: in which dtypes the step works; that of matrix products is `dtype` of each model.

    Settings:
        parameters: dtype in which the model's parameters are kept, and with them the optimizer's state
        reduce: dtype in which gradients are summed over devices
    """

    parameters: Literal["float32", "bfloat16"] = "float32"
    reduce: Literal["float32", "bfloat16"] = "float32"


@dataclass(frozen=True)
class PerturbationTable:
    """`[perturbation]`: gradients at the worst parameters nearby (SAM, and with `alpha` GSAM).

    Settings:
        rho: how far the parameters are moved; two numbers follow the learning rate from its lowest to its highest
        lr: the lowest and the highest learning rate for two numbers of `rho`; by default 0 and `optimizer.lr`
        alpha: how strongly the gap between the loss there and here is minimized, too (GSAM)
        adaptive: move every parameter in proportion to its size
        minimize: whose loss is minimized: that of the perturbed parameters, or of the clean ones
        schedule: factor on a single `rho` over the run
    """

    rho: NonNegative | tuple[NonNegative, NonNegative]
    lr: tuple[NonNegative, NonNegative] | None = None
    alpha: NonNegative = 0.0
    adaptive: bool = False
    minimize: Literal["perturbed", "clean"] = "perturbed"
    schedule: Any = None


@dataclass(frozen=True)
class EmaTable:
    """`[ema]`: an exponential moving average of the parameters, which evaluations may use.

    Settings:
        decay: what remains of the average in a step
        schedule: factor on the decay over the run
    """

    decay: Fraction
    schedule: Any = None


@dataclass(frozen=True)
class DrawTable:
    """`[draws.NAME]`: a value drawn for each step; `feeds = { port = "draws.NAME" }` reads it.

    Settings:
        values: what is drawn from
        weights: how likely each value is; by default all alike
        static: it is a setting of the model's call, and the step is compiled ahead for each value
    """

    values: tuple[int | float, ...]
    weights: tuple[NonNegative, ...] | None = None
    static: bool = False
