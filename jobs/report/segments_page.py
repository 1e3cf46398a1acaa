"""The page of seller segments as plain values: what a person acts on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from conf.currencies import exponent
from conf.model_settings import Owner
from jobs.report import wording

if TYPE_CHECKING:
    from ml.evaluation import Interval
    from ml.seller_segments.profile import Sheet

SHOWN_EFFECTS, SHOWN_PARTS = 6, 5
EFFECT_SCALE = 3.0
"""Standard deviations at the end of a bar."""
PARTS = {"entered": "new here", "left": "gone", "moved_in": "moved in", "moved_out": "moved out",
         "model_changed": "another version"}  # fmt: skip
STABILITY = {
    "ari_seeds": "Agreement of two fits of the same sellers",
    "ari_halves": "Agreement of fits of two halves of the sellers",
    "ari_months": "Agreement of own fits of this month and the one before",
    "kept": "Sellers who kept their segment since the month before",
    "noise_kept": "Sellers who keep it if chance redraws their counts",
}
TRIGGERS = {
    "share_psi": "Shares of the segments", "distance_growth": "Distance from the centres",
    "feature_psi": "Feature",
}  # fmt: skip

Flow = tuple[int, str, str, str, float, float]


@dataclass(frozen=True)
class Segment:
    """A segment on a month-end; `gmv` (currency, minor units, share), `effects` largest first."""

    segment_id: int
    name: str
    sellers: int
    share: float
    gmv: Sequence[tuple[str, int, float]]
    effects: Sequence[tuple[str, float]]
    risk: tuple[Interval, int] | None  # (rate, sellers whose label is sure)
    risk_ds: date | None
    owner: Owner
    watch_value: float | None

    def row(self, ds: date, version: str) -> tuple[Any, ...]:
        """As reports/segments has it."""
        risk, sellers = self.risk or (None, None)
        bounds = (None, None, None) if risk is None else (risk.value, risk.low, risk.high)
        return (
            ds, self.segment_id, self.name, self.sellers, self.share, list(self.gmv),
            list(self.effects), *bounds, sellers, self.risk_ds, self.owner.owner,
            self.owner.action, self.owner.watch, self.watch_value, version,
        )  # fmt: skip


def page(
    segments: Sequence[Segment], flows: Sequence[Flow], counts: Mapping[tuple[int, int], int],
    sheet: Sheet, health: Sequence[Mapping[str, Any]], ds: date, version: str,
) -> dict[str, Any]:  # fmt: skip
    names = {segment.segment_id: segment.name for segment in segments}
    highest = max((s.risk[0].high for s in segments if s.risk), default=1.0) or 1.0
    tripped = [row for row in health if row["tripped"]]
    largest = max(segments, key=lambda segment: (segment.segment_id > 0, segment.sellers))
    return {
        "date_text": wording.day(ds), "version": version,
        "headline": f"{sum(s.sellers for s in segments):,} sellers in {len(segments)} segments; "
                    f"the largest is “{largest.name}”",
        "segments": [_segment(one, flows, names, highest) for one in
                     sorted(segments, key=lambda one: (one.segment_id == 0, -one.sellers))],
        "risk_ds": next((wording.day(s.risk_ds) for s in segments if s.risk_ds), ""),
        "migration": _migration(names, counts),
        "rules": [{"conditions": " and ".join(rule.conditions) or "always",
                   "segment": names.get(rule.segment, str(rule.segment)),
                   "share": f"{rule.share:.0%}", "purity": f"{rule.purity:.0%}"}
                  for rule in sheet.rules],
        "fidelity": f"{sheet.fidelity:.0%}",
        "stability": [_figure(row, STABILITY[row["metric"]]) for row in health
                      if row["metric"] in STABILITY],
        "triggers": [_figure(row, _trigger(row)) for row in health
                     if row["metric"] in TRIGGERS and row["metric"] != "feature_psi"]
                    + [_figure(row, _trigger(row)) for row in tripped
                       if row["metric"] == "feature_psi"],
        "drifted": sum(row["metric"] == "feature_psi" for row in tripped),
    }  # fmt: skip


def _segment(one: Segment, flows: Sequence[Flow], names: Mapping[int, str],
             highest: float) -> dict[str, Any]:  # fmt: skip
    mine = [flow for flow in flows if flow[0] == one.segment_id]
    change, points = sum(flow[4] for flow in mine), 100 * sum(flow[5] for flow in mine)
    return {
        "name": one.name, "sellers": f"{one.sellers:,}", "share": f"{one.share:.1%}",
        "change": f"{change:+,.0f} sellers, {points:+.1f} points" if mine else "",
        "parts": _parts(mine, names),
        "gmv": [f"{wording.money(minor / 10 ** exponent(currency), currency)} ({share:.0%})"
                for currency, minor, share in one.gmv],
        "effects": [_effect(name, value) for name, value in one.effects[:SHOWN_EFFECTS]],
        "risk": _risk(one, highest), "owner": one.owner,
        "watch": one.owner.watch.replace("_", " "),
        "watch_value": "" if one.watch_value is None else _short(one.watch_value),
    }  # fmt: skip


def _parts(flows: Sequence[Flow], names: Mapping[int, str]) -> list[str]:
    """'120 moved in from “Large” (shipping 80, size 40)', the largest first."""
    whole: dict[tuple[str, str], dict[str, float]] = {}
    for _, part, family, counterpart, sellers, _ in flows:
        if part != "denominator":
            families = whole.setdefault((part, counterpart), {})
            families[family] = families.get(family, 0.0) + sellers
    said = []
    largest = sorted(whole.items(), key=lambda item: -abs(sum(item[1].values())))
    for (part, counterpart), families in largest:
        total = sum(families.values())
        text = f"{total:+,.0f} {PARTS[part]}"
        if counterpart:
            way = "from" if part == "moved_in" else "to"
            text += f" {way} “{names.get(int(counterpart), counterpart)}”"
        by = sorted(((f, n) for f, n in families.items() if f and round(abs(n)) > 0),
                    key=lambda item: -abs(item[1]))  # fmt: skip
        if by:
            text += f" ({', '.join(f'{family} {sellers:+,.0f}' for family, sellers in by)})"
        said.append(text)
    if len(said) > SHOWN_PARTS:
        rest = sum(sum(families.values()) for _, families in largest[SHOWN_PARTS:])
        return [*said[:SHOWN_PARTS], f"{rest:+,.0f} in {len(said) - SHOWN_PARTS} smaller moves"]
    return said


def _short(value: float) -> str:
    """0.0292, 2.5, 447, 2,010: three digits, and no powers of ten."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _effect(name: str, value: float) -> dict[str, Any]:
    width = min(abs(value) / EFFECT_SCALE, 1.0) * 50
    return {
        "name": name.replace("_", " "), "value": f"{value:+.1f}",
        "x": round(50 - width if value < 0 else 50, 1), "width": round(width, 1),
    }  # fmt: skip


def _risk(one: Segment, highest: float) -> dict[str, Any] | None:
    if one.risk is None:
        return None
    rate, sellers = one.risk
    return {
        "text": f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%}) of {sellers:,}",
        "x": round(100 * rate.low / highest, 1), "at": round(100 * rate.value / highest, 1),
        "width": round(100 * (rate.high - rate.low) / highest, 1),
    }  # fmt: skip


def _migration(names: Mapping[int, str], counts: Mapping[tuple[int, int], int]) -> list[Any]:
    """One row a segment of the month-end before: where its sellers are now."""
    order = sorted(names, key=lambda n: (n == 0, n))
    found = []
    for before in [*order, -1]:
        row = [counts.get((before, now), 0) for now in [*order, -1]]
        if any(row):
            label = "no row before" if before == -1 else names[before]
            found.append({"name": label, "cells": [f"{n:,}" if n else "" for n in row]})
    return [{"name": "", "cells": [*(names[n] for n in order), "no row now"]}, *found]


def _trigger(row: Mapping[str, Any]) -> str:
    about = f" {row['about'].replace('_', ' ')}" if row["about"] else ""
    return TRIGGERS[row["metric"]] + about


def _figure(row: Mapping[str, Any], label: str) -> dict[str, str]:
    value, bound = row["value"], row["bound"]
    return {
        "label": label, "note": row["note"] or "",
        "value": "nothing to measure" if value is None else f"{value:.2f}",
        "bound": "" if bound is None else f"{bound:g}", "tone": "bad" if row["tripped"] else "",
    }  # fmt: skip
