"""The steps of one fit, from rows of behaviour to a frozen version; Spark's fit stands apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from conf.model_settings import Hysteresis, SellerSegments
from ml.seller_segments import health, profile, search, stability
from ml.seller_segments.behaviour import ESTIMATED, PUBLISHED, Behaviour, month_ends_to
from ml.seller_segments.bisecting import labels
from ml.seller_segments.identity import Match, matched
from ml.seller_segments.model import Model
from ml.seller_segments.search import Comparator, Judged, Refits
from ml.seller_segments.smoothing import is_low
from ml.seller_segments.transforms import TooFew, Transforms, fitted, orders_90d

Array = npt.NDArray[Any]
Fit = Callable[[int], Array]
"""The final centres for a k; fewer where no more are found."""


@dataclass(frozen=True)
class Data:
    """What a fit looks at: all rows read, and the pooled ones with enough history."""

    rows: Behaviour
    pool: Behaviour
    days: Sequence[date]  # month-ends of the pool
    since: date | None  # its first, where those before it were in other units
    transforms: Transforms
    matrix: Array  # [pool, coordinates]

    @property
    def digest(self) -> str:
        """Of the pooled rows, whatever the order in which they came."""
        whole = hashlib.sha256(np.ascontiguousarray(self.matrix).tobytes())
        whole.update("\n".join(map(str, self.pool.seller)).encode())
        return whole.hexdigest()[:16]


@dataclass(frozen=True)
class Outcome:
    """What the search found: one row a k, the chosen one, and how the final fit agrees."""

    searched: Sequence[Judged]
    comparators: Sequence[Comparator]
    chosen: Judged
    model: Model
    spark_ari: float | None  # of Spark's fit with the search's own; None: Spark has not fitted
    effects: Array  # [segments, coordinates]
    merges: Sequence[str]
    match: Match | None  # with the champion, by the ids before they are given
    new_ids: Mapping[int, int]  # of those ids: the ids that were given

    @property
    def missed(self) -> Sequence[str]:
        return self.chosen.missed


def prepared(rows: Behaviour, known_on: date, rules: SellerSegments) -> Data:
    """The pooled month-ends known at the date, without sellers of too little history, and without
    those before a break of scale; TooFew where that leaves fewer sellers than the least number of
    segments."""
    source = PUBLISHED if rows.counted else ESTIMATED
    ends = np.array(month_ends_to(known_on, rules.month_ends), "datetime64[D]")
    low = is_low(rows.tenure_days, orders_90d(rows, source), rules.low_history)
    pool = rows.of(np.isin(rows.ds, ends) & ~low)
    sellers = len(set(pool.seller))
    if sellers < rules.search.k_least:
        raise TooFew(
            f"{sellers} sellers have {rules.low_history.orders_least} orders and "
            f"{rules.low_history.tenure_days_least} days in the month-ends {ends[0]} to "
            f"{ends[-1]}; at least {rules.search.k_least} are needed"
        )
    since = _since(pool, source, rules)
    if since is not None:
        pool = pool.of(pool.ds >= np.datetime64(since))
    transforms = fitted(pool, source, rules)
    days = [day.astype(object) for day in np.unique(pool.ds)]
    return Data(rows, pool, days, since, transforms, transforms.coordinates(pool, rules.features))


def _since(pool: Behaviour, source: str, rules: SellerSegments) -> date | None:
    """The first month-end after the last break of scale, by the rule that asks for a refit: so many
    features, scaled by the newest month, lie elsewhere. None without a break."""
    days = np.unique(pool.ds)
    newest = pool.of(pool.ds == days[-1])
    scales = fitted(newest, source, rules)
    model = replace(_of(scales, np.zeros((1, len(scales.scales))), rules),
                    reference=health.tenths(scales, newest, rules))  # fmt: skip
    for later, day in zip(days[:0:-1], days[-2::-1], strict=True):
        found = health.drifts(model, pool.of(pool.ds == day), rules.triggers)
        if sum(figure.tripped for figure in found) >= rules.triggers.features_least:
            first: date = later.astype(object)
            return first
    return None


def refitted(data: Data, rules: SellerSegments, said: Callable[[str], None]) -> Refits:
    """The fits on all rows and on resamples; TooFew where none has the least number of segments."""
    found = search.refitted(data.matrix, data.pool.seller.astype(str), rules, said)
    if not found.best:
        raise TooFew(f"no fit has {rules.search.k_least} segments: the sellers are too much alike")
    return found


def judge(data: Data, centres: Array, refits: Refits, rules: SellerSegments) -> Judged:
    """What centres reach on these rows, with the hysteresis and rules of the settings."""

    def kept(found: Array) -> float:
        steps = stability.kept(plain(data, found, rules), data.rows, steps_of(data, rules))
        return min((stay / common for _, common, stay in steps if common), default=float("nan"))

    places = data.pool.marketplace
    return search.judged(data.matrix, places, centres, refits, kept, rules.gates)


def chosen(
    data: Data, refits: Refits, fit: Fit, rules: SellerSegments, said: Callable[[str], None]
) -> tuple[list[Judged], Judged, Array]:
    """(every k, the chosen one, its final centres): the largest k that passes all gates in the
    search and with the final fit's own centres; where none does, the least k with what it missed
    and the search's centres."""
    table = [judge(data, refits.best[k], refits, rules) for k in sorted(refits.best)]
    for one in table:
        said(f"k = {one.k}: {'; '.join(one.missed) or 'passes'}")
    for k in range(rules.search.k_least, rules.search.k_most + 1):
        if k not in refits.best:
            said(f"k = {k}: no fit has so many segments; left out")
    for candidate in reversed(table):
        if candidate.missed:
            continue
        centres = fit(candidate.k)
        if len(centres) < candidate.k:
            said(f"k = {candidate.k}: the final fit has {len(centres)} segments; left out")
            continue
        final = judge(data, centres, refits, rules)
        if not final.missed:
            return table, final, centres
        said(f"k = {candidate.k}: the final fit does not pass: {'; '.join(final.missed)}")
    least = replace(table[0], missed=table[0].missed or ["no final fit passes"])
    return table, least, refits.best[least.k]


def assembled(
    data: Data, final: Judged, centres: Array, table: Sequence[Judged], refits: Refits,
    rules: SellerSegments, known_on: date, champion: tuple[Any, Model] | None, ids_used: int,
) -> Outcome:  # fmt: skip
    """The frozen version: centres in a lasting order, weak segments merged, named, and matched to
    the champion's. `ids_used` is the greatest id that any version has given."""
    ordered = centres[np.lexsort(centres.T[::-1])]
    gates = rules.gates
    segments = profile.merged(
        data.matrix, ordered, gates.distinct_effect_least, gates.distinct_features_least
    )
    model = replace(plain(data, ordered, rules), segments=segments)
    near = labels(data.matrix, ordered)
    own = np.array(segments)[near]
    found = profile.effects(data.matrix, own, model.ids)
    names = profile.names(found, model.ids, model.coordinates, rules.features)
    model = replace(
        model, names=names,
        reference=health.reference(model, data.rows, data.pool, data.matrix, data.days[-1]),
        trained={
            "known_on": str(known_on), "settings_version": rules.version, "k": final.k,
            "month_ends": [str(day) for day in data.days], "rows": len(data.pool),
            "counts": data.transforms.counts,
            "search": [{**vars(one), "missed": list(one.missed)} for one in table],
        },
    )  # fmt: skip
    match = against(champion[1], model, data.pool, own) if champion else None
    given = _given_ids(model, match, rules, ids_used)
    kept = champion[1].names if champion and match and match.holds(rules.identity) else {}
    names = {given[n]: kept.get(given[n], name) for n, name in model.names.items()}
    model = replace(
        model.renamed(given, names),
        trained={**model.trained, "ids_used": max(ids_used, *given.values())},
        reference=_with_ids(model.reference, given),
    )
    if len(model.ids) < rules.search.k_least:
        said = f"only {len(model.ids)} of its segments are set apart by enough features"
        final = replace(final, missed=[*final.missed, said])
    searched = np.array_equal(centres, refits.best[final.k])
    agreed = None if searched else stability.ari(data.matrix, ordered, refits.best[final.k])
    comparators = [
        search.comparator(data.matrix, best, refits, rules.search.seed, rules.fit.rounds)
        for _, best in sorted(refits.best.items())
    ]
    return Outcome(table, comparators, final, model, agreed, found, _merges(segments),
                   match, given)  # fmt: skip


def against(champion: Model, model: Model, pool: Behaviour, own: Array) -> Match:
    """How the pooled rows' segments correspond to the champion's, without new sellers."""
    near = champion.distances(champion.matrix(_with_counts(pool, champion)))
    old = np.array(champion.ids)[near.argmin(axis=1)]
    return matched(old, own, champion.ids, model.ids)


def plain(data: Data, centres: Array, rules: SellerSegments) -> Model:
    """A nameless model of these centres, a segment each."""
    return replace(_of(data.transforms, centres, rules), since=data.since)


def _of(transforms: Transforms, centres: Array, rules: SellerSegments) -> Model:
    ids = list(range(1, len(centres) + 1))
    return Model(
        features=dict(rules.features), transforms=transforms, centres=centres, segments=ids,
        names={n: str(n) for n in ids}, low_history=rules.low_history,
        hysteresis=Hysteresis(rules.hysteresis.nearer_least), month_ends=rules.month_ends,
        since=None, reference={}, trained={},
    )  # fmt: skip


def steps_of(data: Data, rules: SellerSegments) -> list[date]:
    """The month-ends between whose neighbours retention is measured: none from before a break."""
    ends = month_ends_to(data.days[-1], rules.gates.kept_steps + 1)
    return [end for end in ends if data.since is None or end >= data.since]


def vanished(data: Data) -> list[str]:
    """Marketplaces of the pool without a seller at its newest month-end."""
    newest = set(data.pool.on(data.days[-1]).marketplace)
    return sorted(str(place) for place in set(data.pool.marketplace) - newest)


def _given_ids(
    model: Model, match: Match | None, rules: SellerSegments, ids_used: int
) -> dict[int, int]:
    """The champion's ids where the segments are the same ones; else ids that none had before."""
    if match is not None and match.holds(rules.identity):
        return {new: old for old, new in match.pairs.items()}
    return {segment: ids_used + segment for segment in model.ids}


def _with_ids(reference: Mapping[str, Any], given: Mapping[int, int]) -> dict[str, Any]:
    shares = {str(given.get(int(n), int(n))): share for n, share in reference["shares"].items()}
    return {**reference, "shares": shares}


def _with_counts(rows: Behaviour, champion: Model) -> Behaviour:
    """As the champion counts: where it needs published counts and there are none, with estimated
    ones, for the comparison alone."""
    if champion.transforms.counts == ESTIMATED or rows.counted:
        return rows
    estimated: Mapping[str, Array] = {name: rows.count(name, ESTIMATED) for name in rows.counts}
    return replace(rows, counts=estimated)


def _merges(segments: Sequence[int]) -> list[str]:
    """Sentences about segments that several centres make up."""
    return [
        f"{segments.count(n)} groups were merged into one: too few features set them apart"
        for n in sorted(set(segments)) if segments.count(n) > 1
    ]  # fmt: skip
