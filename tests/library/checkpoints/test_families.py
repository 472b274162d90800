"""Every recorded file is told by its names, and no model claims another's."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from bvc.library.checkpoints.families import recognize

MODELS = {
    "bert": "bert",
    "bit": "bit",
    "bit_paper": "bit_paper",
    "cappa": "cappa",
    "clippo": "one_tower",
    "flexi": "flexivit or vit",
    "givt": "givt",
    "givt_adaptor": "givt_adaptor",
    "givt_vae_cnn": "cnn_vae",
    "givt_vae_vit": "vit_vae",
    "mixer": "mlp_mixer",
    "text": "text_transformer",
    "two_towers": "two_towers",
    "uvim_vqvae": "vqvae",
    "uvim_vtt": "vtt",
    "vit": "flexivit or vit",
}
"""Beginning of a file's name -> who may read it; the longest that fits."""


def test_recorded_files() -> None:
    told = 0
    for file in sorted((Path(__file__).parents[2] / "reference" / "models").glob("*.npz")):
        # The files hold text beside their arrays: only names are looked at.
        names = [name for name in listed(file) if name.startswith(("params/", "state/"))]
        if not names:
            continue
        family = recognize(names)
        expected = MODELS[max((each for each in MODELS if file.stem.startswith(each)), key=len)]
        assert family is not None and " or ".join(family.models) == expected, file.stem
        assert family.stacked == any("encoderblock/" in name or "EncDecBlock/" in name for name in names)
        told += 1
    assert told > 70


def listed(file: Path) -> list[str]:
    """Names of a zip archive's members."""
    with zipfile.ZipFile(file) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ["vision_model.embeddings.patch_embedding.weight", "text_model.embeddings.position_ids"],
            "two_towers",
        ),
        (["vision_model.embeddings.patch_embedding.weight"], "vit"),
        (["text_model.embeddings.token_embedding.weight"], "text_transformer"),
        (["vit.embeddings.cls_token"], "vit"),
        (["bert.embeddings.word_embeddings.weight"], "bert"),
        (["bert/embeddings/word_embeddings"], "bert"),
        (["resnet/root_block/standardized_conv2d/kernel"], "bit_paper"),
        (["opt/target/Mixer/encoderblock_0/LayerNorm_0/bias"], "mlp_mixer"),
        (["ema_params/encoder/Conv_0/kernel", "ema_params/decoder/Conv_0/kernel"], "cnn_vae"),
        (["Transformer/encoder_norm/bias"], None),
        ([], None),
    ],
)
def test_other_writers(names: list[str], told: str | None) -> None:
    family = recognize(names)
    assert (family and " or ".join(family.models)) == told
