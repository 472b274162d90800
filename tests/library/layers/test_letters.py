"""Dims are named by the letters that `bvc.library.layers` fixes, in all models and layers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import bvc.library.layers

LIBRARY = Path(bvc.library.layers.__file__).parent.parent
LETTERS = set(re.findall(r"^    (\w+)  ", bvc.library.layers.__doc__ or "", re.MULTILINE))
KINDS = {"Float", "Int", "Num", "Bool", "Shaped", "Key"}
FILES = [
    file
    for folder in ("models", "layers")
    for file in sorted((LIBRARY / folder).glob("*.py"))
    if file.name != "_inception_v3.py"
]
"""Inception is a fixed network of another project: its dims are numbers."""
ANY = {"dims", "shape", "ones"}
"""Names of several dims at once."""


def test_letters() -> None:
    assert len(LETTERS) > 15
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Subscript)
                and isinstance(node.value, ast.Name)
                and node.value.id in KINDS
            ):
                continue
            assert isinstance(node.slice, ast.Tuple)
            dims = ast.literal_eval(node.slice.elts[1])
            words = [word.lstrip("#*") for word in dims.split() if word != "..."]
            strange = [word for word in words if word not in LETTERS | ANY and not word.isdigit()]
            assert not strange, f"{file.name}:{node.lineno}: {strange}"


def test_public_functions_say_their_shapes() -> None:
    for file in FILES:
        body = ast.parse(file.read_text(encoding="utf-8")).body
        methods = [node for each in body if isinstance(each, ast.ClassDef) for node in each.body]
        for node in (*body, *methods):
            if not isinstance(node, ast.FunctionDef) or (node.name[0] == "_" and node.name != "__call__"):
                continue
            given = [*node.args.args, *node.args.kwonlyargs, *filter(None, [node.args.vararg])]
            for each in (*(argument.annotation for argument in given), node.returns):
                bare = isinstance(each, ast.Name) and each.id == "Array"
                assert not bare, f"{file.name}:{node.lineno}: `{node.name}` has an array without its shape"
