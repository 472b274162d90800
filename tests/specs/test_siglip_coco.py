"""specs/siglip_coco.toml resolves to every value of big_vision's `siglip_lit_coco.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bvc.spec import load, plain

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "tests" / "reference" / "configs"
SPEC = str(ROOT / "specs" / "siglip_coco.toml")

BERT = {"bert_base": "uncased_L-12_H-768_A-12", "bert_large": "uncased_L-uncased_L-24_H-1024_A-16"}


def expected(config: dict[str, Any]) -> dict[str, Any]:
    """What the config says, in the words of the spec; leaves with no counterpart are listed in the spec's head."""
    data, model, evaluation = config["input"], config["model"], config["evals"]["retrieval_coco"]
    frozen, rest = config["schedule"]
    assert frozen[1] is None and rest[0] == ".*"
    assert config["model_load"] == {
        f"{tower}_load_kw": {"dont_load": ["head/kernel", "head/bias"]} for tower in ("txt", "img")
    }
    large = model["text"]["config"] == "large"
    return {
        "data.train.name": data["data"]["name"],
        "data.train.split": data["data"]["split"],
        "data.train.batch": data["batch_size"],
        "data.train.pipeline": [spelled(op) for op in data["pp"].split("|")],
        "run.length": f"{config['total_steps']:d} steps",
        "run.log": f"{config['log_training_steps']} steps",
        "run.save": f"{config['ckpt_steps']:_} steps",
        "model.type": config["model_name"].rsplit(".", 1)[-1],
        "model.temperature": model["temperature_init"],
        "model.bias": model["bias_init"],
        "model.image.type": model["image_model"],
        "model.image.variant": model["image"]["variant"],
        "model.image.pool": model["image"]["pool_type"],
        "model.image.head_zeroinit": model["image"]["head_zeroinit"],
        "model.image.size": config["init_shapes"][0][1],
        "model.image.init": config["model_init"]["image"].rsplit("/", 1)[-1],
        "model.image.init_skip": ["head/.*"],
        "model.text.type": model["text_model"].rsplit(".", 1)[-1],
        "model.text.size": model["text"]["config"],
        "model.text.head_zeroinit": model["text"]["head_zeroinit"],
        "model.text.length": config["init_shapes"][1][1],
        "model.text.out_dim": model["out_dim"][1],
        "model.text.init": f"bert_{'large' if large else 'base'}_uncased/model.safetensors",
        "model.text.init_skip": ["head/.*"],
        "objective.type": "sigmoid_contrastive",
        "optimizer.type": config["optax_name"].removeprefix("scale_by_").removeprefix("big_vision.scale_by_"),
        "optimizer.lr": config["lr"],
        "optimizer.weight_decay": config["wd"],
        "optimizer.clip_norm": config["grad_clip_norm"],
        "optimizer.schedule.type": rest[1]["decay_type"],
        "optimizer.schedule.warmup": f"{rest[1]['warmup_steps']} steps",
        "optimizer.rules": [{"match": frozen[0].replace("img/", "image/"), "freeze": True}],
        "evals.retrieval_coco.type": evaluation["type"].rsplit(".", 1)[-1],
        "evals.retrieval_coco.prefix": evaluation["prefix"],
        "evals.retrieval_coco.every": f"{evaluation['log_steps']:_} steps",
        "evals.retrieval_coco.data.name": evaluation["dataset"],
        "evals.retrieval_coco.data.split": "test",  # what the evaluator reads unless told otherwise
        "evals.retrieval_coco.image_pipeline": [
            "decode",
            *(spelled(op) for op in evaluation["pp_img"].split("|")),
            "keep('image')",
        ],
        "evals.retrieval_coco.text_pipeline": [spelled(evaluation["pp_txt"]), "keep('text')"],
    }


def spelled(op: str) -> str:
    """An op of big_vision's pipeline as the spec writes it."""
    if op.startswith("bert_tokenize"):
        size = "large" if "L-24" in op else "base"
        vocab = f"vocab='bert_{size}_uncased/vocab.txt'"
        return f"bert_tokenize(from='captions/text', to='text', max_len=16, {vocab})"
    return op.replace('"image", "labels"', "'image', 'text'").replace(",", ", ").replace(",  ", ", ")


def leaves(tree: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {path: tree}
    return {
        key: leaf
        for name, item in tree.items()
        for key, leaf in leaves(item, f"{path}.{name}".strip(".")).items()
    }


@pytest.mark.parametrize(
    ("params", "config"),
    [
        ({}, "proj__image_text__siglip_lit_coco"),
        ({"txt": "bert_large", "img": "L/16"}, "proj__image_text__siglip_lit_coco@txt=bert_large,img=L_16"),
    ],
)
def test_resolves_to_the_values_of_big_vision(params: dict[str, object], config: str) -> None:
    reference = json.loads((REFERENCE / f"{config}.json").read_text())
    found = leaves(plain(load(SPEC, params).tree))
    wanted = expected(reference)
    assert {key: found.get(key) for key in wanted} == wanted
    assert found.keys() - wanted.keys() == {"model.image.posemb"}  # a fragment's default, big_vision's too
