"""A small fit, done once: 300 sellers of three planted kinds over 8 months."""

from __future__ import annotations

import pandas as pd
import pytest

from conf.model_settings import SellerSegments, load_seller_segments
from ml.seller_segments import train
from ml.seller_segments.behaviour import Behaviour
from ml.seller_segments.model import Model
from ml.seller_segments.search import Refits
from ml.seller_segments.train import Data, Outcome
from tests.support.behaviours import as_behaviour, months_of_kinds, quick
from tests.support.seller_months import month_ends

ENDS = month_ends(8)


@pytest.fixture(scope="session")
def segment_rules() -> SellerSegments:
    return quick(load_seller_segments())


@pytest.fixture(scope="session")
def segment_months() -> pd.DataFrame:
    return months_of_kinds(300, 8)


@pytest.fixture(scope="session")
def rows(segment_months: pd.DataFrame) -> Behaviour:
    return as_behaviour(segment_months)


@pytest.fixture(scope="session")
def data(rows: Behaviour, segment_rules: SellerSegments) -> Data:
    return train.prepared(rows, ENDS[-1], segment_rules)


@pytest.fixture(scope="session")
def refits(data: Data, segment_rules: SellerSegments) -> Refits:
    return train.refitted(data, segment_rules, lambda said: None)


@pytest.fixture(scope="session")
def outcome(data: Data, refits: Refits, segment_rules: SellerSegments) -> Outcome:
    table, final, centres = train.chosen(
        data, refits, lambda k: refits.best[k], segment_rules, lambda said: None
    )
    return train.assembled(data, final, centres, table, refits, segment_rules, ENDS[-1], None, 0)


@pytest.fixture(scope="session")
def segments(outcome: Outcome) -> Model:
    return outcome.model
