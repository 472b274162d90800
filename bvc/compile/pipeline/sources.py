"""What a source itself knows of its examples, filled in where no card says it; filters are held to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from bvc.compile.blame import blamed, returned
from bvc.compile.construct import Steps, construct
from bvc.compile.pipeline.filtering import check_filter
from bvc.component.source import Source
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import data as catalog
from bvc.ir import DataNode, Eval, Experiment

Known = Callable[[DataNode], DataNode]


def with_features(experiment: Experiment, steps: Steps) -> Experiment:
    """The experiment with the features of every source known.

    Raises:
        Failed: nothing is known of a source's features (B0146), it refuses a setting, or a filter does not fit it.
    """
    wrong: list[Diagnostic] = []

    def known(data: DataNode) -> DataNode:
        data = featured(data)
        if data.features:
            wrong.extend(check_filter(data))
        return data

    def featured(data: DataNode) -> DataNode:
        if data.features:
            return data
        try:
            with blamed(data.source):
                source = construct(data.source, steps)
                returned(
                    data.source, isinstance(source, Source), "a source: `features`, `missing`, `open`", source
                )
                features = source.features()
            if not features:
                raise Failed(catalog.no_features(data.source.name, data.source.origin))
        except Failed as failure:
            wrong.extend(failure.diagnostics)
            return data
        return dataclasses.replace(data, features=dict(features))

    sources = tuple(
        dataclasses.replace(source, data=known(source.data)) for source in experiment.train.sources
    )
    train = dataclasses.replace(experiment.train, sources=sources)
    evals = tuple(_with_data(table, known) for table in experiment.evals)
    if wrong:
        raise Failed(wrong)
    return dataclasses.replace(experiment, train=train, evals=evals)


def _with_data(table: Eval, known: Known) -> Eval:
    node = table.evaluator
    settings = {
        name: known(value) if isinstance(value, DataNode) else value for name, value in node.settings.items()
    }
    return dataclasses.replace(table, evaluator=dataclasses.replace(node, settings=settings))
