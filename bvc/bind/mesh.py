"""`[mesh]` and `[[layout]]`: the grid of devices, and how parameters lie on it."""

from __future__ import annotations

from bvc.bind.found import INVALID, Invalid
from bvc.bind.optimizer import tables_of
from bvc.bind.pattern import valid_pattern
from bvc.bind.tables import LayoutTable, MeshTable
from bvc.bind.value import Reader
from bvc.component.declare import fields_of
from bvc.diagnostics import Label, Origin
from bvc.diagnostics.catalog import mesh as catalog
from bvc.diagnostics.catalog import names
from bvc.ir import LayoutRule, Mesh
from bvc.spec.tree import Array, Node, Table, plain


def bind_mesh(reader: Reader, node: Node | None, root: Origin) -> Mesh | Invalid:
    """The mesh; `root` is the place of a spec that has none."""
    if node is None:
        return Mesh({"data": None}, ("data",), root)
    mesh = reader.expect_table(node, "mesh")
    if isinstance(mesh, Invalid):
        return INVALID
    settings = reader.table(mesh, fields_of(MeshTable), "mesh")
    if settings is None:
        return INVALID
    axes: dict[str, int | None] = {}
    table = mesh.items["axes"]
    origins = {axis: item.origin for axis, item in table.items.items()} if isinstance(table, Table) else {}
    for axis, size in settings.values["axes"].items():
        if size == "rest":
            axes[axis] = None
        elif isinstance(size, int) and size >= 1:
            axes[axis] = size
        else:
            reader.found.add(catalog.bad_axis_size(axis, size, origins.get(axis, mesh.origin)))
    rest = [axis for axis, size in axes.items() if size is None]
    if len(rest) > 1:
        reader.found.add(catalog.rest_twice(origins[rest[1]]))
    if not settings.values["axes"]:
        reader.found.add(catalog.no_axes(settings.origins["axes"]))
    batch = settings.values.get("batch")
    array = mesh.get("batch")
    items = array.items if isinstance(array, Array) else ()
    for position, item in enumerate(items):
        axis = str(plain(item))
        if axis not in axes:
            reader.found.add(catalog.unknown_axis(axis, item.origin, list(axes)))
        elif axis in [plain(before) for before in items[:position]]:
            reader.found.add(catalog.axis_twice(axis, item.origin))
    split = tuple(axis for axis in axes if axis != "tensor") if batch is None else batch
    return Mesh(axes, split, mesh.origin, origins)


def bind_layout(reader: Reader, node: Node | None) -> tuple[LayoutRule, ...]:
    """The rules that have no errors, in order."""
    if node is None:
        return ()
    rules: list[LayoutRule] = []
    fields = fields_of(LayoutTable)
    for table in tables_of(reader, node, "layout"):
        settings = reader.table(table, fields, "layout")
        if settings is None or not valid_pattern(
            reader.found, settings.values["match"], settings.origins["match"]
        ):
            continue
        values = settings.values
        shard = values.get("shard")
        replicate = values.get("replicate", False)
        if shard is not None and replicate:
            other = Label(settings.origins["shard"].mend, "split here")
            place = settings.origins["replicate"]
            reader.found.add(names.excluded("shard", "replicate", "layout", place, other))
            continue
        if shard is None and not replicate:
            what = "an axis, or `replicate = true`"
            reader.found.add(names.missing_key("shard", "layout", table.origin, what))
            continue
        axis = shard if isinstance(shard, str) or shard is None else shard.axis
        dim = None if isinstance(shard, str) or shard is None else shard.dim
        size = values.get("min_size", fields["min_size"].default)
        rules.append(LayoutRule(values["match"], axis, dim, size, table.origin, settings.origins))
    return tuple(rules)
