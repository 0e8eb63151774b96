"""Texts of a study stay texts: in the PDF, in the HTML pages, in the figures and their captions."""

import csv
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pypdf
import pytest
import yaml

from analysis import command, pages

TEXTS = {
    "html": "</script><script>alert(1)</script>",
    "comment": "<!-- -->",
    "attribute": "\"' onfocus alert(1)",
    "typst": "#panic() $x$ @a *b* \\n",
    "template": "$text ${body} %(x)s {{ x }}".replace("{", "(").replace("}", ")"),
}
UNIT = '</b>#$x$"{u}'
STUDY = "#panic() </script> {study} *b*"


class Elements(HTMLParser):
    """The elements of a page, and the text of its scripts."""

    def __init__(self, page):
        super().__init__()
        self.names, self.attributes, self.scripts, self.texts = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.attributes += [name for name, _ in attributes]

    def handle_data(self, data):
        (self.scripts if self.names[-1:] == ["script"] else self.texts).append(data)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What python -m analysis makes of a table full of markup."""
    folder = tmp_path_factory.mktemp("injection")
    noise = np.random.default_rng(0)
    with (folder / "runs.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["epochs", "batch_size", "kind", "replicate", "score", *TEXTS.values()])
        for cell in itertools.product((1, 2, 3), (8, 16), TEXTS.values(), ("<i>", "#x")):
            out.writerow([*cell, noise.normal(), *TEXTS.values()])
    config = {
        "factors": {"epochs": {}, "batch_size": {}, "kind": {"scale": "categorical"}},
        "analysis": {
            "metrics": {"score": {"better": "higher", "unit": UNIT}},
            "formula": "epochs + batch_size + kind + epochs:batch_size",
            "bootstrap": 100,
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    source = {"kind": "hub", "checkpoint": TEXTS["typst"], "sentence": TEXTS["html"]}
    (folder / "provenance.json").write_text(json.dumps({"study": STUDY, "source": source}))
    arguments = [
        f"{folder}/runs.csv",
        "--config",
        f"{folder}/config.yaml",
        "--out",
        f"{folder}/out",
    ]
    assert command.main(arguments) == 0
    return folder / "out"


def test_the_pdf_shows_markup_as_it_is_written(results):
    pages = pypdf.PdfReader(results / "report.pdf").pages
    text = re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))
    for shown in (STUDY, TEXTS["html"], TEXTS["typst"], TEXTS["comment"], UNIT):
        assert re.sub(r"\s+", "", shown) in text


@pytest.mark.parametrize("page", ["runs.html", "surfaces.html"])
def test_a_page_has_the_elements_of_its_template_alone(results, page):
    elements = Elements((results / "interactive" / page).read_text(encoding="utf-8"))
    template = Path(pages.__file__).with_name(page).read_text(encoding="utf-8")
    allowed = {"table", "tr", "th", "td", "button", "input", "select", "option", "p", "thead"}
    assert set(elements.names) <= set(Elements(template).names) | allowed
    assert elements.names.count("script") == template.count("<script")
    assert not [name for name in elements.attributes if name.startswith("on")]
    if page == "runs.html":
        assert TEXTS["html"] in elements.texts
    else:
        data = re.search(r"const slices = (.*);\n", "".join(elements.scripts))[1]
        assert UNIT in json.dumps(json.loads(data), ensure_ascii=False).replace('\\"', '"')


def test_figures_are_drawings_and_lie_where_they_belong(results):
    for path in (results / "figures").glob("*.svg"):
        names = {element.tag.rpartition("}")[2] for element in ElementTree.parse(path).iter()}
        assert not names & {"script", "foreignObject", "i"}
    written = {path.parent.relative_to(results).as_posix() for path in results.rglob("*.*")}
    assert written == {".", "analysis", "figures", "interactive"}
