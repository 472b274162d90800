"""timm's models trained with torch.compile on one GPU, a turn for every line that `bench/gpu.py` writes.

bfloat16 autocast over float32 parameters, flash attention, fused AdamW, gradients clipped to norm 1, one batch again
and again. The text tower of SigLIP, which timm has not, is made of timm's blocks, with the sizes of
`bench/siglip.toml`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

import timm  # type: ignore[import-not-found]
import torch  # type: ignore[import-not-found]
import torch.nn.functional as F  # type: ignore[import-not-found]
from timm.models.vision_transformer import Block  # type: ignore[import-not-found]

WIDTH, DEPTH, HEADS, VOCAB, LENGTH = 768, 12, 12, 32_000, 64
NAMES = {"B/16": "vit_base_patch16_224", "L/16": "vit_large_patch16_224"}
PEAK_SIZE, PEAK_REPEATS = 8192, 50


class Text(torch.nn.Module):
    """Token ids to one vector of each text, that of its last token."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = torch.nn.Embedding(VOCAB, WIDTH)
        self.positions = torch.nn.Parameter(torch.randn(1, LENGTH, WIDTH) * 0.02)
        self.blocks = torch.nn.Sequential(*(Block(WIDTH, HEADS, qkv_bias=True) for _ in range(DEPTH)))
        self.norm = torch.nn.LayerNorm(WIDTH)
        self.head = torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        """[b, t] -> [b, d]"""
        x = self.blocks(self.tokens(text) + self.positions)
        return self.head(self.norm(x)[:, -1])


class Siglip(torch.nn.Module):
    """The loss of a batch of pairs (arXiv:2303.15343)."""

    def __init__(self) -> None:
        super().__init__()
        self.image = timm.create_model("vit_base_patch16_siglip_224", num_classes=WIDTH)
        self.text = Text()
        self.temperature = torch.nn.Parameter(torch.tensor(2.3))
        self.bias = torch.nn.Parameter(torch.tensor(-10.0))

    def forward(self, image: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """[b, 3, h, w] and [b, t] -> []"""
        pairs = F.normalize(self.image(image), dim=-1) @ F.normalize(self.text(text), dim=-1).T
        logits = pairs.float() * self.temperature.exp() + self.bias
        sign = 2 * torch.eye(len(logits), device=logits.device) - 1
        return -F.logsigmoid(sign * logits).sum() / len(logits)


class Vit(torch.nn.Module):
    """The loss of a batch of images with targets of 1000 classes; features are averaged, as on the other side."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        self.model = timm.create_model(
            NAMES[variant], num_classes=1000, global_pool="avg", class_token=False, fc_norm=False
        )

    def forward(self, image: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """[b, 3, h, w] and [b, c] -> []"""
        return F.cross_entropy(self.model(image).float(), labels)


def prepare(model: str, batch: int) -> Callable[[], torch.Tensor]:
    """A function that does one step and returns its loss."""
    torch.manual_seed(0)
    torch.set_float32_matmul_precision("high")
    image = torch.randn(batch, 3, 224, 224, device="cuda")
    if model == "SigLIP-B/16":
        loss_of: torch.nn.Module = Siglip()
        other = torch.randint(0, VOCAB, (batch, LENGTH), device="cuda")
    else:
        loss_of = Vit(model.removeprefix("ViT-"))
        other = F.one_hot(torch.arange(batch, device="cuda") % 1000, 1000).float()
    loss_of.cuda().train()
    compiled = torch.compile(loss_of)
    optimizer = torch.optim.AdamW(loss_of.parameters(), lr=1e-4, weight_decay=1e-4, fused=True)

    def step() -> torch.Tensor:
        with torch.autocast("cuda", torch.bfloat16):
            loss = compiled(image, other)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(loss_of.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    return step


def matmul_peak() -> float:
    """FLOPs per second of a large product in bfloat16."""
    a, b = (torch.randn(PEAK_SIZE, PEAK_SIZE, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(5):
        a @ b
    torch.cuda.synchronize()
    before = time.perf_counter()
    for _ in range(PEAK_REPEATS):
        a @ b
    torch.cuda.synchronize()
    return 2 * PEAK_SIZE**3 * PEAK_REPEATS / (time.perf_counter() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("batch", type=int)
    parser.add_argument("steps", type=int, help="of a turn")
    given = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("torch sees no GPU")
    peak = matmul_peak()
    step = prepare(given.model, given.batch)
    for _ in range(3):
        step()
    versions = f"torch {torch.__version__}, timm {timm.__version__}"
    print(json.dumps({"peak": peak, "versions": versions}), flush=True)
    for _ in sys.stdin:
        torch.cuda.synchronize()
        before = time.perf_counter()
        for _ in range(given.steps):
            loss = step()
        finite = bool(torch.isfinite(loss))
        seconds = (time.perf_counter() - before) / given.steps
        print(json.dumps({"seconds": seconds if finite else None}), flush=True)


if __name__ == "__main__":
    main()
