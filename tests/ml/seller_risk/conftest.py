"""A small training, done once: 400 sellers over 8 months, 4 trials."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import lightgbm
import pandas as pd
import pytest

from conf.model_settings import SellerRisk, load_seller_risk
from ml.seller_risk import training
from ml.seller_risk.model import Model
from ml.seller_risk.train import Chosen, fit
from ml.seller_risk.training import Data
from ml.splits import split
from tests.support.seller_months import month_ends, seller_months


@pytest.fixture(scope="session")
def rules() -> SellerRisk:
    settings = load_seller_risk()
    quick = replace(settings.training, trials=3, rounds_most=60, early_stopping_rounds=10)
    return replace(
        settings, training=quick, split=replace(settings.split, positives_least=10),
        evaluation=replace(settings.evaluation, bootstraps=100),
    )  # fmt: skip


@pytest.fixture(scope="session")
def months() -> pd.DataFrame:
    return seller_months(400, 8)


@pytest.fixture(scope="session")
def data(months: pd.DataFrame, rules: SellerRisk) -> Data:
    return training.prepared(months, split(month_ends(8), rules.split), rules)


@pytest.fixture(scope="session")
def chosen(data: Data, rules: SellerRisk) -> Chosen:
    return training.searched(data, rules, 1, lambda sentence: None)


@pytest.fixture(scope="session")
def booster(data: Data, chosen: Chosen) -> lightgbm.Booster:
    return fit(data.train, chosen, 1)


@pytest.fixture(scope="session")
def model(booster: lightgbm.Booster, data: Data, chosen: Chosen, rules: SellerRisk) -> Model:
    return training.assembled(booster.model_to_string(), data, chosen, rules, date(2025, 10, 31))
