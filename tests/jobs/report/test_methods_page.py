"""The page of risk model and segments: its numbers are the run's, and names stay text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest

from conf.method_settings import SellerMethods, load_seller_methods
from jobs.report import html, wording
from jobs.report.methods_page import page_of
from ml.comparison import (
    ALL,
    BOTH,
    DELAY,
    LOGISTIC,
    MARKETPLACE,
    METHODS,
    MODEL,
    OUTAGE,
    RATE,
    SHARE,
    Comparison,
    Elsewhere,
    Found,
    Method,
    Month,
    Segment,
    Skipped,
    Trial,
    Unordered,
)
from ml.evaluation import Interval
from ml.recommendation import recommendations

RULES = load_seller_methods()
HOSTILE = ("<script>alert(1)</script>", '"><img src=x>', "a|b\n| c | d |\n\n## h", "`x`*b*_i_",
           "[x](https://e.example) www.e.example", "{{ 7*7 }}", "</title><b>")  # fmt: skip


def around(value: float) -> Interval:
    return Interval(value, value - 0.037, value + 0.041)


def trial(kind: str, detail: str, model: float, rate: float) -> Trial:
    return Trial(kind, detail, 12_345, 1_234, 567, 8_912, 456, around(model), around(rate),
                 around(model - rate), 0.4987)  # fmt: skip


def month(name: str, rows: int, positives: int, ap: dict[str, float], by: float) -> Month:
    return Month(name, rows, positives, {method: value + by for method, value in ap.items()})


def made(place: str = "DE", segment: str = "ships late, many returns") -> Comparison:
    """A comparison in which the model leads, but in one marketplace."""
    ap = {RATE: 0.2113, LOGISTIC: 0.3527, MODEL: 0.4719, BOTH: 0.4733}
    return Comparison(
        train_months=("2025-01-31", "2025-10-31"), test_months=("2026-03-31", "2026-04-30"),
        train_rows=98_765, train_positives=5_432, test_rows=17_654, test_sellers=9_321,
        test_positives=987, queue_rows=354,
        methods={
            name: Method(around(value), around(value + 0.1234), around(value / 3 + 0.04), 3 * value,
                         None if name == LOGISTIC else 1.7 * value)
            for name, value in ap.items()
        },
        differences={(one, two): around(ap[one] - ap[two] + 0.0003)
                     for at, one in enumerate(METHODS) for two in METHODS[:at]},
        trials=[
            trial(ALL, "", 0.4711, 0.2127), trial(SHARE, "10%", 0.2817, 0.2069),
            trial(DELAY, "4", 0.4563, 0.2093), trial(OUTAGE, "7", 0.4231, 0.2049),
            trial(MARKETPLACE, place, 0.1571, 0.2411),
        ],
        skipped=[Skipped(MARKETPLACE, place, "it has 13 positive test rows, fewer than 30")],
        elsewhere=Elsewhere(6, 0.1573, 0.2414, 0.0671, around(-0.0841)),
        unordered=Unordered(0.0937, 0.0423, 0.2157),
        segments=[Segment(3, segment, 6_543, 0.1937, 1_987, 277, True),
                  Segment(0, "new or low history", 4_321, 0.0733, 1_543, 99, False)],
        found=Found(2.345, 1_211, 132, 1_079, 823, 154, 0.1779, around(0.1427), around(0.1619),
                    around(-0.0191), 97, 29),
        months=[month("2026-03-31", 8_765, 481, ap, 0.017),
                month("2026-04-30", 8_889, 506, ap, -0.013)],
        segment_psi=0.0337, score_psi=0.2871,
    )  # fmt: skip


def page(found: Comparison, rules: SellerMethods = RULES, **given: Any) -> dict[str, Any]:
    usual = {"ds": date(2026, 6, 30), "stability": {"kept": 0.9137, "noise_kept": 0.9571},
             "segmentation_s": 41.57}  # fmt: skip
    return page_of(found, recommendations(found, rules), rules, **{**usual, **given})


def as_html(found: Comparison, **given: Any) -> str:
    return html.rendered("seller_methods", page=page(found, **given))


def as_markdown(found: Comparison, **given: Any) -> str:
    return html.markdown("seller_methods", page=page(found, **given))


class Tags(HTMLParser):
    """Start tags with their attributes, and the visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.inside = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside != "style":
            self.text += data

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


# Numbers


def moved(value: Any, name: str = "") -> Any:
    """The same comparison with every number a little larger, so that nothing else changes."""
    if isinstance(value, bool) or value is None or name in ("id", "winner"):
        return value
    if isinstance(value, int):
        return value + 3 + value // (4 if name.endswith("positives") else 9)
    if isinstance(value, float):
        return value * 1.083 + (0.0013 if value > 0 else -0.0013)
    if isinstance(value, str):
        return re.sub(r"\d+", lambda found: f"{int(found[0]) % 28 + 1:0{len(found[0])}}", value) \
            if name in ("detail", "reason") else value  # fmt: skip
    if isinstance(value, dict):
        return {key: moved(one) for key, one in value.items()}
    if isinstance(value, list):
        return [moved(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: moved(getattr(value, field.name), field.name)
                 for field in fields(value)}  # fmt: skip
        return replace(value, **parts)
    return value


def numbers(text: str) -> list[str]:
    return re.findall(r"[+-]?\d[\d,]*(?:\.\d+)?%?", text)


OF_THE_RULES = {"60", "36", "95%", "150", "50", "20", "2.0%", "0.010", "1.500", "1.50", "1.000",
                "1.00", "0.25", "0.01"}  # fmt: skip
"""Horizon, features, confidence, and what conf/models/seller_methods.yaml says."""
WINS = {"0", "1"}
"""Of model and rate in the one marketplace: who wins is the same in both comparisons."""
OF_THE_DATES = {"30", "2025", "2026", "2026-03-31", "-03", "-31", "-04", "-30"}


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_every_number_comes_from_the_comparison(render: Callable[..., str]) -> None:
    first = render(made())
    other = render(moved(made()), stability={"kept": 0.8911, "noise_kept": 0.9313},
                   segmentation_s=55.31)  # fmt: skip
    texts = [Tags(text).text if render is as_html else text for text in (first, other)]
    one, two = (numbers(text) for text in texts)
    words = [re.sub(r"[+-]?\d[\d,]*(?:\.\d+)?%?", "#", text) for text in texts]
    assert words[0] == words[1]
    assert len(one) > 200
    same = {number for number, changed in zip(one, two, strict=True) if number == changed}
    assert same <= OF_THE_RULES | OF_THE_DATES | WINS


def test_what_was_measured_stands_where_it_belongs() -> None:
    said = page(made())
    rows = {row["label"]: row for row in said["trials"]}
    assert rows["Labels of 10% of the sellers"]["difference"] == "+0.075"
    assert rows["None in DE"]["winner"] == "Segment rate"
    assert "0.499" in rows["None in DE"]["about"]
    assert rows["All labels"]["winner"] == "Risk model"
    sides = {row["label"]: row["cells"] for row in said["sides"]}
    assert list(sides) == ["Objective", "Inputs", "Outputs", "Evaluation", "Cost", "Label need",
                           "Stability", "Failure modes"]  # fmt: skip
    assert "0.211 (0.174 to 0.252)" in sides["Evaluation"][0][1]
    assert "0.472 (0.435 to 0.513)" in sides["Evaluation"][1][1]
    assert "0.207 (" in sides["Label need"][0][1]
    assert "0.282 (" in sides["Label need"][1][1]
    assert sides["Stability"][0][1].startswith("91.4% of the sellers keep their segment")
    assert "41.57" in sides["Cost"][0][1]
    assert sides["Objective"][1][0] == RULES.texts["model"].objective
    found = {row["label"]: row["value"] for row in said["found"]}
    assert found["Of these came true"] == "14.3% (10.6% to 18.4%)"
    assert found["The first less the second"] == "-1.9 points (-5.6 to +2.2)"
    assert said["skipped"] == ["None in DE: it has 13 positive test rows, fewer than 30."]


def test_intervals_are_drawn_on_one_scale() -> None:
    bars = page(made())["bars"]
    rate, _, model, _ = bars
    for bar in bars:
        assert 0 < bar.low < bar.at < bar.low + bar.width <= 100
    assert rate.low + rate.width < model.low  # what does not overlap is not drawn so
    assert model.at / rate.at == pytest.approx(0.4719 / 0.2113, rel=0.01)
    drawn = Tags(as_html(made())).of("rect")
    assert [float(r["x"]) for r in drawn if r["class"] == "at"] == [bar.at for bar in bars]
    assert {float(r["x"]) for r in drawn if r["class"] == "base"} == {rate.base}


# Sentences


@pytest.mark.parametrize("render", [as_html, as_markdown])
def test_every_recommendation_is_there_with_what_decided_it(render: Callable[..., str]) -> None:
    shown = render(made())
    text = Tags(shown).text if render is as_html else shown
    found = recommendations(made(), RULES)
    assert [one.use for one in found] == [
        "queue order", "outreach", "new marketplace without labels", "label outage",
    ]  # fmt: skip
    for one in found:
        assert one.sentence in text
        assert f"{one.use[:1].upper()}{one.use[1:]}" in text
    assert "risk model less segment rate, at least 0.224" in text
    assert "least difference 0.010; least times the base rate 1.500" in text


def test_the_page_follows_the_numbers() -> None:
    before = as_html(made())
    assert "Scores of the risk model have drifted" in before
    assert "Scores of the risk model held" in as_html(replace(made(), score_psi=0.1))
    turned = replace(made(), elsewhere=Elsewhere(6, 0.3, 0.2, 0.07, around(0.1)))
    uses = [one["choice"] for one in page(turned)["recommendations"]]
    assert uses == ["Risk model", "Segments", "Risk model", "Risk model"]
    assert page(made())["recommendations"][2]["choice"] == "Segment rate"


def test_what_was_not_measured_is_a_dash() -> None:
    nothing = Found(0.0, 0, 0, 0, 0, 0, 0.0, None, None, None, 0, 0)
    months = [Month("2026-03-31", 10, 0, dict.fromkeys(METHODS, float("nan")))]
    found = replace(made(), found=nothing, months=months, elsewhere=None, skipped=[],
                    trials=made().trials[:1], score_psi=float("nan"))  # fmt: skip
    said = page(found, stability={}, segmentation_s=None)
    assert [row["value"] for row in said["found"]] == ["0", "0", "0", "–", "–", "–", "0"]
    assert said["months"][0]["ap"] == ["–"] * 4
    shown = as_html(found, stability={}, segmentation_s=None)
    for text in (shown, as_markdown(found, stability={}, segmentation_s=None)):
        assert "nan" not in text.lower()
        assert "None" not in re.sub("None (of|in|to)", "", text)
        assert "could not be measured" in text
        assert "Not measured" not in text


# Safety


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_written_by_others_stay_text_in_html(hostile: str) -> None:
    found = Tags(as_html(made(hostile, hostile)))
    assert f"None in {wording.name(hostile)}" in found.text
    assert " ".join(hostile.split()) in found.text
    assert found.tags == Tags(as_html(made("DE", "x"))).tags


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_written_by_others_stay_text_in_markdown(hostile: str) -> None:
    text, usual = as_markdown(made(hostile, hostile)), as_markdown(made("DE", "x"))
    assert [cells(line) for line in text.splitlines()] == [
        cells(line) for line in usual.splitlines()
    ]
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [line for line in usual.splitlines() if line.startswith("#")]
    bare = re.sub(r"\\[\\`*_\[\]|~#!]", "", text)
    assert not [markup for markup in ("<", "[", "]", "`", "_", "://", "www.") if markup in bare]
    assert bare.count("*") == usual.count("*")  # the template's own


def cells(line: str) -> int:
    """How many cells a line of Markdown has."""
    return len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))


def test_markdown_escapes_backslashes_before_what_they_would_free() -> None:
    text = as_markdown(made("\\|\\", "x"))
    (row,) = [line for line in text.splitlines() if line.startswith("| None in")]
    assert row.startswith("| None in \\\\\\|\\\\ | ")
    assert cells(row) == 7


def test_the_page_stands_alone_and_is_read_out_well() -> None:
    found = Tags(as_html(made()))
    names = {tag for tag, _ in found.tags}
    assert names.isdisjoint({"script", "img", "link", "iframe", "a", "form", "object"})
    assert not [one for _, one in found.tags if {"src", "href", "onclick", "onerror"} & set(one)]
    policy = [one["content"] for one in found.of("meta")
              if one.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert [one.get("lang") for one in found.of("html")] == ["en"]
    assert len(found.of("caption")) == len(found.of("table")) == 7
    assert all(one.get("scope") in ("col", "row") for one in found.of("th"))
    assert all(one.get("aria-hidden") == "true" for one in found.of("svg"))
    ids = [one["id"] for _, one in found.tags if "id" in one]
    assert len(ids) == len(set(ids))
    assert {one["aria-labelledby"] for one in found.of("section")} == set(ids)
