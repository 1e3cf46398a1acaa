"""A frozen version of the segmentation: transforms, centres and names, as JSON.

It assigns alike wherever it runs: on Spark, in plain Python, in a container.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from conf.model_settings import Hysteresis, LowHistory, SegmentFeature
from ml import artefact
from ml.artefact import OtherContract
from ml.seller_segments import behaviour
from ml.seller_segments.behaviour import Behaviour, month_ends_to
from ml.seller_segments.nearest import squared_distances
from ml.seller_segments.smoothing import ABSENT, LOW_HISTORY, History, raw, smoothed
from ml.seller_segments.transforms import Transforms, orders_90d

Array = npt.NDArray[Any]

SCHEMA = pa.schema([
    ("seller_id", pa.string()), ("segment_id", pa.int32()), ("segment_name", pa.string()),
    ("raw_segment_id", pa.int32()), ("distance", pa.float64()),
])  # fmt: skip
"""`distance`: from the seller to the centre of his smoothed segment; null for new sellers."""


@dataclass(frozen=True)
class Model:
    """Centres [n, coordinates]; several may make up one segment: `segments` [n] ids above 0."""

    features: Mapping[str, SegmentFeature]
    transforms: Transforms
    centres: Array
    segments: Sequence[int]
    names: Mapping[int, str]
    low_history: LowHistory
    hysteresis: Hysteresis
    month_ends: int
    since: date | None  # the first month-end in the units that it was fitted on; None: no break
    reference: Mapping[str, Any]  # what health is measured against
    trained: Mapping[str, Any]

    @property
    def ids(self) -> list[int]:
        """The segments, without that of new sellers."""
        return sorted(set(self.segments))

    @property
    def every_name(self) -> dict[int, str]:
        return {LOW_HISTORY: self.low_history.name, **self.names}

    @property
    def coordinates(self) -> list[str]:
        """The features that are measured, in the order of the coordinates."""
        return list(self.transforms.scales)

    def ends(self, ds: date) -> list[date]:
        """The month-ends that a segment of `ds` rests on, ascending: none from before a break."""
        found = month_ends_to(ds, self.month_ends)
        return [end for end in found if self.since is None or end >= self.since]

    def matrix(self, rows: Behaviour) -> Array:
        return self.transforms.coordinates(rows, self.features)

    def distances(self, matrix: Array) -> Array:
        """[rows, segments] to the nearest centre of each segment, in the order of `ids`."""
        each = np.sqrt(squared_distances(matrix, self.centres))
        of = np.array(self.segments)
        return np.column_stack([each[:, of == segment].min(axis=1) for segment in self.ids])

    def raw(self, rows: Behaviour, distances: Array | None = None) -> Array:
        """[rows] the segment of each row by itself."""
        if distances is None:
            distances = self.distances(self.matrix(rows))
        orders = orders_90d(rows, self.transforms.counts)
        return raw(rows.tenure_days, orders, distances, np.array(self.ids), self.low_history)

    def smoothed(self, rows: Behaviour, ends: Sequence[date],
                 distances: Array | None = None) -> tuple[Array, Array]:  # fmt: skip
        """(sellers [n], smoothed segments [n, months]) at these month-ends, of all rows."""
        sellers, history = self.history(rows, ends, distances)
        return sellers, smoothed(history, self.low_history, self.hysteresis.nearer_least)

    def at(self, rows: Behaviour, ds: date, distances: Array) -> tuple[Array, Array]:
        """(sellers, their smoothed segments) at a month-end; before a break of units the raw ones,
        for there is nothing to look back on."""
        sellers, at_ends = self.smoothed(rows, self.ends(ds) or [ds], distances)
        return sellers, at_ends[:, -1]

    def vanished(self, here: Set[str]) -> list[str]:
        """Marketplaces that the version knows and that are not among those `here`."""
        return sorted(set(self.reference["marketplaces"]) - here)

    def unseen(self, here: Set[str]) -> list[str]:
        """Marketplaces among those `here` that the version does not know."""
        return sorted(here - set(self.reference["marketplaces"]))

    def history(self, rows: Behaviour, ends: Sequence[date],
                distances: Array | None = None) -> tuple[Array, History]:  # fmt: skip
        """The rows of these month-ends as a table of sellers by months."""
        if distances is None:
            distances = self.distances(self.matrix(rows))
        sellers, seller = np.unique(rows.seller.astype(str), return_inverse=True)
        days = np.array(ends, "datetime64[D]")
        month = np.searchsorted(days, rows.ds)
        used = np.flatnonzero(np.isin(rows.ds, days))
        place = (seller[used], month[used])
        shape = (len(sellers), len(days))
        here = np.zeros(shape, bool)
        tenure, orders = np.full(shape, np.nan), np.full(shape, np.nan)
        table = np.full((*shape, distances.shape[1]), np.inf)
        here[place] = True
        tenure[place] = rows.tenure_days[used]
        orders[place] = orders_90d(rows, self.transforms.counts)[used]
        table[place] = distances[used]
        return sellers, History(here, tenure, orders, table, np.array(self.ids))

    def assigned(self, table: pa.Table, ds: date) -> pa.Table:
        """SCHEMA, one row for each seller with a row of ds, by seller.

        `table` has, for each of its sellers, his rows of ds and of the last month-ends up to ds;
        rows of other days are of no account. A day between month-ends shows the smoothed segment of
        the last one, and of a seller who has no row there the raw one of the day.
        """
        ends = self.ends(ds)
        rows = behaviour.behaviour(_of_days(table, {ds, *ends}), self.features)
        distances = self.distances(self.matrix(rows))
        sellers, at_ends = self.smoothed(rows, ends, distances)
        last = at_ends[:, -1] if ends else np.full(len(sellers), ABSENT)
        today = np.flatnonzero(rows.ds == np.datetime64(ds))
        own = self.raw(rows, distances)[today]
        before = last[np.searchsorted(sellers, rows.seller[today].astype(str))]
        segment = np.where(before == ABSENT, own, before)
        return self._as_table(rows.seller[today], segment, own, distances[today])

    def _as_table(self, sellers: Array, segment: Array, own: Array, distances: Array) -> pa.Table:
        names = self.every_name
        place = np.searchsorted(self.ids, segment).clip(0, len(self.ids) - 1)
        distance = np.where(segment == LOW_HISTORY, np.nan,
                            distances[np.arange(len(segment)), place])  # fmt: skip
        return pa.table([
            pa.array(sellers, pa.string()), pa.array(segment, pa.int32()),
            pa.array([names[int(n)] for n in segment], pa.string()), pa.array(own, pa.int32()),
            pa.array(distance, pa.float64(), from_pandas=True),
        ], schema=SCHEMA)  # fmt: skip

    def renamed(self, ids: Mapping[int, int], names: Mapping[int, str]) -> Model:
        """The same centres under other ids and names."""
        changed = [ids[segment] for segment in self.segments]
        return replace(self, segments=changed, names={n: names[n] for n in sorted(set(changed))})

    def files(self) -> dict[str, str]:
        contents = {
            "contract": {
                "features": {name: asdict(one) for name, one in self.features.items()},
                "definitions": behaviour.definitions(self.features),
            },
            "transforms": self.transforms.to_json(),
            "centres": {
                "segments": list(self.segments), "centres": self.centres.tolist(),
                "names": {str(n): name for n, name in self.names.items()},
            },
            "rules": {
                "low_history": asdict(self.low_history), "hysteresis": asdict(self.hysteresis),
                "month_ends": self.month_ends, "since": self.since and str(self.since),
            },
            "reference": dict(self.reference), "trained": dict(self.trained),
        }  # fmt: skip
        return {f"{name}.json": json.dumps(content, indent=1) + "\n"
                for name, content in contents.items()}  # fmt: skip

    def write(self, folder: Path) -> None:
        """The model as files, each held to its digest."""
        artefact.write(folder, self.files())


def read(folder: Path) -> Model:
    """The model of a folder; artefact.Tampered, or OtherContract if it knows other features."""
    return of_files(artefact.read(folder))


def of_files(files: Mapping[str, str]) -> Model:
    """The model of its files' texts, by name."""
    content = {name.removesuffix(".json"): json.loads(text)
               for name, text in files.items() if name.endswith(".json")}  # fmt: skip
    contract = content["contract"]
    features = {name: SegmentFeature(**one) for name, one in contract["features"].items()}
    here, then = behaviour.definitions(features), contract["definitions"]
    if changed := sorted(name for name in features if here.get(name) != then[name]):
        raise OtherContract(f"the model knows other features: {', '.join(changed)}")
    rules, found = content["rules"], content["centres"]
    return Model(
        features=features, transforms=Transforms.of_json(content["transforms"]),
        centres=np.array(found["centres"], float), segments=found["segments"],
        names={int(n): name for n, name in found["names"].items()},
        low_history=LowHistory(**rules["low_history"]),
        hysteresis=Hysteresis(**rules["hysteresis"]), month_ends=rules["month_ends"],
        since=date.fromisoformat(rules["since"]) if rules["since"] else None,
        reference=content["reference"], trained=content["trained"],
    )  # fmt: skip


def _of_days(table: pa.Table, days: set[date]) -> pa.Table:
    wanted = pa.array(sorted(days), pa.date32())
    return table.filter(pc.is_in(table.column("ds").cast(pa.date32()), value_set=wanted))
