"""Tables of data: a card or a source, a split, and what is known of them without touching data."""

from __future__ import annotations

from bvc.bind.card import Card, card_names, find_card
from bvc.bind.component import bind_component
from bvc.bind.found import INVALID, Invalid
from bvc.bind.tables import DataTable, TrainTable
from bvc.bind.value import Reader, Site, found_in_words
from bvc.component.declare import fields_of
from bvc.component.split import SplitError, parse_split
from bvc.diagnostics import Origin
from bvc.diagnostics.catalog import data as catalog
from bvc.diagnostics.catalog import names
from bvc.ir import DataNode, Node, TrainData
from bvc.spec.tree import Node as TreeNode
from bvc.spec.tree import Table

_DATA_KEYS = fields_of(DataTable)


def bind_data(reader: Reader, node: TreeNode, site: Site) -> DataNode | Invalid:
    """A table such as `{ name = "imagenet2012", split = "train[:99%]" }`."""
    if not isinstance(node, Table):
        return reader.found.add(
            names.wrong_type(
                "a table of data", found_in_words(node), node.origin, owner=site.owner, declared=site.declared
            )
        )
    return _data(reader, node, site.setting.name, frozenset())


def bind_train(reader: Reader, node: TreeNode) -> TrainData | Invalid:
    """`[data.train]`."""
    owner = "data.train"
    node = reader.expect_table(node, "data", "train")
    if isinstance(node, Invalid):
        return INVALID
    own = fields_of(TrainTable)
    settings = reader.table(node, own, owner, also=tuple(_DATA_KEYS))
    data = _data(reader, node, owner, frozenset(own))
    if settings is None or isinstance(data, Invalid):
        return INVALID
    values, origins = settings.values, settings.origins
    return TrainData(
        data,
        values["batch"],
        values["pipeline"],
        values.get("shuffle", True),
        node.origin,
        origins["batch"],
        origins["pipeline"],
    )


def _data(reader: Reader, table: Table, owner: str, others: frozenset[str]) -> DataNode | Invalid:
    found = reader.found
    if others:
        table = Table(
            {key: item for key, item in table.items.items() if key not in others}, table.origin, table.keys
        )
    settings = reader.table(table, _DATA_KEYS, owner, also=tuple(others))
    if settings is None:
        return INVALID
    name, split = settings.values.get("name"), settings.values["split"]
    if (name is None) == ("source" not in settings.values):
        return found.add(
            names.missing_key("name", owner, table.origin, "the name of a dataset, or a `source`")
        )
    if name is not None:
        card = find_card(name)
        if card is None:
            return found.add(catalog.unknown_dataset(name, settings.origins["name"], card_names()))
        source = _card_source(reader, card, settings.origins["name"])
        features, splits = card.features, card.splits
    else:
        bound = bind_component(reader, "source", table.items["source"], f"{owner}.source")
        source = bound if isinstance(bound, Invalid) else bound[0]
        name, features, splits = "", {}, {}
    if isinstance(source, Invalid):
        return INVALID
    try:
        parse_split(split, splits)
    except SplitError as error:
        return found.add(catalog.bad_split(split, error.reason, settings.origins["split"], error.help))
    return DataNode(
        source, split, name or source.name, features, splits, table.origin, settings.origins["split"]
    )


def _card_source(reader: Reader, card: Card, origin: Origin) -> Node | Invalid:
    bound = bind_component(reader, "source", card.source, f"{card.name}.source")
    return INVALID if isinstance(bound, Invalid) else Node(bound[0].component, bound[0].settings, origin)
