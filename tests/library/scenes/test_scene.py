"""What scenes there are, and what is said of them."""

from __future__ import annotations

from pathlib import Path

from bvc.library.scenes.caption import captions
from bvc.library.scenes.scene import TEST, TRAIN, scenes, vocabulary
from bvc.library.text.wordpiece import WordPiece, words


def test_held_out_combinations_never_occur_in_training() -> None:
    train = [scene for _, scene, _ in scenes("train")]
    test = [scene for _, scene, _ in scenes("test")]
    assert (len(train), len(test)) == (TRAIN, TEST) == (8192, 512)
    assert not {scene.attributes for scene in train} & {scene.attributes for scene in test}
    assert len({scene.attributes for scene in test}) == 512


def test_captions_tell_scenes_apart() -> None:
    told = {scene.attributes: captions(scene) for _, scene, _ in scenes("test")}
    said = [caption for captions_ in told.values() for caption in captions_]
    assert len(set(said)) == len(said) == 5 * 512
    assert all(len(words(caption)) <= 15 for caption in said)


def test_the_vocabulary_covers_every_caption() -> None:
    tokenizer = WordPiece(vocabulary())
    for _, scene, _ in scenes("test"):
        for caption in captions(scene):
            ids = tokenizer(caption)
            assert tokenizer.unknown not in ids
            assert len(ids) == len(words(caption))


def test_the_vocabulary_in_the_standard_library_is_this_one() -> None:
    file = Path(__file__).parents[3] / "stdlib" / "vocab" / "shapes.txt"
    assert file.read_text().split("\n")[:-1] == vocabulary()
