"""What the page of risk model and segments says, as plain values; nothing here is measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from conf.method_settings import SellerMethods
from jobs.report import wording
from ml.comparison import (
    ALL,
    BOTH,
    DELAY,
    LOGISTIC,
    MARKETPLACE,
    METHODS,
    MODEL,
    NEITHER,
    NONE,
    OUTAGE,
    RATE,
    SEGMENTS,
    SHARE,
    Comparison,
    Method,
    Trial,
)
from ml.evaluation import CONFIDENCE, Interval
from ml.recommendation import Recommendation, percent, signed, what_drifted, when_the_rate_wins

LABELS = {
    RATE: "Segment rate", LOGISTIC: "Logistic regression", MODEL: "Risk model",
    BOTH: "Both together", SEGMENTS: "Segments", NEITHER: "Not distinguishable",
    NONE: "None of them",
}  # fmt: skip
CUTS = {
    ALL: "All labels", SHARE: "Labels of {} of the sellers",
    DELAY: "None of the newest {} months: labels are late",
    OUTAGE: "None of the newest {} months: labels stopped", MARKETPLACE: "None in {}",
}  # fmt: skip
KEPT = {
    "kept": "keep their segment from month to month",
    "noise_kept": "would keep it if only chance changed their figures",
}
FIGURES = {
    "average_precision": "average precision", "lift": "times the base rate",
    "lift_low": "times the base rate, at least", "difference": "risk model less segment rate",
    "difference_low": "at least", "difference_high": "at most",
    "missed_sellers": "sellers found by the segments alone", "realised_rate": "came true",
    "over_model_high": "less those that the model picks, at most",
    "unordered": "segments by lot",
    "difference_least": "least difference", "lift_least": "least times the base rate",
    "outreach_sellers_least": "least number of sellers",
    "outreach_lift_least": "least times the base rate",
}  # fmt: skip
"""What the numbers and thresholds of recommendations are called."""
HEADROOM = 1.05
"""The end of the scale, over the highest bound that is drawn."""
LEAST_SHOWN_S = 0.01


@dataclass(frozen=True)
class Bar:
    """A method's average precision on a scale of 0 to 100: `low`, `width` of the interval, `at`."""

    label: str
    text: str
    low: float
    width: float
    at: float
    base: float


def page_of(
    comparison: Comparison, recommendations: Sequence[Recommendation], rules: SellerMethods, *,
    ds: date, stability: Mapping[str, float], segmentation_s: float | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """All that the templates show, as text.

    `stability` holds shares of sellers by name ("kept", "noise_kept"), `segmentation_s` the seconds
    that fitting the segments took, where that is known, `notes` what limits this run's segments.
    """
    c, capacity = comparison, f"{rules.evaluation.capacity:.1%}"
    return {
        "date_text": wording.day(ds), "lede": _lede(c),
        "recommendations": [_recommended(one) for one in recommendations],
        "bars": _bars(c), "bars_text": f"Base rate {c.base_rate:.1%}; the scale ends at "
        f"{_scale(c):.3f}.",
        "sides": _sides(c, rules, stability, segmentation_s),
        "names": [rules.texts[name].name for name in (SEGMENTS, MODEL)],
        "capacity": capacity, "queue_rows": f"{c.queue_rows:,}",
        "methods": [_method(name, c.methods[name]) for name in METHODS],
        "differences": [
            {"label": f"{LABELS[one]} less {LABELS[two].lower()}", "value": signed(gap)}
            for (one, two), gap in c.differences.items()
        ],
        "when": when_the_rate_wins(c), "trials": [_trial(trial) for trial in c.trials],
        "skipped": [f"{_cut(one.kind, one.detail)}: {one.reason}." for one in c.skipped],
        "found": _found(c, capacity), "segments": _segments(c),
        "drifted": what_drifted(c, rules),
        "months": [
            {"label": month.month, "rows": f"{month.rows:,}", "positives": f"{month.positives:,}",
             "ap": [_ap(month.ap[name]) for name in METHODS]}
            for month in c.months
        ],
        "columns": [LABELS[name] for name in METHODS],
        "limits": [*notes, *_limits(c, rules)],
    }  # fmt: skip


def _lede(c: Comparison) -> str:
    return (
        f"Trained on {c.train_rows:,} seller-months ({_span(c.train_months)}; enforcement followed "
        f"within 60 days on {c.train_positives:,}) and measured on {c.test_rows:,} of "
        f"{c.test_sellers:,} sellers ({_span(c.test_months)}; on {c.test_positives:,}, or "
        f"{c.base_rate:.1%})."
    )


def _span(months: tuple[str, str]) -> str:
    first, last = (date.fromisoformat(month) for month in months)
    return f"{first:%B %Y}" if first == last else f"{first:%B %Y} to {last:%B %Y}"


def _recommended(one: Recommendation) -> dict[str, Any]:
    return {
        "use": f"{one.use[:1].upper()}{one.use[1:]}", "choice": LABELS[one.choice],
        "sentence": one.sentence, "numbers": _figures(one.numbers),
        "thresholds": _figures(one.thresholds),
    }  # fmt: skip


def _figures(figures: Mapping[str, float]) -> str:
    """Named figures in one line: counts whole, the rest with three digits."""
    return "; ".join(
        f"{_worded(name)} {value:,.0f}" if "sellers" in name else f"{_worded(name)} {value:.3f}"
        for name, value in figures.items()
    )


def _worded(name: str) -> str:
    """model_over_rate_low as `risk model less segment rate, at least`."""
    if name in FIGURES:
        return FIGURES[name]
    one, _, two = name.removesuffix("_low").partition("_over_")
    return f"{LABELS[one]} less {LABELS[two]}, at least".lower()


def _scale(c: Comparison) -> float:
    return HEADROOM * max(method.ap.high for method in c.methods.values())


def _bars(c: Comparison) -> list[Bar]:
    end = _scale(c)

    def place(value: float) -> float:
        return round(100 * value / end, 1)

    return [
        Bar(LABELS[name], str(ap), place(ap.low), place(ap.high - ap.low), place(ap.value),
            place(c.base_rate))
        for name, ap in ((name, c.methods[name].ap) for name in METHODS)
    ]  # fmt: skip


def _sides(c: Comparison, rules: SellerMethods, stability: Mapping[str, float],
           segmentation_s: float | None) -> list[dict[str, Any]]:  # fmt: skip
    """(aspect, texts of segments and model, and below each what was measured)."""
    texts = [rules.texts[name] for name in (SEGMENTS, MODEL)]

    def side(label: str, fixed: str, measured: tuple[str, str]) -> dict[str, Any]:
        said = [getattr(text, fixed) if fixed else "" for text in texts]
        return {"label": label, "cells": list(zip(said, measured, strict=True))}

    few = c.trial(SHARE)
    labels = tuple(_with_few(few, of) for of in (RATE, MODEL))
    return [
        side("Objective", "objective", ("", "")), side("Inputs", "inputs", ("", "")),
        side("Outputs", "outputs", ("", "")),
        side("Evaluation", "", (_evaluated(c, RATE), _evaluated(c, MODEL))),
        side("Cost", "", (_segment_cost(c.methods[RATE], segmentation_s),
                          _cost(c.methods[MODEL]))),
        side("Label need", "label_need", (labels[0], labels[1])),
        side("Stability", "", (_kept(c, stability), _months_apart(c))),
        side("Failure modes", "failure_modes", ("", "")),
    ]  # fmt: skip


def _evaluated(c: Comparison, name: str) -> str:
    method = c.methods[name]
    return (
        f"{LABELS[name]}: average precision {method.ap}, precision at capacity "
        f"{percent(method.precision)}."
    )


def _with_few(few: Trial | None, name: str) -> str:
    if few is None:
        return ""
    reached = few.rate if name == RATE else few.model
    return (
        f"With labels of {few.detail} of the sellers ({few.labelled_positives:,} positive rows): "
        f"average precision {reached}."
    )


def _segment_cost(rate: Method, segmentation_s: float | None) -> str:
    fitted = "" if segmentation_s is None else f"Segments fitted in {_seconds(segmentation_s)}. "
    return f"{fitted}Rates: {_cost(rate)}"


def _cost(method: Method) -> str:
    scoring = "" if method.score_s is None else f", scored in {_seconds(method.score_s)}"
    return f"Fitted in {_seconds(method.fit_s)}{scoring}."


def _kept(c: Comparison, stability: Mapping[str, float]) -> str:
    said = [f"{share:.1%} of the sellers {KEPT.get(name, name.replace('_', ' '))}"
            for name, share in stability.items()]  # fmt: skip
    return ". ".join([*said, f"Population stability of the shares {_number(c.segment_psi)}."])


def _months_apart(c: Comparison) -> str:
    reached = [month.ap[MODEL] for month in c.months if not math.isnan(month.ap[MODEL])]
    span = f"{_ap(min(reached))} to {_ap(max(reached))}" if reached else "–"
    return (
        f"Average precision by test month {span}. Population stability of the scores "
        f"{_number(c.score_psi)}."
    )


def _method(name: str, method: Method) -> dict[str, str]:
    together = "fitting and scoring" if method.score_s is None else ""
    return {
        "label": LABELS[name], "precision": f"{method.precision.value:.1%}",
        "precision_bounds": _bounds_share(method.precision),
        "recall": f"{method.recall.value:.1%}", "recall_bounds": _bounds_share(method.recall),
        "fit": _seconds(method.fit_s), "together": together,
        "score": "–" if method.score_s is None else _seconds(method.score_s),
    }  # fmt: skip


def _trial(trial: Trial) -> dict[str, str]:
    return {
        "label": _cut(trial.kind, trial.detail),
        "about": _labelled(trial),
        "model": f"{trial.model.value:.3f}", "model_bounds": _bounds(trial.model),
        "rate": f"{trial.rate.value:.3f}", "rate_bounds": _bounds(trial.rate),
        "difference": f"{trial.difference.value:+z.3f}",
        "difference_bounds": f"{trial.difference.low:+z.3f} to {trial.difference.high:+z.3f}",
        "winner": LABELS[trial.winner],
    }  # fmt: skip


def _labelled(trial: Trial) -> str:
    labelled = (
        f"{trial.labelled_positives:,} positive of {trial.labelled_rows:,} labelled rows, "
        f"{trial.labelled_sellers:,} sellers"
    )
    if trial.kind != MARKETPLACE:
        return labelled
    return (
        f"{labelled}; tested there on {trial.test_positives:,} of {trial.test_rows:,}, where the "
        f"model with all labels reaches {_ap(trial.full_ap)}"
    )


def _cut(kind: str, detail: str) -> str:
    return CUTS[kind].format(wording.name(detail)) if detail else CUTS[kind]


def _found(c: Comparison, capacity: str) -> list[dict[str, str]]:
    """What segments find outside the model's queue, and the model outside strained segments."""
    seen = c.found
    only = seen.model_only_positives / seen.model_only_rows if seen.model_only_rows else math.nan
    rows = [
        ("In strained segments, with high GMV and without any action", f"{seen.rows:,}",
         f"seller-months; high is {seen.gmv_least:.2f} times the marketplace's median and more"),
        (f"Of these within the model's riskiest {capacity}", f"{seen.queued_rows:,}",
         f"of the queue's {c.queue_rows:,}"),
        ("Found by the segments alone", f"{seen.missed_rows:,}",
         f"of {seen.missed_sellers:,} sellers, with {seen.gmv_share:.1%} of the GMV relative to "
         "medians"),
        ("Of these came true", _share(seen.rate), f"{seen.missed_positives:,} seller-months; of "
         f"all {c.base_rate:.1%}"),
        ("Of as many picked by the model came true", _share(seen.model_rate),
         "among all with high GMV, without any action and outside the queue"),
        ("The first less the second", "–" if seen.over_model is None else
         f"{100 * seen.over_model.value:+z.1f} points ({100 * seen.over_model.low:+z.1f} to "
         f"{100 * seen.over_model.high:+z.1f})", "on the same draws of sellers"),
        ("Found by the model alone", f"{seen.model_only_rows:,}",
         f"in the queue, in no strained segment; {_plain_share(only)} came true"),
    ]  # fmt: skip
    return [{"label": label, "value": value, "about": about} for label, value, about in rows]


def _segments(c: Comparison) -> list[dict[str, str]]:
    return [
        {"label": " ".join(one.name.split()), "about": "strained" if one.strained else "",
         "train_rows": f"{one.train_rows:,}", "rate": f"{one.rate:.1%}",
         "test_rows": f"{one.test_rows:,}",
         "observed": _plain_share(one.test_positives / one.test_rows if one.test_rows
                                  else math.nan)}
        for one in c.segments
    ]  # fmt: skip


def _limits(c: Comparison, rules: SellerMethods) -> list[str]:
    same = (
        f"Every fit here has the same parameters and {rules.model.rounds:,} trees: nothing was "
        "searched, so a searched model may do better than the one shown."
    )
    return [
        same,
        f"Intervals hold {CONFIDENCE:.0%} of the draws of sellers and say nothing of later months.",
        "A label is an enforcement, not a fault: where nobody looked, both methods miss alike.",
        "A marketplace without labels is scaled here by its own behaviour; one without any history "
        "is not, and may do worse.",
        "Precision at capacity counts a tie as drawn by lot, since all sellers of a segment tie.",
        f"A segment's rate counts {rules.segment_rate.pseudo_rows:g} rows at the base rate; as an "
        "input of the model it is learnt from the other half of the sellers.",
        f"Seconds were measured once, on {c.train_rows:,} and {c.test_rows:,} rows, and decide "
        "nothing.",
    ]  # fmt: skip


def _bounds(interval: Interval) -> str:
    return f"{interval.low:.3f} to {interval.high:.3f}"


def _bounds_share(interval: Interval) -> str:
    return f"{interval.low:.1%} to {interval.high:.1%}"


def _share(interval: Interval | None) -> str:
    return "–" if interval is None else percent(interval)


def _plain_share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"


def _ap(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _number(value: float) -> str:
    return "not measured" if math.isnan(value) else f"{value:.3f}"


def _seconds(value: float) -> str:
    shown = f"{value:.2f}" if value >= LEAST_SHOWN_S else f"under {LEAST_SHOWN_S:g}"
    return f"{shown}{wording.NO_BREAK}s"
