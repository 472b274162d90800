"""Tables of data: a card or a source, a split, and what is known of them without touching data."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bvc.bind.card import Card, card_names, find_card
from bvc.bind.component import bind_component
from bvc.bind.found import INVALID, Invalid
from bvc.bind.tables import DataTable, TrainTable
from bvc.bind.value import Reader, Settings, Site
from bvc.bind.wording import found_in_words
from bvc.component.declare import fields_of
from bvc.component.feature import Feature
from bvc.component.split import SplitError, parse_split
from bvc.diagnostics import Label, Origin
from bvc.diagnostics.catalog import data as catalog
from bvc.diagnostics.catalog import names
from bvc.ir import DataNode, Node, TrainData
from bvc.spec.tree import Node as TreeNode
from bvc.spec.tree import Table, plain

_DTYPE = re.compile(r"bytes|str|bool|u?int(8|16|32|64)|float(16|32|64)")
_DATA_KEYS = fields_of(DataTable)


def bind_data(reader: Reader, node: TreeNode, site: Site) -> DataNode | Invalid:
    """A table such as `{ name = "imagenet2012", split = "train[:99%]" }`."""
    if not isinstance(node, Table):
        return reader.found.add(
            names.wrong_type(
                "a table of data", found_in_words(node), node.origin, owner=site.owner, declared=site.declared
            )
        )
    settings = reader.table(node, _DATA_KEYS, site.setting.name)
    return INVALID if settings is None else _data(reader, node, site.setting.name, settings)


def bind_train(reader: Reader, node: TreeNode) -> TrainData | Invalid:
    """`[data.train]`."""
    owner = "data.train"
    table = reader.expect_table(node, owner)
    if isinstance(table, Invalid):
        return INVALID
    settings = reader.table(table, {**fields_of(TrainTable), **_DATA_KEYS}, owner)
    if settings is None:
        return INVALID
    data = _data(reader, table, owner, settings)
    if isinstance(data, Invalid):
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
        values.get("transforms", ()),
    )


def _data(reader: Reader, table: Table, owner: str, settings: Settings) -> DataNode | Invalid:
    found = reader.found
    values, origins = settings.values, settings.origins
    name, split = values.get("name"), values["split"]
    if name is None and "source" not in values:
        what = "the name of a dataset, or a `source`"
        return found.add(names.missing_key("name", owner, table.origin, what))
    for other in ("source", "features"):
        if name is not None and other in values:
            label = Label(origins["name"].mend, "a dataset with a card")
            return found.add(names.excluded("name", other, owner, origins[other], label))
    if name is not None:
        card = find_card(name)
        if card is None:
            return found.add(catalog.unknown_dataset(name, origins["name"], card_names()))
        source = _card_source(reader, card, origins["name"])
        features, splits = card.features, card.splits
    else:
        bound = bind_component(reader, "source", table.items["source"], f"{owner}.source")
        source = bound if isinstance(bound, Invalid) else bound[0]
        features = _own_features(reader, table.get("features"))
        name = ""
        splits: Mapping[str, int] = {}
    if isinstance(source, Invalid) or isinstance(features, Invalid):
        return INVALID
    try:
        parse_split(split, splits)
    except SplitError as error:
        return found.add(catalog.bad_split(split, error.reason, origins["split"], error.help))
    return DataNode(source, split, name or source.name, features, splits, table.origin, origins["split"])


def _card_source(reader: Reader, card: Card, origin: Origin) -> Node | Invalid:
    bound = bind_component(reader, "source", card.source, f"{card.name}.source")
    return INVALID if isinstance(bound, Invalid) else Node(bound[0].component, bound[0].settings, origin)


def _own_features(reader: Reader, node: TreeNode | None) -> Mapping[str, Feature] | Invalid:
    """What the table itself says of the features of its source: `{ image = "bytes" }`."""
    features: dict[str, Feature] = {}
    for name, leaf in node.items.items() if isinstance(node, Table) else ():
        text = str(plain(leaf))
        try:
            feature = Feature.parse(text)
        except ValueError:
            feature = None
        if feature is None or not _DTYPE.fullmatch(feature.dtype):
            return reader.found.add(catalog.bad_feature(name, text, leaf.origin))
        features[name] = feature
    return features
