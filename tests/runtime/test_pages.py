"""The pages of what only a run can find show what the catalog builds."""

from pathlib import Path

import pytest

from bvc.diagnostics import Diagnostic, Origin, Place, Sources, pages, render
from bvc.diagnostics.catalog import missing, plan, processes
from bvc.diagnostics.catalog import run as catalog

SPEC = """[data.train]
name = "coco_captions"
pipeline = ["bert_tokenize(from='captions/text', to='text', max_len=16, vocab='bert/vocab.txt')"]

[model.image]
init = "vit_b16.npz"
"""


def _at(text: str) -> Origin:
    start = SPEC.index(text)
    return Origin((Place("siglip.toml", start, start + len(text)),))


TOLD: dict[str, Diagnostic] = {
    "B0501": missing.data_missing(
        "dataset `coco_captions`",
        ["/data/coco_captions/VERSION"],
        "bvc data prepare coco_captions",
        _at("[data.train]"),
    ),
    "B0502": missing.file_missing(
        "bert/vocab.txt",
        _at("bert/vocab.txt"),
        ["/data/siglip/bert/vocab.txt", "/data/files/bert/vocab.txt"],
        "BVC_FILES",
    ),
    "B0503": missing.checkpoint_missing(
        "vit_b16.npz", _at('"vit_b16.npz"'), ["/data/siglip/vit_b16.npz"], "BVC_FILES"
    ),
    "B0504": missing.checkpoint_unfit(
        "vit_b16.npz",
        "2 parameters of the model are not in it: `posemb`, `head/kernel`",
        _at('"vit_b16.npz"'),
        ["in /data/siglip/vit_b16.npz"],
        None,
    ),
    "B0505": missing.data_unreadable(
        "an image that cannot be decoded", "/data/shapes/1.0.0, record 17 of train", _at("[data.train]"), None
    ),
    "B0506": missing.checkpoint_unusable(
        "Mixer-B_16.npz", "the checkpoint cannot be read: File is not a zip file", (), None
    ),
    "B0510": catalog.workdir_in_use("runs/siglip", "process 4711 on trainer-0"),
    "B0511": catalog.workdir_of_another(
        "runs/siglip",
        [
            ("data.train.batch", "`512`", "`1024`"),
            ("optimizer.schedule.type", '`"cosine"`', '`"rsqrt"`'),
            ("optimizer.clip_norm", "`1.0`", "absent"),
        ],
    ),
    "B0512": catalog.workdir_foreign("runs/old", ["big_vision_metrics.txt"]),
    "B0513": catalog.workdir_unusable("/mnt/results", "permission denied"),
    "B0514": catalog.cannot_write(
        "the checkpoint of step 3000", "runs/siglip/checkpoints", "no space left on device"
    ),
    "B0515": catalog.cannot_read("the metrics", "runs/siglip/big_vision_metrics.txt", "input/output error"),
    "B0520": catalog.checkpoint_skipped(
        3000,
        "runs/siglip/checkpoints/000003000.damaged",
        "its file `state/d/b74470fd` is not what was saved",
    ),
    "B0521": catalog.no_checkpoint_verifies(
        "runs/siglip/checkpoints",
        {3000: "its manifest was changed or cut", 2000: "its file `state/_METADATA` is missing"},
    ),
    "B0522": catalog.checkpoint_differs(
        "runs/siglip/checkpoints/000003000",
        [
            ("params/image/blocks/*/mlp/up/kernel", "float32[12 768 3072]", "float32[12 768 2048]"),
            ("params/bias", None, "float32[1]"),
        ],
    ),
    "B0523": catalog.checkpoint_unreadable(
        "runs/siglip/checkpoints/000003000", "it was written by a newer version of orbax"
    ),
    "B0530": catalog.not_finite(450, ["training_loss", "l2_grads"], ["params/image/patches/kernel"], 400),
    "B0531": catalog.interrupted(1234, "runs/siglip", "SIGTERM"),
    "B0532": catalog.evaluation_empty("val", "examples"),
    "B0534": catalog.evaluation_unfit(
        "zeroshot",
        "an image of class 1000, but prompts for 1000 classes",
        "",
        "the list of class names must be that of the data",
    ),
    "B0535": catalog.evaluation_nan("val", "examples", "loss", 3, 64),
    "B0533": catalog.out_of_memory(
        1, "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 25769803776 bytes."
    ),
    "B0543": plan.memory_surprise("31.2 GiB", "24.9 GiB", 0.253),
    "B0544": plan.time_surprise(212.0, 131.0),
    "B0561": processes.cluster_unclear(
        "Open MPI tells of 16 processes, but not all of it", ["--coordinator"]
    ),
    "B0562": processes.cannot_join("10.0.0.1:62471", 3, 16, 300, "DEADLINE_EXCEEDED: Barrier timed out."),
    "B0563": processes.process_lost(3, "Gloo all-reduce failed: Connection reset by peer"),
    "B0564": processes.workdir_not_shared("runs/siglip", 3),
}


@pytest.mark.parametrize("code", TOLD)
def test_the_page_shows_it(code, request):
    text = render([TOLD[code]], Sources({"siglip.toml": SPEC}))
    file = Path(pages.FOLDER) / f"{code}.md"
    page = pages.read(code)
    if request.config.getoption("--update-golden"):
        file.write_text(page.with_output(text), encoding="utf-8")
    else:
        assert page.output == text
