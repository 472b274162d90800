"""The fifteen drafts resolve, and to the values of big_vision's resolved configs."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from bvc.spec import load, plain
from bvc.spec.show import show

from .big_vision import config, flat, translated

DRAFTS = Path(__file__).parent.parent / "drafts"


@pytest.fixture(autouse=True)
def draft_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drafts keep their own standard library: the real one follows the components."""
    monkeypatch.setattr("bvc.spec.files.stdlib_root", lambda: DRAFTS / "stdlib")


@pytest.mark.parametrize("path", sorted(DRAFTS.glob("*.toml")), ids=lambda path: path.stem)
def test_draft_resolves(path: Path, tmp_path: Path) -> None:
    spec = load(str(path))
    assert spec.doc
    assert not spec.warnings
    for origin in (False, True):
        shown = tmp_path / "shown.toml"
        shown.write_text(show(spec, origin), encoding="utf-8")
        again = load(str(shown))
        assert plain(again.tree) == plain(spec.tree)
        assert again.doc == spec.doc


@dataclass(frozen=True)
class Case:
    """A draft and the config that it must resolve to.

    `names` adds to the table of names; `nowhere` are their leaves without counterpart; `ours` are
    leaves (patterns) that big_vision keeps in code and not in the config; `differs` are the leaves with
    another value, which is given.
    """

    spec: str
    config: str
    params: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    nowhere: str = ""
    ours: str = ""
    differs: dict[str, Any] = field(default_factory=dict)


DISTILL = {
    "distance": "objective.kind",
    "distance_kw.t": "objective.t",
    "student_name": "model.type",
    "student_init": "model.init",
    "student.depth": "model.depth",
    "student.width": "model.width",
    "student.variant": "model.variant",
    "student.pool_type": "model.pool",
}
UVIM = {
    "patch_size": "patch_size",
    "code_len": "code_len",
    "dict_size": "dict_size",
    "codeword_dim": "code_dim",
    "dict_momentum": "dict_momentum",
    "width": "width",
    "enc_depth": "enc_depth",
    "dec_depth": "dec_depth",
    "mlp_dim": "mlp_dim",
    "num_heads": "heads",
    "with_encoder_ctx": "encoder_ctx",
    "with_decoder_ctx": "decoder_ctx",
    "code_dropout": "code_dropout",
    "bottleneck_resize": "bottleneck_resize",
    "input_size": "input_size",
    "inputs.semantics": "channels.semantics",
    "inputs.instances": "channels.instances",
}
GIVT = {
    "ar_generation_config.temp": "sampler.ar.temperature",
    "ar_generation_config.cfg_inference_weight": "sampler.ar.guidance",
    "masked_generation_config.choice_temperature": "sampler.masked.choice_temperature",
    "masked_generation_config.cfg_inference_weight": "sampler.masked.guidance",
    "vae.model.code_len": "frozen.vae.code_len",
    "vae.model.codeword_dim": "frozen.vae.code_dim",
    "vae.model.filters": "frozen.vae.filters",
    "vae.model.num_res_blocks": "frozen.vae.blocks",
    "vae.model.channel_multipliers": "frozen.vae.channels",
    "vae.model.norm_type": "frozen.vae.norm",
    "vae.model.activation_fn": "frozen.vae.act",
    "vae.model.pixel_shuffle_patch_size": "frozen.vae.pixel_shuffle",
    "vae.model_init": "frozen.vae.init",
    "model.num_decoder_layers": "model.layers",
    "model.dec_dropout_rate": "model.dropout",
    "model.num_labels": "model.labels",
    "model.out_dim": "model.out_dim",
    "model.num_mixtures": "model.mixtures",
    "model.style": "model.style",
    "model.min_masking_rate_training": "model.min_mask_rate",
    "model.drop_labels_probability": "model.drop_labels",
    "model.remat_policy": "model.remat",
    "adaptor.model.num_blocks": "model.adaptor.blocks",
    "adaptor.model.num_channels_bottleneck": "model.adaptor.bottleneck",
    "adaptor.model.pixel_shuffle_patch_size": "model.adaptor.pixel_shuffle",
    "evals.*.batch_size": "evals.*.batch",
}
GIVT_NOWHERE = (
    "ar_generation_config.temp_probs ar_generation_config.beam_size ar_generation_config.fan_size "
    "ar_generation_config.rand_top_k ar_generation_config.rand_top_k_temp masked_generation_config.ordering "
    "masked_generation_config.schedule eval_only vae.model.conv_downsample "
    "vae.model.malib_ckpt vae.model_name vae.model_load.malib_ckpt vae.model_load.use_ema_params model_init "
    "model.num_layers model.scale_tol model.mask_style model.fix_square_plus model.per_channel_mixtures "
    "adaptor_name sharding_strategy sharding_rules evals.*.outfile evals.*.pred"
)
GIVT_OURS = "frozen.vae.type objective.* mesh.* layout evals.save_pred_sampling.view"
TRANSFER_OURS = "model.init_skip model.posemb"

CASES = [
    Case("vit_i1k", "vit_i1k", ours="model.posemb"),
    Case(
        "bit_i1k",
        "bit_i1k",
        # their five evaluators set the range after the labels, ours before: the same examples
        differs={f"evals.{name}.pipeline": "order" for name in ("train", "minival", "val", "v2", "real")},
    ),
    Case(
        "gsam_vit_i1k",
        "proj__gsam__vit_i1k_gsam_no_aug",
        names={
            "dataset": "data.train.name",
            "train_split": "data.train.split",
            "batch_size": "data.train.batch",
            "num_epochs": "run.length epochs",
            "pp_train": "data.train.pipeline",
            "prefetch_to_host": "data.train.prefetch",
            "checkpoint_steps": "run.save steps",
            "gsam.alpha": "perturbation.alpha",
            "evals.*.dataset": "evals.*.data.name",
            "evals.*.split": "evals.*.data.split",
        },
        nowhere="cache_raw shuffle_buffer_size gsam.rho_max gsam.rho_min gsam.lr_max gsam.lr_min",
        ours="model.posemb perturbation.type perturbation.rho perturbation.lr data.train.transforms",
    ),
    Case(
        "transfer",
        "transfer@model=vit-i21k-augreg-b_32,dataset=cifar10,crop=resmall_crop",
        nowhere="model_load.dont_load mixup.p",
        ours=TRANSFER_OURS,
    ),
    Case(
        "transfer",
        "transfer@model=bit-m-r50x1,dataset=imagenet2012,crop=inception_crop",
        params="model=bit-m-r50x1,dataset=imagenet2012,crop=inception_crop",
        nowhere="model_load.dont_load mixup.p",
        ours=TRANSFER_OURS,
    ),
    Case(
        "transfer",
        "transfer@model=vit-i21k-augreg-l_16,dataset=oxford_iiit_pet,crop=resmall_crop,fsdp=True,batch_size=256",
        params="model=vit-i21k-augreg-l/16,dataset=oxford_iiit_pet,fsdp",
        settings=(("data.train.batch", "256"),),
        nowhere="model_load.dont_load mixup.p mesh sharding_strategy sharding_rules",
        ours=TRANSFER_OURS + " mesh.* layout",
    ),
    Case(
        "distill_food_sun",
        "proj__distill__bigsweep_food_sun",
        names={
            **DISTILL,
            "num_classes": "model.classes",
            "prof_m_name": "frozen.prof_m.type",
            "prof_m_init": "frozen.prof_m.init",
            "prof_m.depth": "frozen.prof_m.depth",
            "prof_m.width": "frozen.prof_m.width",
        },
        nowhere="teachers optim_name evals.*.pred",
        ours="data.train.transforms objective.type objective.teacher frozen.prof_m.classes evals.*.view evals.*.views",
    ),
    Case(
        "flexivit_i1k_deit3_distill",
        "proj__flexivit__i1k_deit3_distill@res=240",
        names={
            **DISTILL,
            "prof_name": "frozen.prof.type",
            "prof_init": "frozen.prof.init",
            "prof.variant": "frozen.prof.variant",
            "prof.pool_type": "frozen.prof.pool",
            "flexi.seqhw.v": "draws.seqhw.values",
        },
        nowhere="res variant teachers loss student.patch_size prof.patch_size flexi.seqhw.p aggressive_cache "
        "evals.*.pred",
        ours="model.patch frozen.prof.patch frozen.prof.classes draws.seqhw.static draws.seqhw.feeds objective.type "
        "objective.teacher evals.*.view.* evals.*.views",
        # ours keep only what is read: students no `prof`, teachers no `image`
        differs={
            "evals.student_*.pipeline": "keep",
            "evals.teacher_*.pipeline": "keep",
            "model.type": "flexi_vit",
        },
    ),
    Case(
        "givt_imagenet2012", "proj__givt__givt_imagenet2012", names=GIVT, nowhere=GIVT_NOWHERE, ours=GIVT_OURS
    ),
    Case(
        "givt_imagenet2012",
        "proj__givt__givt_imagenet2012@res=512,model_size=large,adaptor",
        params="res=512,size=large,adaptor",
        names=GIVT,
        nowhere=GIVT_NOWHERE,
        ours=GIVT_OURS,
    ),
    Case(
        "uvim_vqvae_coco_panoptic",
        "proj__uvim__vqvae_coco_panoptic",
        names={"task": "codec.type", "w_commitment": "objective.commitment"}
        | {f"model.{theirs}": f"model.{ours}" for theirs, ours in UVIM.items()},
        nowhere="freeze_dict model.outputs.semantics model.outputs.instances evals.*.pred",
        ours="objective.type",
    ),
    Case(
        "uvim_coco_panoptic",
        "proj__uvim__train_coco_panoptic_pretrained",
        names={
            "oracle.task": "codec.type",
            "oracle.model_init": "frozen.oracle.init",
            "oracle.model_name": "frozen.oracle.type",
            "model_init.encoder": "model.init.encoder",
            "model.patches.size": "model.patch",
        }
        | {f"oracle.model.{theirs}": f"frozen.oracle.{ours}" for theirs, ours in UVIM.items()},
        nowhere="lr_mults oracle.model.outputs.semantics oracle.model.outputs.instances evals.*.pred",
        # stage II names no momentum: its codebook is frozen, and the value of stage I comes along
        ours="objective.* optimizer.rules frozen.oracle.dict_momentum",
    ),
    Case(
        "cappa_pretrain",
        "proj__cappa__pretrain",
        names={
            "model.patches": "model.patch",
            "model.decoder_num_layers": "model.decoder.layers",
            "model.decoder_bias": "model.decoder.bias",
            "model.dec_dropout_rate": "model.decoder.dropout",
            "model.masked_pred_prob": "model.parallel_prob",
            "model.masking_ratio": "model.mask_ratio",
            "label_smoothing": "objective.label_smoothing",
            "evals.*.pp_txt": "evals.*.text_pipeline",
            "fewshot.skip_first": "evals.fewshot.skip_first",
        },
        nowhere="batch_size warmup_steps model.decoder_num_heads model.decoder_mlp_dim model.decoder_emb_dim "
        "fewshot.pred evals.val_coco.pred",
        ours="objective.type",
        # a square patch is one number; their encoder's output has a name of its own
        differs={"model.patch": 16, "evals.fewshot.view": "encoder.pre_logits"},
    ),
]

# Model, task and evaluator names that are other words for the same thing.
RENAMED = {"panoptic_task": "panoptic", "GN": "group"}
TYPES = {
    ("uvim_vqvae_coco_panoptic", "model.type"): "uvim_vqvae",
    ("uvim_coco_panoptic", "frozen.oracle.type"): "uvim_vqvae",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.config)
def test_draft_has_the_values_of_big_vision(case: Case) -> None:
    theirs = translated(config(case.config), case.names, case.nowhere.split())
    spec = load(str(DRAFTS / f"{case.spec}.toml"), case.params, case.settings)
    ours = flat(spec.tree)
    extra = [*case.ours.split(), "data.train.shuffle", "data.train.cache"]
    unexplained = {
        path: value
        for path, value in ours.items()
        if path not in theirs and not any(fnmatchcase(path, pattern) for pattern in extra)
    }
    assert not unexplained
    different = {
        path: (ours.get(path), value) for path, value in theirs.items() if not equal(ours.get(path), value)
    }
    told = {path for path in different if any(fnmatchcase(path, pattern) for pattern in case.differs)}
    named = {path for path, value in different.items() if TYPES.get((case.spec, path)) == value[0]}
    assert {path: value for path, value in different.items() if path not in told | named} == {}
    for pattern, kind in case.differs.items():
        for path in (path for path in told if fnmatchcase(path, pattern)):
            mine, his = different[path]
            if kind == "order":
                assert sorted(mine) == sorted(his)
            elif kind == "keep":
                assert mine[:-1] == his[:-1] and set(mine[-1][1]) < set(his[-1][1])
            else:
                assert mine == kind


def equal(mine: Any, his: Any) -> bool:
    if isinstance(his, str):
        his = RENAMED.get(his, his)
    if isinstance(mine, float) and isinstance(his, (int, float)):
        return mine == pytest.approx(his, rel=1e-12)
    if isinstance(mine, tuple) and len(mine) == 2 and isinstance(his, tuple) and isinstance(his[1], str):
        return mine[1] == his[1] and mine[0] == pytest.approx(his[0])
    return bool(mine == his)


def test_flexivit_has_97_evaluators() -> None:
    spec = load(str(DRAFTS / "flexivit_i1k_deit3_distill.toml"))
    evals = plain(spec.tree)["evals"]  # type: ignore[index]
    assert len(evals) == 97
    leaf = spec.tree.items["evals"].items["student_val_08"].items["view"].items["seqhw"]  # type: ignore[union-attr,index]
    assert leaf.value == 8
    assert leaf.origin.table == "evals.student_val_08"
    assert leaf.origin.bindings == (("s", 8), ("set", "val"))
    assert spec.sources.slice(leaf.origin.places[-1]) == "8"
