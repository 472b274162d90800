"""Recorded GIVTs: densities, gradients, generated sequences, and the steps of masked decoding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from bvc.library.layers import tap
from bvc.library.layers.guidance import Guided
from bvc.library.layers.masking import lowest, mask_rate, still_hidden
from bvc.library.layers.mixture import Mixture, mixture
from tests.parity._model import Outputs, below, compare, loaded, spec
from tests.parity.reference import Comparison, Reference, close, compares

_TEMPERED = "log_prob_temp_scales0.9_probs1.3"


_DEFAULTS: dict[str, Any] = {
    "num_heads": 8,
    "num_layers": 0,
    "num_decoder_layers": 6,
    "mlp_dim": 2048,
    "emb_dim": 512,
    "num_labels": 1000,
    "seq_len": 256,
    "out_dim": 32,
    "num_mixtures": 4,
    "patches": [16, 16],
}


def _settings(reference: Reference) -> dict[str, Any]:
    kwargs = _DEFAULTS | reference.meta["kwargs"]
    shape = {"width": kwargs["emb_dim"], "heads": kwargs["num_heads"], "mlp_dim": kwargs["mlp_dim"]}
    found = {
        "type": "givt",
        **shape,
        "depth": kwargs["num_decoder_layers"] or kwargs["num_layers"],
        "dropout": kwargs.get("dec_dropout_rate", 0.0),
        "labels": kwargs["num_labels"],
        "length": kwargs["seq_len"],
        "out_dim": kwargs["out_dim"],
        "mixtures": kwargs["num_mixtures"],
        "density": _density(kwargs),
        "style": kwargs.get("style", "ar"),
        "mask_style": kwargs.get("mask_style", "replace"),
        "schedule": kwargs.get("mask_schedule_train", "cosine"),
        "min_masking_rate": kwargs.get("min_masking_rate_training", 0.3),
        "scale_tolerance": kwargs.get("scale_tol", 1e-6),
        "fix_square_plus": kwargs.get("fix_square_plus", False),
        "drop_labels": kwargs.get("drop_labels_probability", 0.0),
    }
    if kwargs["num_layers"]:
        found["encoder"] = {
            "type": "vit",
            **shape,
            "depth": kwargs["num_layers"],
            "patch": kwargs["patches"],
            "size": list(reference.group("inputs")["image"].shape[1:3]),
            "remainder": "cut",
            "pool": "none",
            "dropout": kwargs.get("enc_dropout_rate", 0.0),
        }
    return found


def _density(kwargs: Mapping[str, Any]) -> str:
    if kwargs.get("multivariate"):
        return "full"
    return "channel" if kwargs.get("per_channel_mixtures", True) else "vector"


@compares("givt")
def givt(reference: Reference) -> Iterator[Comparison]:
    """One GIVT, or its parts alone."""
    if not reference.group("params"):
        yield from _parts(reference)
        return
    model = loaded(spec(_settings(reference)), reference.group("params"))
    if "decode_masked" in reference.meta["call"]:
        yield from _masked_decoding(reference, model)
        return

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        sequence, labels = inputs["sequence"], inputs.get("labels")
        encoded = model.encoded(inputs.get("image"), None)
        hidden = inputs.get("input_mask")
        with tap.capture() as captured:
            logits = model.predict(sequence, labels, encoded, hidden=hidden)
        density = model.density_of(logits)
        blocks = {name: value for name, value in captured.items() if name.startswith("block")}
        found = {
            "logits": logits,
            "log_prob": density.log_prob(sequence),
            _TEMPERED: model.density_of(logits, 0.9, 1.3).log_prob(sequence),
            "encoded": encoded,
            "reps/pre_logits": jnp.mean(captured["decoded"], axis=1),
            **{f"reps/block{int(name[5:])}_rep": jnp.mean(value, axis=1) for name, value in blocks.items()},
            **{f"pdf/{name}": value for name, value in _parameters(density).items()},
        }
        if "drop_labels" in inputs:
            found["logits_dropped_labels"] = model.predict(
                sequence, labels, encoded, hidden=hidden, dropped=inputs["drop_labels"]
            )
        return -jnp.mean(found["log_prob"]), found

    yield from compare(_without_sequences(reference), model, forward)
    if "generate_mean_temp0/sequence" in reference.group("outputs"):
        yield from _generated(reference, model)


def _parameters(density: Mixture) -> dict[str, Array]:
    if density.logits is None:
        return {"loc": density.loc, "scale_tri": density.scale}
    return {"mixture_probs": density.probs, "loc": density.loc, "scale": density.scale}


def _without_sequences(reference: Reference) -> Reference:
    """What is sampled is compared apart; `generate_prng` follows distrax's draws and is informative only."""
    outputs = {
        name: leaf for name, leaf in reference.group("outputs").items() if not name.startswith("generate_")
    }
    return Reference(reference.file, reference.meta, {**reference.arrays, "outputs": outputs})


def _generated(reference: Reference, model: Any) -> Iterator[Comparison]:
    inputs, theirs = reference.group("inputs"), reference.group("outputs")["generate_mean_temp0/sequence"]
    labels = jnp.asarray(inputs.get("labels", np.zeros(len(theirs), np.int32)))
    image = jnp.asarray(inputs["image"]) if "image" in inputs else None
    keys = jax.random.split(jax.random.key(0), len(theirs))
    generate = eqx.filter_jit(lambda model: model.generate(labels, image, temperature=1e-6, keys=keys))
    yield close("generate_mean_temp0/sequence", generate(model), theirs, 1e-4)


def _masked_decoding(reference: Reference, model: Any) -> Iterator[Comparison]:
    """Each recorded step: what the model says of its input, how dense its draws are, how many are uncovered."""
    model = jax.tree.map(jnp.asarray, model)
    outputs = reference.group("outputs")
    labels = jnp.asarray(reference.group("inputs")["labels"])
    config = reference.meta["call"]["decode_masked"]
    weight, steps = config.get("cfg_inference_weight", 0.0), config["num_steps"]
    everyone = jnp.ones(labels.shape, bool)
    uncovered = np.zeros(outputs["uncovered_per_step"].shape[1:], bool)
    codes = jnp.asarray(outputs["all_inputs_q"])
    yield close("final", codes[-1], outputs["final"], 0.0)
    for number in range(steps):
        hidden = jnp.asarray(~uncovered)
        logits = model.predict(codes[number], labels, None, hidden=hidden)
        yield close(f"logits_per_step/{number}", logits, outputs["logits_per_step"][number], 1e-5)
        density: Mixture | Guided = model.density_of(logits)
        if weight:
            free = model.predict(codes[number], labels, None, hidden=hidden, dropped=everyone)
            yield close(
                f"uncond_logits_per_step/{number}", free, outputs["uncond_logits_per_step"][number], 1e-5
            )
            keys = jax.random.split(jax.random.key(0), len(labels))
            density = Guided.between(model.density_of(logits), model.density_of(free), weight, keys)
        now = outputs["uncovered_per_step"][number]
        known = now | uncovered
        dense = np.exp(np.asarray(density.token_log_prob(codes[number + 1])))[known]
        yield close(f"prob_per_step/{number}", dense, outputs["prob_per_step"][number][known], 1e-4)
        ours = still_hidden(
            hidden,
            jnp.log(outputs["prob_per_step"][number]),
            jnp.asarray((number + 1) / steps),
            schedule="cosine",
            temperature=0.0,
            keys=jax.random.split(jax.random.key(0), len(labels)),
        )
        if config.get("choice_temperature") == 0.0:
            yield close(f"uncovered_per_step/{number}", np.asarray(hidden & ~ours), now, 0.0)
        counts = np.asarray((hidden & ~ours).sum(axis=-1))
        yield close(f"uncovered_per_step/{number} (how many)", counts, now.sum(axis=-1), 0.0)
        uncovered = known


def _parts(reference: Reference) -> Iterator[Comparison]:
    inputs = {name: jnp.asarray(value) for name, value in reference.group("inputs").items()}
    ours: dict[str, Array] = {
        "bottom_k_mask": lowest(inputs["conf"], inputs["k"]),
        "mask_by_random_topk_temp0": lowest(jnp.log(inputs["probs"]), inputs["k"]),
    }
    for name in ("cosine", "pow2", "pow0.5", "pow3.3"):
        ours[f"schedule/{name}"] = mask_rate(inputs["ratio"], name.replace("pow", "pow:"))
    for weight in (0.5, 2.0):
        pdf = Guided(*(inputs[name] for name in ("loc_c", "scale_c", "loc_u", "scale_u")), weight)
        values = pdf.log_prob(inputs["x"])
        parts = {
            "log_prob": values,
            "prob": jnp.exp(values),
            "fac": pdf.factor(),
            "proposal_scale": pdf.proposal_scale,
        }
        ours |= {f"cfg_w{weight}/{name}": value for name, value in parts.items()}
    for name in sorted({key.split("/")[0] for key in inputs if key.startswith("pdf_")}):
        logits, x = (below(inputs, name)[part] for part in ("logits", "x"))  # type: ignore[arg-type]
        layout = {"perchannel": "channel", "gmm": "vector", "multivariate": "full"}[name.split("_")[1]]
        mixtures = {"channel": logits.shape[-1] // (3 * x.shape[-1]), "vector": 3, "full": 1}[layout]
        density = mixture(logits, x.shape[-1], mixtures, layout, fix_square_plus=name.endswith("fixsp"))
        ours |= {f"{name}/{part}": value for part, value in _parameters(density).items()}
        ours[f"{name}/log_prob"] = density.log_prob(x)
    for name, theirs in reference.group("outputs").items():
        yield close(name, ours[name], theirs, 1e-5)
