"""What each model hands to the registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from conf.model_settings import SellerRisk, SellerSegments
from conf.tables import features
from jobs.learn.registering import Candidate
from jobs.models import SELLER_RISK, SELLER_SEGMENTS
from ml.seller_risk import card as risk_card
from ml.seller_risk import signature as of_risk_model
from ml.seller_risk import training
from ml.seller_risk.model import Model as RiskModel
from ml.seller_segments import card as segments_card
from ml.seller_segments import signature as of_segments_model
from ml.seller_segments import train


def of_risk(
    model: RiskModel, data: training.Data, outcome: training.Outcome, rules: SellerRisk
) -> Candidate:
    settings = asdict(rules.training)
    parameters = {n: value for n, value in settings.items() if n not in ("fixed", "search")}
    return Candidate(
        name=SELLER_RISK, known_on=str(model.trained["known_on"]), missed=outcome.missed,
        leaks=[found.feature or found.test for found in outcome.findings], tags={},
        parameters={**parameters, **model.trained["months"]}, metrics=risk_card.metrics(outcome),
        reads=(features.SELLER_SNAPSHOTS, features.SELLER_LABELS), digest=data.digest,
        write_card=partial(risk_card.write, model=model, outcome=outcome, rules=rules),
        write_files=model.write, signature=of_risk_model.SIGNATURE, example=of_risk_model.EXAMPLE,
    )  # fmt: skip


def of_segments(
    data: train.Data, outcome: train.Outcome, rules: SellerSegments, asked_by: Sequence[str]
) -> Candidate:
    """`asked_by` says why there is a fit at all."""
    model = outcome.model
    return Candidate(
        name=SELLER_SEGMENTS, known_on=str(model.trained["known_on"]), missed=outcome.missed,
        leaks=(),
        tags={"ids_used": str(model.trained["ids_used"]), "asked_by": "; ".join(asked_by)},
        parameters={**asdict(rules.search), **asdict(rules.fit), "counts": data.transforms.counts,
                    "month_ends_read": model.trained["month_ends"]},
        metrics=segments_card.metrics(outcome), reads=(features.SELLER_SNAPSHOTS,),
        digest=data.digest,
        write_card=partial(segments_card.write, outcome=outcome, rules=rules),
        write_files=model.write, signature=of_segments_model.SIGNATURE,
        example=of_segments_model.EXAMPLE,
    )  # fmt: skip
