"""Tables of data: a card or a source, a split, and what is known of them without touching data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bvc.bind.card import Card, card_names, find_card
from bvc.bind.component import bind_component
from bvc.bind.data_tables import DataTable, MixTable, TrainTable
from bvc.bind.found import INVALID, Invalid
from bvc.bind.named import bind_named
from bvc.bind.value import Reader, Settings, Site
from bvc.bind.wording import found_in_words
from bvc.component.declare import fields_of
from bvc.component.feature import Feature
from bvc.component.shares import BLOCK, block_shares
from bvc.component.split import SplitError, parse_split
from bvc.diagnostics import Label, Origin
from bvc.diagnostics.catalog import data as catalog
from bvc.diagnostics.catalog import names
from bvc.ir import DataNode, Node, OpNode, TrainData, TrainSource
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
    mixes = "mix" in table.items
    keys = fields_of(TrainTable)
    # of a mix, each source says itself what to read
    settings = reader.table(
        table, keys if mixes else {**keys, **_DATA_KEYS}, owner, also=[*_DATA_KEYS] if mixes else ()
    )
    if settings is None:
        return INVALID
    values, origins = settings.values, settings.origins
    common = values["pipeline"]
    if mixes:
        sources = _mix(reader, table, origins["mix"], common)
    else:
        data = _data(reader, table, owner, settings)
        sources = data if isinstance(data, Invalid) else (TrainSource("", data, 1.0, common, node.origin),)
    if isinstance(sources, Invalid):
        return INVALID
    return TrainData(
        sources,
        values["batch"],
        values.get("shuffle", True),
        node.origin,
        origins["batch"],
        origins["pipeline"],
        values.get("transforms", ()),
        values.get("skip_bad", 0),
    )


def _mix(
    reader: Reader, train: Table, origin: Origin, common: tuple[OpNode, ...]
) -> tuple[TrainSource, ...] | Invalid:
    """`[data.train.mix]`: the sources, each with its own pipeline before the common one."""
    found = reader.found
    before = len(found.diagnostics)
    for key in _DATA_KEYS:
        if key in train.items:
            place = train.keys.get(key, train.items[key].origin)
            found.add(names.excluded("mix", key, "data.train", place, Label(origin.mend, "the sources")))
    table = reader.expect_table(train.items["mix"], "data.train.mix")
    if isinstance(table, Invalid):
        return INVALID
    if not table.items:
        found.add(names.missing_key("NAME", "data.train.mix", table.origin, "a table for each source"))

    def item(name: str, node: TreeNode, _: Origin) -> tuple[TrainSource, Origin] | Invalid:
        owner = f"data.train.mix.{name}"
        inner = reader.expect_table(node, owner)
        if isinstance(inner, Invalid):
            return INVALID
        settings = reader.table(inner, {**fields_of(MixTable), **_DATA_KEYS}, owner)
        data = INVALID if settings is None else _data(reader, inner, owner, settings)
        if settings is None or isinstance(data, Invalid):
            return INVALID
        own = settings.values.get("pipeline", ())
        rest = (replace(op, position=len(own) + op.position) for op in common)
        source = TrainSource(name, data, settings.values["weight"], (*own, *rest), node.origin)
        return source, settings.origins["weight"]

    read = bind_named(reader, table, "data.train.mix", item)
    if len(found.diagnostics) > before:
        return INVALID
    weights = [source.weight for source, _ in read.values()]
    total = sum(weights)
    shares = block_shares(weights) if total else [0] * len(weights)
    for (source, place), share in zip(read.values(), shares, strict=True):
        if not share:
            found.add(catalog.weight_too_small(source.name, source.weight, total / BLOCK, place))
    return INVALID if len(found.diagnostics) > before else tuple(source for source, _ in read.values())


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
    return DataNode(
        source,
        split,
        name or source.name,
        features,
        splits,
        table.origin,
        origins["split"],
        values.get("filter", ()),
    )


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
