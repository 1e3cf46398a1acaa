"""A frozen version: files, assignment, search, names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml.artefact import OtherContract, Tampered
from ml.seller_segments import behaviour, profile, stability, train
from ml.seller_segments.model import SCHEMA, of_files, read
from ml.seller_segments.smoothing import LOW_HISTORY
from ml.seller_segments.transforms import TooFew
from tests.ml.seller_segments.conftest import ENDS
from tests.support.behaviours import LARGE, ORDINARY, SLOW, as_behaviour, kinds, months_of_kinds


def table(segments, months) -> pa.Table:
    names = ["ds", "seller_id", *behaviour.columns(segments.features)]
    return pa.Table.from_pandas(months[names], preserve_index=False)


@pytest.fixture(scope="module")
def assigned(segments, segment_months):
    return segments.assigned(table(segments, segment_months), ENDS[-1])


def test_planted_kinds_are_the_segments(segments, assigned) -> None:
    assert assigned.schema == SCHEMA
    ids = assigned["segment_id"].to_numpy()
    kind = kinds(300)
    for planted in (ORDINARY, SLOW, LARGE):
        mine = ids[(kind == planted) & (ids != LOW_HISTORY)]
        assert (mine == np.bincount(mine).argmax()).mean() > 0.95
    assert len(set(ids) - {LOW_HISTORY}) == 3
    assert (assigned["distance"].is_null().to_numpy() == (ids == LOW_HISTORY)).all()


def test_files_are_read_back_as_the_same_version(segments, segment_months, tmp_path: Path) -> None:
    segments.write(tmp_path / "model")
    again = read(tmp_path / "model")
    rows = table(segments, segment_months)
    assert again.assigned(rows, ENDS[-1]).equals(segments.assigned(rows, ENDS[-1]))
    assert again.files() == segments.files()
    (tmp_path / "model" / "centres.json").write_text("{}")
    with pytest.raises(Tampered, match=r"centres\.json"):
        read(tmp_path / "model")


def test_another_contract_is_refused(segments, monkeypatch: pytest.MonkeyPatch) -> None:
    files = segments.files()
    versions = behaviour.definitions(segments.features)
    monkeypatch.setattr(behaviour, "definitions", lambda features: {**versions, "asp": 2})
    with pytest.raises(OtherContract, match="knows other features: asp"):
        of_files(files)


def test_neither_order_nor_company_changes_a_segment(segments, segment_months, assigned) -> None:
    shuffled = table(segments, segment_months.sample(frac=1, random_state=1))
    assert segments.assigned(shuffled, ENDS[-1]).equals(assigned)
    few = segment_months[segment_months["seller_id"] < "s-00010"]
    alone = segments.assigned(table(segments, few), ENDS[-1])
    assert alone.equals(assigned.slice(0, 10))


def test_later_rows_are_of_no_account(segments, segment_months) -> None:
    whole = segments.assigned(table(segments, segment_months), ENDS[-3])
    known = segment_months[segment_months["ds"] <= ENDS[-3]]
    assert segments.assigned(table(segments, known), ENDS[-3]).equals(whole)


def test_between_month_ends_the_last_one_counts(segments, segment_months, assigned) -> None:
    day = ENDS[-1] + timedelta(days=9)
    today = months_of_kinds(300, 1, seed=9).assign(ds=day)
    both = table(segments, segment_months).to_pandas()
    rows = pa.Table.from_pandas(
        pd.concat([both, table(segments, today).to_pandas()]),
        preserve_index=False,
    )
    now = segments.assigned(rows, day)
    assert (now["segment_id"].to_numpy() == assigned["segment_id"].to_numpy()).all()
    assert (now["raw_segment_id"].to_numpy() != assigned["raw_segment_id"].to_numpy()).any()


def test_who_has_no_row_at_the_last_month_end_shows_his_raw_segment(
    segments, segment_months
) -> None:
    slow = f"s-{int(np.flatnonzero(kinds(300) == SLOW)[0]):05d}"
    day = ENDS[-1] + timedelta(days=9)
    mine = segment_months[(segment_months["seller_id"] == slow) & (segment_months["ds"] < ENDS[-2])]
    large = f"s-{int(np.flatnonzero(kinds(300) == LARGE)[0]):05d}"
    like = segment_months[(segment_months["seller_id"] == large)
                          & (segment_months["ds"] == ENDS[-1])]  # fmt: skip
    today = like.assign(ds=day, seller_id=slow)
    found = segments.assigned(table(segments, pd.concat([mine, today])), day)
    assert found["segment_id"][0].as_py() == found["raw_segment_id"][0].as_py()


def test_sellers_who_are_too_much_alike_are_said(rows, segment_rules) -> None:
    two = rows.of(np.isin(rows.seller, ["s-00001", "s-00002", "s-00003"]))
    values = {n: np.where(rows_of(two), v[0], v[-1]) for n, v in two.values.items()}
    same = replace(two, values=values, counts={n: np.full(len(two), 90.0) for n in two.counts},
                   tenure_days=np.full(len(two), 500.0),
                   marketplace=np.full(len(two), "US", object))  # fmt: skip
    with pytest.raises(TooFew):
        train.refitted(train.prepared(same, ENDS[-1], segment_rules), segment_rules, print)


def rows_of(rows) -> np.ndarray:
    return rows.seller == "s-00001"


def test_chance_alone_moves_few(segments, rows) -> None:
    assert stability.noise_kept(segments, rows, ENDS[-1], 7) >= 0.9


def test_redrawn_counts_keep_their_means(segments, rows) -> None:
    again = stability.redrawn(rows, segments.features, "published", 3)
    for name in ("cancellation_rate", "orders_30d", "buy_box_win_rate", "gmv_30d"):
        one, two = rows.values[name], again.values[name]
        assert (one != two).mean() > 0.3, name
        assert two.mean() == pytest.approx(one.mean(), rel=0.1)
    assert (again.values["asp"] == rows.values["asp"]).all()
    assert (again.values["gmv_30d"] > 0).sum() == (again.values["orders_30d"] > 0).sum()


def test_the_largest_k_that_passes_is_chosen(outcome) -> None:
    passed = [one.k for one in outcome.searched if not one.missed]
    assert outcome.chosen.k == max(passed) == 3
    four = next(one for one in outcome.searched if one.k == 4)
    assert any("Jaccard" in sentence for sentence in four.missed)
    assert len(outcome.comparators) == len(outcome.searched)


def test_a_k_that_the_final_fit_does_not_reach_is_left_out(data, refits, segment_rules) -> None:
    said: list[str] = []
    lenient = replace(segment_rules.gates, share_least=0, jaccard_least=0, half_sample_ari_least=-1,
                      kept_least=0)  # fmt: skip
    rules = replace(segment_rules, gates=lenient)

    def fewer(k: int) -> np.ndarray:
        return refits.best[3]

    _, final, centres = train.chosen(data, refits, fewer, rules, said.append)
    assert (final.k, len(centres)) == (3, 3)
    assert "k = 4: the final fit has 3 segments; left out" in said


def test_a_group_that_nothing_sets_apart_joins_the_nearest() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((900, 3))
    rows[:300] += [9, 9, 0]
    rows[300:600] -= [9, 9, 0]
    centres = np.array([[9.0, 9, 0], [-9, -9, 0], [-0.1, 0, 0]])
    assert profile.merged(rows, centres, 0.5, 2) == [1, 2, 2]
    assert profile.merged(rows, centres, 0.0, 2) == [1, 2, 3]


def test_effects_are_cohens_d() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((40_000, 1))
    rows[:10_000] += 2
    found = profile.effects(rows, np.repeat([1, 2], [10_000, 30_000]), [1, 2])
    assert found[0, 0] == pytest.approx(2, abs=0.05)
    assert found[1, 0] == pytest.approx(-2, abs=0.05)


def test_names_tell_of_two_families_and_are_never_the_same(segments) -> None:
    names = list(segments.names.values())
    assert len(set(names)) == len(names)
    assert all("," in name for name in names)
    twins = np.array([[2.0, 1.0], [2.0, 1.0]])
    found = profile.names(twins, [1, 2], ["asp", "contact_rate"], segments.features)
    assert found == {1: "Dear goods, many questions 1", 2: "Dear goods, many questions 2"}


def test_a_sheet_of_rules_is_judged_on_other_sellers() -> None:
    rng = np.random.default_rng(0)
    late, noise = rng.random(2_000), rng.random(2_000)
    labels = np.where(late > 0.3, 2, 1)
    learns = np.arange(2_000) % 2 == 0
    found = profile.sheet({"late": late, "noise": noise}, labels, learns)
    assert found.fidelity > 0.98
    assert any("late > 0.3" in rule.conditions[0] for rule in found.rules)
    blind = profile.sheet({"noise": noise}, labels, learns)
    assert blind.fidelity < 0.75


def test_the_same_rows_give_the_same_version(rows, segment_rules, outcome) -> None:
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = as_behaviour(months_of_kinds(300, 8).iloc[order])
    again = train.prepared(shuffled, ENDS[-1], segment_rules)
    refits = train.refitted(again, segment_rules, lambda said: None)
    table, final, centres = train.chosen(
        again, refits, lambda k: refits.best[k], segment_rules, lambda said: None
    )
    other = train.assembled(again, final, centres, table, refits, segment_rules, ENDS[-1], None, 0)
    assert other.model.files() == outcome.model.files()
