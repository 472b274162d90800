"""Recorded encoder-decoders: UViM's second stage and CapPa, with their samplers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from bvc.library.layers import tap
from bvc.library.layers.sampling import Noise, gumbel, sample
from tests.parity._model import Outputs, compare, loaded, spec
from tests.parity.reference import Comparison, Reference, compares

# The files do not say temperature and top_p of these; of a grid of plain values only these reproduce all three.
_STOCHASTIC: dict[str, dict[str, Any]] = {
    "prng7_temperature": {"temperature": 0.7},
    "prng7_topk5": {"top_k": 5},
    "prng7_nucleus": {"top_p": 0.5},
}


_DEFAULTS: dict[str, Any] = {
    "num_heads": 8,
    "num_layers": 6,
    "mlp_dim": 2048,
    "emb_dim": 512,
    "vocab_size": 32_000,
    "seq_len": 256,
    "patches": [16, 16],
}


def _vtt(reference: Reference) -> dict[str, Any]:
    kwargs = _DEFAULTS | reference.meta["kwargs"]
    posemb = kwargs.get("posemb_type", "sincos2d")
    shape = {
        "width": kwargs["emb_dim"],
        "depth": kwargs["num_layers"],
        "heads": kwargs["num_heads"],
        "mlp_dim": kwargs["mlp_dim"],
        "posemb": posemb,
        "dropout": kwargs.get("dropout_rate", 0.0),
    }
    encoder = {"type": "vit", "patch": kwargs["patches"]["size"], "pool": "none", **_seen(reference, posemb)}
    return {
        "type": "vtt",
        "vocab": kwargs["vocab_size"],
        "length": kwargs["seq_len"],
        "zero_decoder_seq": kwargs.get("zero_decoder_seq", False),
        **shape,
        "encoder": encoder | shape,
    }


def _seen(reference: Reference, posemb: str) -> dict[str, Any]:
    """What an encoder has to know of the images."""
    size = list(reference.group("inputs")["image"].shape[1:3])
    return {"posemb": posemb, "remainder": "cut", "size": size if posemb == "learn" else None}


def _cappa(reference: Reference) -> dict[str, Any]:
    kwargs = _DEFAULTS | reference.meta["kwargs"]
    posemb = kwargs.get("posemb_type", "learn")
    encoder = {
        "type": "vit",
        "width": kwargs["emb_dim"],
        "depth": kwargs["num_layers"],
        "heads": kwargs["num_heads"],
        "mlp_dim": kwargs["mlp_dim"],
        "patch": kwargs["patches"],
        **_seen(reference, posemb),
        "dropout": kwargs.get("enc_dropout_rate", 0.0),
    }
    return {
        "type": "cappa",
        "vocab": kwargs["vocab_size"],
        "length": kwargs["seq_len"],
        "width": kwargs.get("decoder_emb_dim") or kwargs["emb_dim"],
        "posemb": posemb,
        "depth": kwargs.get("decoder_num_layers") or kwargs["num_layers"],
        "heads": kwargs.get("decoder_num_heads") or kwargs["num_heads"],
        "mlp_dim": kwargs.get("decoder_mlp_dim") or kwargs["mlp_dim"],
        "bias": kwargs.get("decoder_bias", True),
        "dropout": kwargs.get("dec_dropout_rate", 0.0),
        "masked_pred_prob": kwargs.get("masked_pred_prob", 0.0),
        "masking_ratio": kwargs.get("masking_ratio", 0.0),
        "encoder": encoder,
    }


@compares("uvim_vtt", "cappa")
def decoder(reference: Reference) -> Iterator[Comparison]:
    """Teacher-forced outputs, gradients, and sampled sequences."""
    cappa = reference.meta["family"] == "cappa"
    model = loaded(spec(_cappa(reference) if cappa else _vtt(reference)), reference.group("params"))
    sampled = _sampled(reference, model)
    recorded = reference.group("outputs")
    train = reference.meta["call"].get("train", False)
    mixed = train and 0 < reference.meta["kwargs"]["masked_pred_prob"] < 1

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        image, text = inputs["image"], inputs["text"]
        with tap.capture() as captured:
            if mixed:  # what big_vision's draws selected is recorded; ours would differ
                encoded = model.encoder.encode(image)
                tokens = jnp.asarray(recorded["decoder_input_tokens"])
                mask = jnp.asarray(recorded["decoder_mask"]) > 0
                tap.tap("decoder_input_tokens", tokens)
                tap.tap("decoder_mask", mask)
                tap.tap("encoded", encoded)
                logits = model.decoder(tokens, encoded, mask=mask)
            else:
                keys = jax.random.split(jax.random.key(0), len(image)) if train else None
                logits = model(image, text, keys=keys)["logits"]
        entropy = -jnp.take_along_axis(jax.nn.log_softmax(logits), text[..., None], axis=-1)[..., 0]
        counted = (text != 0).astype(jnp.float32) if cappa else jnp.ones(text.shape)
        loss = jnp.sum(entropy * counted) / jnp.sum(counted)
        captured["decoder_mask"] = jnp.asarray(captured.get("decoder_mask", 0), jnp.float32)
        captured["enc_out/with_posemb"] = captured.get("enc_out/with_posemb", captured.get("with_posemb"))
        encoded = model.encoder.encode(image)
        return loss, {**captured, "encoded": encoded, "logits": logits, "cross_entropy": entropy}

    yield from compare(reference, model, forward, more=sampled)


def _sampled(reference: Reference, model: Any) -> dict[str, np.ndarray]:
    """Everything that was recorded of the samplers, by the recorded names."""
    recorded = reference.group("outputs")
    tags = sorted({name.split("/")[0] for name in recorded if name.endswith("/sequences")})
    found: dict[str, np.ndarray] = {}
    for tag in tags:
        if tag.startswith("greedy_recompute"):
            continue
        options: dict[str, Any] = {}
        noise: Noise | None = None
        if tag.startswith("prng7"):
            noise = _chained(jax.random.PRNGKey(7))
            options = _STOCHASTIC[tag]
        elif tag.startswith("topk1"):
            noise, options = gumbel(jax.random.split(jax.random.key(0), 3)), {"top_k": 1}
        samples = recorded[f"{tag}/sequences"].shape[1]
        prompts = reference.group("inputs")["prompts_forced" if tag.endswith("forced") else "prompts_zero"]
        ours = _sample(model, reference.group("inputs")["image"], prompts, noise, samples, options, tag)
        found |= {f"{tag}/{name}": value for name, value in ours.items()}
        if tag.startswith("argmax") and f"greedy_recompute_{tag.split('_')[-1]}/sequences" in recorded:
            greedy = f"greedy_recompute_{tag.split('_')[-1]}"
            found[f"{greedy}/sequences"] = ours["sequences"][:, 0]
            found[f"{greedy}/margin"] = recorded[f"{greedy}/margin"]  # says only how sure each choice was
    return found


def _sample(
    model: Any,
    image: np.ndarray,
    prompts: np.ndarray,
    noise: Noise | None,
    samples: int,
    options: Mapping[str, Any],
    tag: str,
) -> dict[str, np.ndarray]:
    end = -1 if "noeos" in tag else 1

    @eqx.filter_jit
    def run(model: Any, image: Array, prompts: Array) -> Any:
        cache = model.decoder.start(model.encoder.encode(image))
        return sample(model.decoder.step, cache, prompts, noise, end=end, **options)

    repeated = [jnp.repeat(jnp.asarray(array), samples, axis=0) for array in (image, prompts)]
    ours = {name: np.asarray(value) for name, value in run(model, *repeated).items()}
    # big_vision stops when every sequence of the batch has ended, and until then counts token 0 after an end.
    ended = (ours["sequences"] == end).any(axis=1)
    steps = (ours["sequences"] == end).argmax(axis=1).max() + 1 if ended.all() else prompts.shape[1]
    logprobs = np.where(np.arange(prompts.shape[1]) < steps, ours["logprobs"], 0.0)
    return {
        "sequences": ours["sequences"].reshape(len(image), samples, -1),
        "logprobs": logprobs.reshape(len(image), samples, -1),
        "scores": logprobs.sum(axis=1).reshape(len(image), samples),
    }


def _chained(key: Array) -> Noise:
    """big_vision's randomness: one key for the whole batch, split at every token."""

    def noise(index: Array, shape: tuple[int, int]) -> Array:
        def split(_: Array, key: Array) -> Array:
            return jax.random.split(key)[1]

        here = jax.lax.fori_loop(0, index, split, key)
        return jax.random.gumbel(jax.random.split(here)[0], shape)

    return noise
