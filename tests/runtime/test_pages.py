"""The pages of what only a run can find show what the catalog builds."""

from pathlib import Path

import pytest

from bvc.diagnostics import Diagnostic, Sources, pages, render
from bvc.diagnostics.catalog import run as catalog

TOLD: dict[str, Diagnostic] = {
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
    "B0533": catalog.out_of_memory(
        1, "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 25769803776 bytes."
    ),
}


@pytest.mark.parametrize("code", TOLD)
def test_the_page_shows_it(code, request):
    text = render([TOLD[code]], Sources())
    file = Path(pages.FOLDER) / f"{code}.md"
    page = pages.read(code)
    if request.config.getoption("--update-golden"):
        file.write_text(page.with_output(text), encoding="utf-8")
    else:
        assert page.output == text
