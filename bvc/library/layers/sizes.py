"""Named sizes of transformers (Table 2 of arXiv:2106.04560, arXiv:2305.13035, and big_vision's own)."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from bvc.component import SettingError


@dataclass(frozen=True, slots=True)
class Size:
    """Width, depth, hidden units of the MLP, heads."""

    width: int
    depth: int
    mlp_dim: int
    heads: int


SIZES = {
    "mu": Size(32, 1, 128, 2),
    "Ti": Size(192, 12, 768, 3),
    "S": Size(384, 12, 1536, 6),
    "M": Size(512, 12, 2048, 8),
    "B": Size(768, 12, 3072, 12),
    "L": Size(1024, 24, 4096, 16),
    "So400m": Size(1152, 27, 4304, 16),
    "H": Size(1280, 32, 5120, 16),
    "g": Size(1408, 40, 6144, 16),
    "g-opt": Size(1536, 40, 6144, 16),
    "G": Size(1664, 48, 8192, 16),
    "G-opt": Size(1536, 48, 8192, 16),
    "e": Size(1792, 56, 15360, 16),
}


def resolve(
    variant: str | None,
    base: Size,
    *,
    width: int | None,
    depth: int | None,
    mlp_dim: int | None,
    heads: int | None,
    widen: bool = True,
) -> tuple[Size, int | None]:
    """The size that a variant and explicit settings describe, and the variant's patch if it names one.

    Explicit settings override the variant, which overrides `base`. Without a variant an unset `mlp_dim` is 4
    times the width if `widen`.

    Raises:
        SettingError: there is no such variant, or width is not divisible by heads.
    """
    named, patch = (base, None) if variant is None else _variant(variant)
    chosen = Size(
        named.width if width is None else width,
        named.depth if depth is None else depth,
        mlp_dim or (named.mlp_dim if variant is not None or not widen else 4 * (width or named.width)),
        named.heads if heads is None else heads,
    )
    check_size(chosen)
    return chosen, patch


def check_size(size: Size) -> None:
    """Can there be a transformer of this size?

    Raises:
        SettingError: width is not divisible by heads.
    """
    if size.width % size.heads:
        fits = [n for n in range(1, size.width + 1) if size.width % n == 0]
        near = sorted(sorted(fits, key=lambda n: abs(n - size.heads))[:2])
        raise SettingError(
            "heads",
            f"{size.heads} do not divide the width {size.width}",
            help=f"numbers of heads that divide: {', '.join(map(str, near))}",
        )


def _variant(variant: str) -> tuple[Size, int | None]:
    name, _, patch = variant.partition("/")
    if name not in SIZES or (patch and not patch.isdigit()) or patch == "0" or variant.endswith("/"):
        folded = {known.casefold(): known for known in SIZES}
        close = [folded[found] for found in difflib.get_close_matches(name.casefold(), folded, cutoff=0.4)]
        side = patch if patch.isdigit() and int(patch) else 16
        shown = ", ".join(f'"{found}/{side}"' for found in close or SIZES)
        raise SettingError("variant", f'"{variant}" is not known', help=f"did you mean {shown}?")
    return SIZES[name], int(patch) if patch else None
