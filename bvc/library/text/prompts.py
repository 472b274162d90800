"""Texts that name classes."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.component import DataError

PLACE = "{}"
"""Where the name of a class stands in a template."""


def expanded(
    classes: Sequence[str], templates: Sequence[str], first_name_only: bool
) -> list[tuple[str, int]]:
    """Every name of every class in every template, with the number of the class; by classes, names, templates.

    A comma separates names of the same class.
    """
    found: list[tuple[str, int]] = []
    for label, names in enumerate(classes):
        several = names.split(",")
        for name in several[:1] if first_name_only else several:
            found += [(template.replace(PLACE, name), label) for template in templates]
    return found


def lines(written: Sequence[str] | str) -> list[str]:
    """Texts as they are, or those of a file with one per line.

    Raises:
        DataError: the file cannot be read, or has an empty line.
    """
    if not isinstance(written, str):
        return list(written)
    try:
        with open(written, encoding="utf-8") as file:
            found = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"a list of texts that cannot be read: {error}", written) from error
    if not found or not all(line.strip() for line in found):
        raise DataError(
            "a list of texts with an empty line", written, "one text per line, none of them empty"
        )
    return found


def check_templates(templates: Sequence[str], where: str) -> None:
    """Raise `DataError` for a template that has no place for a name."""
    for template in templates:
        if PLACE not in template:
            raise DataError(f'a template without a place for a name: "{template}"', where)
