"""Recorded VQ-VAEs of UViM, with their codebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from bvc.library.layers import tap
from bvc.library.layers.codebook import Codebook
from tests.parity._model import Outputs, compare, loaded, renamed, spec
from tests.parity.reference import Comparison, Reference, close, compares

_NAMES = {
    "input_size": "size",
    "patch_size": "patch",
    "num_heads": "heads",
    "with_encoder_ctx": "encoder_context",
    "with_decoder_ctx": "decoder_context",
}


@compares("uvim_vqvae")
def vqvae(reference: Reference) -> Iterator[Comparison]:
    """Codes, logits, gradients and the codebook's next state; or the splitting of codewords alone."""
    if not reference.group("params"):
        yield from _splitting(reference)
        return
    model = recorded_model(reference)
    recorded = reference.group("outputs")

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        x = {name.removeprefix("x/"): value for name, value in inputs.items() if name.startswith("x/")}
        ctx = inputs.get("ctx")
        with tap.capture() as captured:
            ours = model(x, ctx)
        decoded = model.decode(jnp.asarray(recorded["eval/code"]), ctx)
        found: dict[str, Array] = {f"eval_discrete_decode/{name}": value for name, value in decoded.items()}
        found["codewords"] = model.codebook.codewords()
        if "eval/code_margin" in recorded:  # says only how sure each code was
            found["eval/code_margin"] = jnp.asarray(recorded["eval/code_margin"])
        advanced = model.advanced(ours["counts"], ours["sums"], key=jax.random.key(0))
        for case, after in (("eval", model), ("train_update_true", advanced), ("train_update_false", model)):
            found |= _everything(case, ours, captured, after)
        loss = sum(jnp.mean(jnp.square(logits)) for logits in ours["logits"].values())
        if model.quantizer == "vq":
            away = ours["bottleneck"] - jax.lax.stop_gradient(ours["bottleneck_q"])
            loss = loss + 0.25 * jnp.mean(jnp.square(away))
        return jnp.asarray(loss), found

    yield from compare(reference, model, forward)


def recorded_model(reference: Reference) -> Any:
    """The recorded model with its parameters and its codebook."""
    unseen = ("statistics_axis_name", "rep_size", "reinit")
    kwargs = renamed(reference.meta["kwargs"], _NAMES, unseen=unseen)
    kwargs["quantizer"] = "vq" if kwargs.pop("quantize", True) else "none"
    files = {
        f"{group}/{name}": leaf
        for group in ("params", "state")
        for name, leaf in reference.group(group).items()
    }
    return loaded(spec({"type": "vqvae", **kwargs}), files)


def _everything(case: str, ours: Mapping[str, Any], captured: Outputs, after: Any) -> dict[str, Array]:
    counts = ours["counts"]
    found = {
        **{name: value for name, value in captured.items() if name.startswith("stem/")},
        **{name: ours[name] for name in ("bottleneck", "bottleneck_q", "code")},
        **{f"logits/{name}": value for name, value in ours["logits"].items()},
        "codebook_max_ratio": jnp.max(counts) / jnp.sum(counts),
        "codebook_zeros_ratio": jnp.mean(counts == 0),
        "new_state/counts": after.codebook.counts,
        "new_state/dictionary": after.codebook.dictionary,
    }
    return {f"{case}/{name}": value for name, value in found.items()}


def _splitting(reference: Reference) -> Iterator[Comparison]:
    inputs = reference.group("inputs")
    codebook = Codebook(jnp.asarray(inputs["dictionary"]), jnp.asarray(inputs["counts"]))
    key = jax.random.wrap_key_data(jnp.asarray(inputs["rng"]))
    steps = {"one_step": codebook.split(key)}

    @eqx.filter_jit
    def until(codebook: Codebook, key: Array) -> tuple[Codebook, Array]:
        return jax.lax.while_loop(
            lambda carry: jnp.any(carry[0].counts < 0.1),
            lambda carry: carry[0].split(carry[1]),
            (codebook, key),
        )

    steps["until_min_count_0.1"] = until(codebook, key)
    for name, (after, rest) in steps.items():
        ours = {
            "dictionary": after.dictionary,
            "counts": after.counts,
            "rng": np.asarray(jax.random.key_data(rest)),
        }
        for part, value in ours.items():
            yield close(f"{name}/{part}", value, reference.group("outputs")[f"{name}/{part}"], 1e-5)
