"""What is said of a scene: five ways to say all of its attributes."""

from __future__ import annotations

from bvc.library.scenes.scene import GROUNDS, RELATIONS, Scene

_CONVERSE = ("right of", "below")
_SECOND_LIES = ("on its right", "below it")
_SIDES = (("left", "right"), ("above", "below"))


def captions(scene: Scene) -> list[str]:
    """Five captions of at most 15 words and commas; each tells the whole scene."""
    first, second, ground = f"a {scene.first}", f"a {scene.second}", GROUNDS[scene.ground]
    here, there = _SIDES[scene.relation]
    return [
        f"{first} {RELATIONS[scene.relation]} {second} on {ground}",
        f"{second} {_CONVERSE[scene.relation]} {first} on {ground}",
        f"on {ground}, {first} is {RELATIONS[scene.relation]} {second}",
        f"{ground} ground, {first} with {second} {_SECOND_LIES[scene.relation]}",
        f"{here} {first}, {there} {second}, {ground} background",
    ]
