"""The daily page: what it says, that it is safe to open, and that it stands alone."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conf.settings import load_alerts_policy
from jobs.report import daily_page, html
from jobs.report.figures import Figures
from jobs.report.page import Page, page
from tests.jobs.report.rows import DS, ordinary_day, row

SERIES = {DS - timedelta(days=n): 300.0 + n % 7 for n in range(110)}


def page_of(rows: list[dict[str, Any]], series: dict[date, float] | None = None) -> Page:
    values = SERIES if series is None else series
    series_of = {("orders", "XXX"): values, ("gmv", "BRL"): values}
    return page(Figures(DS, rows), series_of, load_alerts_policy())


def html_of(rows: list[dict[str, Any]], series: dict[date, float] | None = None) -> str:
    return daily_page.render(page_of(rows, series))


def category(name: str) -> dict[str, Any]:
    return row("gmv_7d", 5e5, 1.0, currency="BRL", dimension="category", member=name)


class Tags(HTMLParser):
    """Every start tag of a page with its attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_headline_says_what_the_day_was() -> None:
    said = page_of(ordinary_day())
    assert said.date_text == "Saturday 30 June 2018"
    assert said.headline == (
        "412 orders, 12% more than on a usual Saturday, worth BRL\u00a038,120."
    )
    assert said.lede[-1] == "Unusually bad: late deliveries; unusually good: new buyers."


def test_bad_findings_come_first_with_their_numbers_and_dates() -> None:
    bad, good = page_of(ordinary_day()).findings
    assert (bad.tone, bad.title) == ("bad", "Late deliveries: 12.3%")
    assert "from the usual 7.1% (+5.2\u00a0points)" in bad.detail
    assert "25 to 31 May 2018" in bad.detail
    assert (good.tone, good.title) == ("good", "New buyers: 301")


def test_young_figures_stand_apart_and_say_why() -> None:
    said = page_of(ordinary_day())
    assert [fact.value for fact in said.young] == ["8.3%"]
    assert "24 to 30 June 2018" in said.young_text
    assert "None of these figures raises an alert" in said.young_text


def test_what_cannot_be_said_is_said() -> None:
    limits = " ".join(page_of(ordinary_day()).limits)
    assert "no rate to USD" in limits
    assert "Sellers gone quiet: No comparison" in limits


def test_a_quiet_day_without_history_invents_nothing() -> None:
    said = page_of([row("orders", 0, note="No comparison: none.")], series={})
    assert said.headline == "No orders are known for this Saturday."
    assert page_of([row("orders", 0, 2.5)]).headline == (
        "No orders are known for this Saturday; the usual is 2.5."
    )
    assert said.charts == ()
    assert "too little history" in said.calm
    assert Tags(daily_page.render(said)).tags


def test_several_currencies_without_rates_stand_on_their_own() -> None:
    rows = [*ordinary_day(), row("gmv", 100.0, 90.0, currency="EUR"),
            row("gmv_7d", 700.0, 650.0, currency="EUR", numerator=70_000)]  # fmt: skip
    said = page_of(rows)
    assert [currency for currency, _ in said.currencies] == ["BRL", "EUR"]
    assert any("sales in EUR stand on their own" in sentence for sentence in said.lede)


def test_a_day_without_rates_is_not_drawn_as_a_day_without_sales() -> None:
    rows = [*ordinary_day(), row("gmv_mtd_reporting", 9.0, currency="USD")]
    rows = [{**r, "value": 50.0} if r["metric"] == "gmv_reporting" else r for r in rows]
    gap = {**SERIES, DS - timedelta(days=3): None}
    series = {("gmv_reporting", "USD"): gap, ("gmv", "BRL"): SERIES}
    (chart,) = page(Figures(DS, rows), series, load_alerts_policy()).charts
    assert chart.title == "Sales per day (BRL)"


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "</title><b>"],
)
def test_names_written_by_others_stay_text(hostile: str) -> None:
    rows = [*ordinary_day(), category(hostile)]
    found = Tags(html_of(rows))
    assert hostile in found.text
    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "img", "b"})


def test_a_name_that_a_spreadsheet_would_run_is_quoted() -> None:
    formula = '=HYPERLINK("http://evil.example")'
    rows = [*ordinary_day(), category(formula)]
    assert f"“{formula}”" in Tags(html_of(rows)).text


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    html = html_of(ordinary_day())
    assert "default-src 'none'" in html
    for tag, attributes in Tags(html).tags:
        assert tag not in ("script", "link", "iframe", "img")
        assert not {"src", "href", "style"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in html
    assert "@import" not in html


def test_the_same_rows_give_the_same_page() -> None:
    assert html_of(ordinary_day()) == html_of(ordinary_day()[::-1])


def test_charts_and_tables_are_readable_without_seeing_them() -> None:
    found = Tags(html_of(ordinary_day()))
    charts = [attributes for tag, attributes in found.tags if attributes.get("role") == "img"]
    assert len(charts) == 2
    ids = {attributes.get("id") for _, attributes in found.tags}
    assert all(set((chart["aria-labelledby"] or "").split()) <= ids for chart in charts)
    assert "Orders per day from 6 May 2018 to 30 June 2018: between 300 and 306" in found.text
    tables = sum(tag == "table" for tag, _ in found.tags)
    assert sum(tag == "caption" for tag, _ in found.tags) == tables
    assert ("html", {"lang": "en"}) in found.tags


def test_light_and_dark_have_enough_contrast() -> None:
    css = (html.TEMPLATES / "daily.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in css.split("@media")[:2]
    )
    for colours in (light, dark):
        for ground in ("paper", "card"):
            for ink in ("ink", "soft", "good", "bad"):
                assert contrast(colours[ink], colours[ground]) >= 4.5
        assert contrast(colours["good"], colours["good-wash"]) >= 4.5
        assert contrast(colours["bad"], colours["bad-wash"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """Contrast ratio by WCAG 2."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_page_is_put_in_place_whole(tmp_path: Path) -> None:
    target = tmp_path / "pages" / "2018-06-30.html"
    for text in ("first", "second"):
        html.write_text(None, str(target), text)  # type: ignore[arg-type]
        assert target.read_text() == text
    assert [path.name for path in target.parent.iterdir()] == [target.name]
