"""What a comparison of methods says, use by use: each sentence from its numbers and thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from conf.method_settings import SellerMethods
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
    Found,
    Trial,
)
from ml.evaluation import Interval


@dataclass(frozen=True)
class Recommendation:
    """What to use for what, in a sentence, and the numbers and thresholds that decided it."""

    use: str
    choice: str
    sentence: str
    numbers: Mapping[str, float]
    thresholds: Mapping[str, float]


def recommendations(comparison: Comparison, rules: SellerMethods) -> list[Recommendation]:
    """One for each use, each sentence made of the run's numbers and the thresholds of `rules`."""
    return [
        _queue_order(comparison, rules), _outreach(comparison, rules),
        _new_marketplace(comparison, rules), _label_outage(comparison, rules),
    ]  # fmt: skip


def when_the_rate_wins(comparison: Comparison) -> str:
    """With which labels the segment rate is ahead of the model, if with any."""
    by_winner = {name: [trial for trial in comparison.trials if trial.winner == name]
                 for name in (RATE, NEITHER, MODEL)}  # fmt: skip
    said = []
    if by_winner[RATE]:
        said.append(f"The segment rate is ahead of the risk model with {_cuts(by_winner[RATE])}.")
    else:
        said.append("With none of these labels is the segment rate ahead of the risk model.")
    if by_winner[NEITHER]:
        said.append(f"The two are not distinguishable with {_cuts(by_winner[NEITHER])}.")
    if by_winner[MODEL]:
        said.append(f"The risk model is ahead with {_cuts(by_winner[MODEL])}.")
    return " ".join(said)


def what_drifted(comparison: Comparison, rules: SellerMethods) -> str:
    """Whether the test months still look like the training months, to each method."""
    most = rules.thresholds.score_psi_most

    def said(what: str, value: float) -> str:
        if np.isnan(value):
            return f"The drift of {what} could not be measured."
        verdict = f"have drifted, above {most:.2f}" if value > most else f"held, up to {most:.2f}"
        return f"{what.capitalize()} {verdict}: population stability {value:.3f}."

    return " ".join([
        said("shares of the segments", comparison.segment_psi),
        said("scores of the risk model", comparison.score_psi),
    ])  # fmt: skip


NAMED = {
    RATE: "the segment rate", LOGISTIC: "logistic regression", MODEL: "the risk model",
    BOTH: "the risk model with the segment as one more input",
}  # fmt: skip


def _queue_order(comparison: Comparison, rules: SellerMethods) -> Recommendation:
    """The simplest that ranks at all, unless one more complex is ahead for certain by enough."""
    bounds, gaps, base = rules.thresholds, comparison.differences, comparison.base_rate
    lifts = {name: comparison.methods[name].ap.low / base for name in METHODS}
    able = [name for name in METHODS if lifts[name] >= bounds.lift_least]
    choice = able[0] if able else max(METHODS, key=lambda name: lifts[name])
    for name in able[1:]:
        if gaps[name, choice].low > bounds.difference_least:
            choice = name
    chosen, lift = comparison.methods[choice], lifts[choice]
    numbers = {"average_precision": chosen.ap.value, "lift_low": lift}
    numbers |= {f"{one}_over_{two}_low": gap.low for (one, two), gap in gaps.items()
                if choice in (one, two)}  # fmt: skip
    thresholds = {"difference_least": bounds.difference_least, "lift_least": bounds.lift_least}
    if not able:
        sentence = (
            f"Order the queue by none of them: the best, {NAMED[choice]}, has an average precision "
            f"of {chosen.ap}, and its lower bound is {lift:.2f} times the base rate of {base:.1%}, "
            f"below the {bounds.lift_least:.2f} that a ranking needs."
        )
        return Recommendation("queue order", NONE, sentence, numbers, thresholds)
    sentence = (
        f"Order the queue by {NAMED[choice]}: average precision {chosen.ap}, and "
        f"{chosen.precision.value:.1%} of the riskiest {rules.evaluation.capacity:.1%} come true "
        f"against {base:.1%} of all. {_leads(choice, gaps, bounds.difference_least)}"
    )
    return Recommendation("queue order", choice, sentence, numbers, thresholds)


def _leads(choice: str, gaps: Mapping[tuple[str, str], Interval], least: float) -> str:
    """How far the choice is ahead of simpler methods, and what more complex ones would add."""
    place = METHODS.index(choice)
    ahead = [f"{signed(gaps[choice, name])} over {NAMED[name]}" for name in METHODS[:place]]
    more = [f"{NAMED[name]} {signed(gaps[name, choice])}" for name in METHODS[place + 1 :]]
    said = []
    if ahead:
        said.append(f"Its lead is {listed(ahead)}, where {least:.3f} counts.")
    if more:
        said.append(f"Nothing more complex is ahead by {least:.3f} for certain: {listed(more)}.")
    return " ".join(said)


def _outreach(comparison: Comparison, rules: SellerMethods) -> Recommendation:
    """Whether strained sellers outside the queue are enough, and riskier than others."""
    bounds, seen = rules.thresholds, comparison.found
    numbers = {"missed_sellers": float(seen.missed_sellers)}
    sellers = f"{seen.missed_sellers:,} {'seller' if seen.missed_sellers == 1 else 'sellers'}"
    who = "in strained segments with high GMV, without any action and outside the model's queue"
    if seen.missed_sellers < bounds.outreach_sellers_least or seen.rate is None:
        choice, sentence = MODEL, (
            f"Choose whom to call by the risk model: the segments show {sellers} {who}, fewer than "
            f"the {bounds.outreach_sellers_least:,} that make a list of their own."
        )  # fmt: skip
    else:
        lift = seen.rate.low / comparison.base_rate
        numbers |= {"realised_rate": seen.rate.value, "lift_low": lift}
        if seen.over_model:
            numbers["over_model_high"] = seen.over_model.high
        choice = _whom_to_call(seen, lift >= bounds.outreach_lift_least)
        sentence = (
            f"{_CALLED[choice]}: {sellers} with {seen.gmv_share:.1%} of the GMV are {who}. Of "
            f"these seller-months {percent(seen.rate)} came true against "
            f"{comparison.base_rate:.1%} of all; the lower bound is {lift:.2f} times that, where "
            f"{bounds.outreach_lift_least:.2f} is asked. {_by_model(seen)}"
        )
    return Recommendation("outreach", choice, sentence.strip(), numbers, {
        "outreach_sellers_least": float(bounds.outreach_sellers_least),
        "outreach_lift_least": bounds.outreach_lift_least,
    })  # fmt: skip


_CALLED = {
    SEGMENTS: "Call whom the segments show", MODEL: "Choose whom to call by the risk model",
    BOTH: "Choose whom to call by the risk model and what to offer by the segment",
}  # fmt: skip


def _whom_to_call(seen: Found, risky: bool) -> str:
    if not risky:
        return MODEL
    return BOTH if seen.over_model and seen.over_model.high < 0 else SEGMENTS


def _by_model(seen: Found) -> str:
    """What the model would reach with as many calls."""
    if seen.model_rate is None or seen.over_model is None:
        return ""
    verdict = "not distinguishable from it"
    if seen.over_model.high < 0:
        verdict = "more for certain"
    elif seen.over_model.low > 0:
        verdict = "less for certain"
    return (
        "As many that the model picks among all such sellers, strained or not, reach "
        f"{percent(seen.model_rate)}, {verdict}."
    )


def _new_marketplace(comparison: Comparison, rules: SellerMethods) -> Recommendation:
    """By the mean over marketplaces that were each left without labels."""
    seen, bounds = comparison.elsewhere, rules.thresholds
    thresholds = {"difference_least": bounds.difference_least, "lift_least": bounds.lift_least}
    use = "new marketplace without labels"
    if seen is None:
        return Recommendation(use, NONE, (
            "Nothing can be said of a new marketplace: no marketplace could be left without labels "
            f"and still have the {rules.evaluation.positives_least:,} positive test rows that it "
            "takes."
        ), {}, thresholds)  # fmt: skip
    places = [trial for trial in comparison.trials if trial.kind == MARKETPLACE]
    wins = {name: sum(trial.winner == name for trial in places) for name in (MODEL, RATE)}
    choice, verdict = _duel(seen.model_ap, seen.rate_ap, seen.base_rate, seen.difference, rules)
    sentence = (
        f"{_INSTRUCTED[choice]} in a marketplace without labels: {verdict} In the mean of "
        f"{seen.marketplaces:,} marketplaces left out one at a time the risk model reaches "
        f"{seen.model_ap:.3f} and the segment rate of the others {seen.rate_ap:.3f}, a difference "
        f"of {signed(seen.difference)}; the model is ahead in {wins[MODEL]:,} of them, the rate in "
        f"{wins[RATE]:,}."
    )
    return Recommendation(use, choice, sentence, {
        "difference": seen.difference.value, "difference_low": seen.difference.low,
        "difference_high": seen.difference.high,
        "lift": max(seen.model_ap, seen.rate_ap) / seen.base_rate,
    }, thresholds)  # fmt: skip


def _label_outage(comparison: Comparison, rules: SellerMethods) -> Recommendation:
    """By what was learnt from the last labelled months; without any, segments have no order."""
    seen, bounds, lot = comparison.trial(OUTAGE), rules.thresholds, comparison.unordered
    thresholds = {"difference_least": bounds.difference_least, "lift_least": bounds.lift_least}
    no_order = (
        "Without any label the segments have no order: drawn by lot they "
        f"reach {lot.by_lot:.3f}, anything from {lot.worst:.3f} to {lot.best:.3f} by luck."
    )
    numbers = {"unordered": lot.by_lot}
    if seen is None:
        return Recommendation("label outage", NONE, (
            "Nothing can be said of labels that stop: the training months are too few to leave "
            f"some without. {no_order}"
        ), numbers, thresholds)  # fmt: skip
    choice, verdict = _duel(seen.model.value, seen.rate.value, seen.base_rate, seen.difference,
                            rules)  # fmt: skip
    sentence = (
        f"{_INSTRUCTED[choice]} as last learnt when labels stop: {verdict} With no labels of the "
        f"newest {seen.detail} training months the risk model reaches {seen.model.value:.3f} and "
        f"the segment rate {seen.rate.value:.3f}, a difference of {signed(seen.difference)}; with "
        f"all labels the model reaches {seen.full_ap:.3f}. {no_order}"
    )
    return Recommendation("label outage", choice, sentence, {
        **numbers, "difference": seen.difference.value, "difference_low": seen.difference.low,
        "difference_high": seen.difference.high,
        "lift": max(seen.model.value, seen.rate.value) / seen.base_rate,
    }, thresholds)  # fmt: skip


_INSTRUCTED = {
    MODEL: "Use the risk model", RATE: "Use the segment rate", NONE: "Rank by neither",
    NEITHER: "Use either, and rather the simpler segment rate,",
}  # fmt: skip


def _duel(model_ap: float, rate_ap: float, base_rate: float, difference: Interval,
          rules: SellerMethods) -> tuple[str, str]:  # fmt: skip
    """(choice, why) between model and rate: ahead for certain by enough, else undecided."""
    bounds = rules.thresholds
    least, lift = bounds.difference_least, max(model_ap, rate_ap) / base_rate
    if lift < bounds.lift_least:
        return NONE, (
            f"the better of the two reaches {lift:.2f} times the base rate of {base_rate:.1%}, "
            f"below the {bounds.lift_least:.2f} that a ranking needs."
        )
    if difference.low > least:
        return MODEL, f"it is ahead by more than {least:.3f} for certain."
    if difference.high < -least:
        return RATE, f"it is ahead by more than {least:.3f} for certain."
    if rate_ap / base_rate < bounds.lift_least:
        return MODEL, (
            f"it is not ahead by more than {least:.3f} for certain, but the segment rate is no "
            f"ranking: {rate_ap / base_rate:.2f} times the base rate of {base_rate:.1%}."
        )
    return NEITHER, f"neither is ahead by more than {least:.3f} for certain."


def signed(gap: Interval) -> str:
    """A difference with its bounds: +0.031 (-0.002 to +0.060)."""
    return f"{gap.value:+z.3f} ({gap.low:+z.3f} to {gap.high:+z.3f})"


def percent(share: Interval) -> str:
    """A share with its bounds: 9.5% (6.1% to 13.0%)."""
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"


def _cuts(trials: Sequence[Trial]) -> str:
    """Trials in words; marketplaces are counted, their names are not ours."""
    of = {kind: [trial.detail for trial in trials if trial.kind == kind]
          for kind in (ALL, SHARE, DELAY, OUTAGE, MARKETPLACE)}  # fmt: skip
    words = ["all labels"] if of[ALL] else []
    if of[SHARE]:
        words.append(f"the labels of {listed(of[SHARE])} of the sellers")
    if months := list(dict.fromkeys([*of[DELAY], *of[OUTAGE]])):
        words.append(f"no labels of the newest {listed(months)} months")
    if places := len(of[MARKETPLACE]):
        words.append(f"no labels of the marketplace tested ({places:,} of them)")
    return listed(words)


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
