"""Pages as files: rendered from templates, every text escaped, put in place at once.

What is written in a template is ours; every value that it shows is escaped, for HTML or Markdown.
"""

from __future__ import annotations

import os
import re
import unicodedata
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from pyspark.sql import SparkSession

TEMPLATES = files("jobs.report") / "templates"  # not a path: on a cluster the code is a zip


def rendered(name: str, **content: Any) -> str:
    """The page of templates/<name>.html.j2 in the pages' common style."""
    sources = {name: (TEMPLATES / f"{name}.html.j2").read_text()}
    environment = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined
    )
    css = Markup((TEMPLATES / "daily.css").read_text())  # our own file
    return environment.get_template(name).render(css=css, **content)


def markdown(name: str, **content: Any) -> str:
    """The text of templates/<name>.md.j2; no value can leave its cell, or be more than text."""
    source = (TEMPLATES / f"{name}.md.j2").read_text()
    environment = Environment(
        loader=DictLoader({name: source}), autoescape=False, undefined=StrictUndefined,
        finalize=_plain_in_markdown, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(name).render(**content)


def _plain_in_markdown(value: Any) -> str:
    """A value as text: on one line, without markup, HTML, links or the end of a table's cell."""
    text = "".join(" " if unicodedata.category(char).startswith("C") else char
                   for char in str(value))  # fmt: skip
    text = re.sub(r"([\\`*_\[\]|~#!])", r"\\\1", " ".join(text.split()))
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "&#64;"),
                         ("://", "&#58;//")):  # fmt: skip
        text = text.replace(char, entity)
    return re.sub(r"(?i)\b(www)\.", r"\1&#46;", text)  # some readers make links of plain text


def write_text(spark: SparkSession, path: str, text: str) -> None:
    """Puts a text file in place at once: readers see the old one or the new one, never half."""
    if urlparse(path).scheme in ("", "file"):
        target = Path(urlparse(path).path)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
        return
    _write_hadoop(spark, path, text)


def _write_hadoop(spark: SparkSession, path: str, text: str) -> None:
    jvm: Any = spark._jvm
    hadoop = jvm.org.apache.hadoop.fs
    target = hadoop.Path(path)
    system = target.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    draft = hadoop.Path(target.getParent(), f".{target.getName()}.{os.getpid()}")
    stream = system.create(draft, True)
    try:
        stream.write(bytearray(text.encode()))
    finally:
        stream.close()
    # FileSystem.rename does not replace; object stores replace on write.
    system.delete(target, False)
    system.rename(draft, target)
