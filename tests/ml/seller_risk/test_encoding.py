"""What a model sees of the 36 columns is fitted once, frozen, and free of currencies."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from conf.model_settings import load_seller_risk
from conf.seller_features import SELLER_FEATURES
from ml.seller_risk import encoding
from ml.seller_risk.encoding import NAMES, OTHER, Columns, Encoding
from tests.support.seller_months import seller_months

RULES = load_seller_risk().features
MONTHS = seller_months(300, 1)


def columns(rows: pd.DataFrame = MONTHS) -> Columns:
    return encoding.columns_of(pa.Table.from_pandas(rows, preserve_index=False))


def of(name: str, encoded: np.ndarray) -> np.ndarray:
    return encoded[:, NAMES.index(name)]


def test_money_in_another_currency_is_the_same_number() -> None:
    dear = MONTHS.copy()
    japan = dear["marketplace"] == "JP"
    dear.loc[japan, list(RULES.money)] *= 1_000
    one, two = (encoding.fitted(columns(m), RULES).encode(columns(m)) for m in (MONTHS, dear))
    assert np.allclose(one, two, equal_nan=True)


def test_nothing_spent_is_nothing_and_a_missing_value_stays_missing() -> None:
    rows = MONTHS.copy()
    rows["ad_spend_30d"] = [0.0, None, *rows["ad_spend_30d"][2:]]
    found = of("ad_spend_30d", encoding.fitted(columns(rows), RULES).encode(columns(rows)))
    assert found[0] == 0
    assert np.isnan(found[1])


def test_levels_that_training_has_not_seen_share_a_code_and_are_counted() -> None:
    frozen = encoding.fitted(columns(), RULES)
    rows = MONTHS.copy()
    rows.loc[:9, "primary_category"] = "a category that nobody knew"
    rows.loc[10, "primary_category"] = None
    rows.loc[:4, "marketplace"] = "FR"
    found = frozen.encode(columns(rows))
    assert (of("primary_category", found)[:10] == OTHER).all()
    assert np.isnan(of("primary_category", found)[10])
    assert frozen.unseen(columns(rows)) == {"primary_category": 10, "marketplace": 5}
    assert np.isfinite(of("gmv_30d", found)[:5]).all()  # the overall median


def test_codes_do_not_depend_on_the_order_of_rows() -> None:
    shuffled = MONTHS.sample(frac=1, random_state=1)
    assert encoding.fitted(columns(), RULES) == encoding.fitted(columns(shuffled), RULES)


def test_rare_levels_have_no_code_of_their_own() -> None:
    rows = MONTHS.assign(primary_category=[f"c{n // 2:03d}" for n in range(len(MONTHS))])
    codes = encoding.fitted(columns(rows), RULES).codes["primary_category"]
    assert len(codes) == RULES.categories_most


def test_it_is_read_back_from_json_and_refuses_other_features() -> None:
    frozen = encoding.fitted(columns(), RULES)
    content = json.loads(json.dumps(frozen.to_json()))
    assert Encoding.of_json(content) == frozen
    with pytest.raises(ValueError, match="late_shipment_rate"):
        Encoding.of_json({**content, "features": [n for n in NAMES if n != "late_shipment_rate"]})


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="avg_rating"):
        columns(MONTHS.drop(columns="avg_rating"))


def test_features_without_a_value_are_found() -> None:
    assert encoding.empty(columns(MONTHS.assign(asp=np.nan, business_type=None))) == [
        "business_type", "asp",
    ]  # fmt: skip


def test_constraints_name_known_features_only() -> None:
    assert {*RULES.rising, *RULES.falling, *RULES.money} <= {f.name for f in SELLER_FEATURES}
    assert not {*RULES.rising} & {*RULES.falling}
    found = dict(zip(NAMES, encoding.constraints(RULES), strict=True))
    assert (found["late_shipment_rate"], found["avg_rating"], found["asp"]) == (1, -1, 0)
