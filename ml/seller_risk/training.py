"""The steps of one training, from labelled rows to a judged model; distributed fits stand apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import yaml
from pyspark.sql import DataFrame

from conf.model_settings import SellerRisk
from ml.calibration import Calibration
from ml.evaluation import average_precision, calibration_error, cheapest_threshold, costs
from ml.seller_risk import judge, leakage
from ml.seller_risk.encoding import Columns, Encoding, columns_of, empty, fitted
from ml.seller_risk.explain import Catalogue, peers
from ml.seller_risk.judge import Gate, Judged, Scored
from ml.seller_risk.leakage import Finding, Warned
from ml.seller_risk.model import Model, bands
from ml.seller_risk.train import (
    Chosen,
    Rows,
    calibrated,
    fit,
    half_of,
    logistic_scores,
    search,
)
from ml.splits import Months, walk_forward
from ml.trees import margins

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Data:
    """The rows of a training: raw columns, encoded rows, and the months of each part."""

    columns: Columns
    rows: Rows
    months: Months
    encoding: Encoding
    empty: Sequence[str]  # features without a value in training

    def part(self, *days: date) -> Array:
        """The rows of these months, as a mask."""
        return np.isin(self.rows.month, np.array(days, object))

    @property
    def digest(self) -> str:
        """Of all rows, whatever the order in which they came."""
        parts = (self.rows.features, self.rows.label)
        whole = hashlib.sha256()
        for part in (*(np.ascontiguousarray(array).tobytes() for array in parts),
                     "\n".join(self.rows.seller).encode()):  # fmt: skip
            whole.update(part)
        return whole.hexdigest()[:16]

    @property
    def train(self) -> Rows:
        return self.rows.of(self.part(*self.months.train))

    @property
    def test(self) -> Rows:
        return self.rows.of(self.part(*self.months.test))

    @property
    def stop(self) -> Rows:
        """Half of the validation sellers: search and early stopping look at them."""
        return self.rows.of(self.part(*self.months.validation) & ~half_of(self.rows.seller))

    @property
    def held(self) -> Rows:
        """The other half: calibration, bands and threshold."""
        return self.rows.of(self.part(*self.months.validation) & half_of(self.rows.seller))


@dataclass(frozen=True)
class Outcome:
    """A judged model: figures, gates, and what looked like a leak."""

    judged: Judged
    scored: Scored
    test: Rows
    contributions: Array  # [test rows, 36]
    gates: Sequence[Gate]
    findings: Sequence[Finding]
    warnings: Sequence[Warned]
    walked: Sequence[Mapping[str, Any]]  # month, trained until, average precision
    singles: Mapping[str, float]
    threshold: float
    costs_minor: Array  # [test rows + 1] if the 0, 1, 2, ... riskiest are reviewed
    trials: Sequence[Mapping[str, Any]]

    @property
    def missed(self) -> list[str]:
        """Sentences about the gates that were not passed, and leaks by the feature's name."""
        gates = [f"{g.name} is {_short(g.found)} instead of {_short(g.bound)}"
                 for g in self.gates if not g.passed]  # fmt: skip
        return gates + [finding.sentence for finding in self.findings]


def prepared(rows: pd.DataFrame, months: Months, rules: SellerRisk) -> Data:
    """(ds, seller_id, 36 columns, label) in one order, encoded as the training months say."""
    ordered = rows.sort_values(["ds", "seller_id"], ignore_index=True)
    columns = columns_of(pa.Table.from_pandas(ordered, preserve_index=False))
    month = ordered["ds"].to_numpy()
    train = np.isin(month, np.array(months.train, object))
    of_train = {name: values[train] for name, values in columns.items()}
    encoding = fitted(of_train, rules.features)
    encoded_rows = Rows(
        encoding.encode(columns), ordered["label"].to_numpy(np.int64),
        ordered["seller_id"].to_numpy().astype(str), month,
    )  # fmt: skip
    return Data(columns, encoded_rows, months, encoding, empty(of_train))


def searched(data: Data, rules: SellerRisk, threads: int, said: Callable[[str], None]) -> Chosen:
    return search(data.train, data.stop, rules.training, rules.features, threads, said)


def encoded(rows: DataFrame, encoding: Encoding) -> DataFrame:
    """(seller_id, ds, features array<double>, label) of labelled rows, on Spark."""

    def encode(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            numbers = encoding.encode(columns_of(batch))
            offsets = np.arange(len(numbers) + 1, dtype=np.int32) * numbers.shape[1]
            yield pa.RecordBatch.from_pydict({
                "seller_id": batch.column("seller_id"), "ds": batch.column("ds"),
                "features": pa.ListArray.from_arrays(offsets, numbers.ravel()),
                "label": batch.column("label"),
            })  # fmt: skip

    return rows.mapInArrow(encode, "seller_id string, ds date, features array<double>, label int")


def assembled(text: str, data: Data, chosen: Chosen, rules: SellerRisk, known_on: date) -> Model:
    """The model of these trees: calibrated and cut into bands on held back sellers."""
    newest = {n: v[data.part(data.months.train[-1])] for n, v in data.columns.items()}
    catalogue = yaml.safe_load((files("conf") / "models" / "seller_risk_reasons.yaml").read_text())
    plain = Model(
        trees=text, encoding=data.encoding, calibration=Calibration(), bands={},
        catalogue=Catalogue(catalogue["families"], catalogue["features"]), peers=peers(newest),
        trained={
            "known_on": str(known_on), "settings_version": rules.version,
            "months": {name: [str(day) for day in days]
                       for name, days in asdict(data.months).items()},
            "rows": len(data.train), "rounds": chosen.rounds,
        },
    )  # fmt: skip
    held = data.held
    margin = margins(plain.booster, held.features)
    error = calibration_error(held.label, Calibration().probability(margin),
                              rules.evaluation.ece_bins)  # fmt: skip
    needed = error > rules.calibration.ece_most
    calibration = calibrated(held.label, margin) if needed else Calibration()
    tenths = [float(bound) for bound in np.quantile(margin, np.arange(1, 10) / 10)]
    place = np.searchsorted(tenths, margin, side="right")  # equal margins fall into one
    shares = np.bincount(place, minlength=len(tenths) + 1) / len(margin)
    return replace(
        plain, calibration=calibration, bands=bands(margin, rules.bands),
        trained={**plain.trained, "tenths": tenths, "tenth_shares": shares.tolist()},
    )  # fmt: skip


def judged(
    model: Model, data: Data, chosen: Chosen, rules: SellerRisk, threads: int, parity: float,
    champion: Model | None,
) -> Outcome:  # fmt: skip
    """The model on the test months, against baselines and the champion."""
    train, test, held = data.train, data.test, data.held
    columns = {name: values[data.part(*data.months.test)] for name, values in data.columns.items()}
    margin = margins(model.booster, test.features, threads)
    scored = Scored(
        seller=test.seller, month=test.month, label=test.label, margin=margin,
        probability=model.calibration.probability(margin),
        logistic=logistic_scores(train, test),
        disjoint=disjoint(train, test, chosen, threads), groups=judge.groups(columns),
        native=margins(fit(train, chosen, threads), test.features, threads),
        champion=None if champion is None else champion.margin(columns, threads),
    )  # fmt: skip
    contributions = model.tables.contributions(test.features)
    off = np.abs(contributions.sum(axis=1) + model.tables.bias - margin).max()
    measured = {"parity": parity, "additivity": float(off)}
    findings = leakage.findings(train, test, chosen, rules.leakage, threads)
    result = judge.judge(scored, rules)
    cost = rules.evaluation.cost_per_review_minor, rules.evaluation.cost_per_missed_minor
    held_margin = margins(model.booster, held.features)
    return Outcome(
        judged=result, scored=scored, test=test, contributions=contributions,
        gates=judge.gates(result, findings, measured, rules), findings=findings,
        warnings=leakage.warnings(train, test, chosen, model.catalogue.members, threads),
        walked=walked(data, chosen, rules, threads), singles=leakage.singles(test),
        threshold=cheapest_threshold(held.label, held_margin, *cost),
        costs_minor=costs(test.label, margin, *cost), trials=chosen.trials,
    )  # fmt: skip


def disjoint(train: Rows, test: Rows, chosen: Chosen, threads: int) -> Array:
    """[test rows] margins from the half of the training sellers that the seller is not in."""
    result = np.zeros(len(test))
    for learns, asks in ((half_of(train.seller), ~half_of(test.seller)),
                         (~half_of(train.seller), half_of(test.seller))):  # fmt: skip
        booster = fit(train.of(learns), chosen, threads)
        result[asks] = margins(booster, test.features[asks], threads)
    return result


def walked(data: Data, chosen: Chosen, rules: SellerRisk, threads: int) -> list[dict[str, Any]]:
    """What the same parameters reach month after month, each trained on all before the gap."""
    mature = sorted(set(data.rows.month))
    found = []
    for months in walk_forward(mature, rules.split)[-rules.evaluation.walk_forward_months :]:
        train, test = (data.rows.of(data.part(*days)) for days in (months.train, months.test))
        score = margins(fit(train, chosen, threads), test.features, threads)
        found.append({
            "month": str(months.test[0]), "trained_until": str(months.train[-1]),
            "ap": average_precision(test.label, score),
        })  # fmt: skip
    return found


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
