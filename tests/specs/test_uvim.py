"""specs/uvim_*.toml resolve to every value of big_vision's two configs of panoptic UViM."""

from __future__ import annotations

from typing import Any

import pytest

from .big_vision import Flat, config, pipeline, resolved

STAGE1, STAGE2 = "uvim_vqvae_coco_panoptic.toml", "uvim_coco_panoptic.toml"
SPELLED = {
    "randu('fliplr')": "randu(to='fliplr')",
    "crop_box(key='image')": "crop_box('image', 'labels')",
    "resize(512, inkey='image', outkey='image_ctx')": "resize(512, from='image', to='image_ctx')",
}
EPOCHS = {"stage1": {1024: 1000, 128: 100}, "stage2": {512: 200, 32: 50}}
"""By batch: `:singlehost` writes the second number to `num_epochs`, which nothing reads."""

AUTOENCODER = {
    "input_size": "size",
    "patch_size": "patch",
    "num_heads": "heads",
    "with_encoder_ctx": "encoder_context",
    "with_decoder_ctx": "decoder_context",
}


def ops(text: str) -> list[str]:
    """Our calls for their pipeline; one of our `crop_box` crops both."""
    return [SPELLED.get(call, call) for call in pipeline(text) if call != "crop_box(key='labels')"]


def common(config: Flat, stage: str) -> Flat:
    """What both stages say of data, optimizer and run."""
    data, schedule = config["input"], config["schedule"]
    assert config["optax_name"] == "big_vision.scale_by_adafactor" and schedule["decay_type"] == "cosine"
    return {
        "data.train.name": data["data"]["name"],
        "data.train.split": data["data"]["split"],
        "data.train.batch": data["batch_size"],
        "data.train.pipeline": ops(data["pp"]),
        "optimizer.type": "adafactor",
        "optimizer.beta2_cap": config["optax"]["beta2_cap"],
        "optimizer.lr": config["lr"],
        "optimizer.weight_decay": config["wd"],
        "optimizer.schedule.type": "cosine",
        "optimizer.schedule.warmup": f"{schedule['warmup_steps']:_} steps",
        "run.length": f"{EPOCHS[stage][data['batch_size']]} epochs",
        "run.log": f"{config['log_training_steps']} steps",
        "run.save": f"{config['ckpt_steps']:_} steps",
        "run.keep": f"{config['keep_ckpt_steps']:_} steps",
    }


def autoencoder(model: Flat, path: str) -> Flat:
    """A first stage."""
    maps = {"inputs": model["inputs"], "outputs": model["outputs"]}
    assert maps["inputs"] == maps["outputs"]
    found: Flat = {f"{path}.type": "label_autoencoder", f"{path}.autoencoder.type": "vqvae"}
    for group, shapes in maps.items():
        found |= {f"{path}.autoencoder.{group}.{name}": shape for name, shape in shapes.items()}
    for name, value in model.items():
        if name not in maps:
            found[f"{path}.autoencoder.{AUTOENCODER.get(name, name)}"] = value
    codec = {"type": "panoptic", "size": model["input_size"][0], "patch": model["patch_size"][0]}
    codec |= {name: shape[0] for name, shape in model["inputs"].items()}
    return found | {f"{path}.codec.{name}": value for name, value in codec.items()}


def evaluations(config: Flat, view: Any, val: Flat) -> Flat:
    """The mean of the loss, and panoptic quality on three parts."""
    found: Flat = {}
    for name, table in config["evals"].items():
        if table["type"].endswith("compute_mean"):
            own = {**val, "data.name": table["data"]["name"], "data.split": table["data"]["split"]}
            calls = ops(table["pp_fn"])
        else:
            own = {"type": "panoptic_quality", "prefix": f"{name}/", "view": view}
            own |= {"data.name": "coco/2017_panoptic", "data.split": table["split"]}
            own |= {"feeds.image_id": "batch.image/id"}
            # theirs decodes by itself, and knows the number of an image
            files = f"panoptic_{'val' if table['split'] == 'validation' else 'train'}2017"
            own |= {"annotations": f"{files}.json", "maps": f"{files}.zip"}
            calls = ops(f"decode|{table['pp_fn']}")
            last = calls.pop()
            calls.append(last if "image/id" in last else last.replace(")", ", 'image/id')"))
        own |= {"every": f"{table['log_steps']:_} steps", "pipeline": calls}
        found |= {f"evals.{name}.{key}": value for key, value in own.items()}
    return found


def stage1(config: Flat) -> Flat:
    assert config["freeze_dict"] is False and config["w_commitment"] == 0.0
    val = {"type": "mean", "view": "losses", "metric": "loss", "feeds.value": "view.loss"}
    return {
        **common(config, "stage1"),
        **autoencoder(config["model"], "model"),
        **evaluations(config, "predict", val),
        "optimizer.clip_norm": config["grad_clip_norm"],
        "objective.type": "model_loss",
    }


def stage2(config: Flat) -> Flat:
    oracle, model = config["oracle"], config["model"]
    assert [pair for pair in config["lr_mults"] if pair[1] != 1.0] == [
        [f"{name}.*", 0.1] for name in ("pos_embedding_encoder", "EmbedPatches", "encoder")
    ]  # all parts of our `encoder`
    val = {"type": "perplexity", "view": ["frozen.oracle.codes", "logits"], "per_token": True}
    return {
        **common(config, "stage2"),
        **autoencoder(
            oracle["model"] | {"dict_momentum": 0.995}, "frozen.oracle"
        ),  # a frozen one has no use for it
        **evaluations(
            config,
            [{"name": "generate", "ends": False}, "frozen.oracle.decode"],
            {**val, "feeds.labels": "view.tokens"},
        ),
        "frozen.oracle.autoencoder.init": oracle["model_init"].rpartition("/")[2],
        "frozen.oracle.feeds.image": "batch.image_ctx",
        "model.type": "vtt",
        "model.width": model["emb_dim"],
        "model.depth": model["num_layers"],
        "model.heads": model["num_heads"],
        "model.mlp_dim": model["mlp_dim"],
        "model.posemb": model["posemb_type"],
        "model.vocab": model["vocab_size"],
        "model.length": model["seq_len"],
        "model.feeds.text": "frozen.oracle.tokens",
        "model.encoder.type": "vit",
        "model.encoder.variant": config["model_init"]["encoder"].removeprefix("howto-i21k-"),
        "model.encoder.size": model["input_size"],
        "model.encoder.pool": "none",
        "model.encoder.init": "L_16-i21k-300ep-lr_0.001-aug_strong1-wd_0.1-do_0.0-sd_0.0.npz",
        "model.encoder.init_skip": ["cls", "head/.*"],
        "objective.type": "token_xent",
        "objective.feeds.labels": "frozen.oracle.tokens",
        "optimizer.rules": [{"match": "encoder/.*", "lr_mult": 0.1}],
    }


@pytest.mark.parametrize("params", ["", "singlehost"])
@pytest.mark.parametrize(
    ("spec", "name", "wanted"),
    [
        (STAGE1, "vqvae_coco_panoptic", stage1),
        (STAGE2, "train_coco_panoptic_pretrained", stage2),
    ],
)
def test_resolves_to_the_values_of_big_vision(spec: str, name: str, wanted: Any, params: str) -> None:
    theirs = wanted(config(f"proj__uvim__{name}{'@' * bool(params)}{params}"))
    ours = resolved(spec, params)
    differing = {
        path: (ours.get(path), theirs.get(path))
        for path in ours.keys() | theirs.keys()
        if ours.get(path) != theirs.get(path)
    }
    assert differing == {}
