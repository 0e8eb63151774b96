"""The page that snakemake --report writes: what it holds, and that it works in a real browser."""

import json
import re
import shutil

import pandas as pd
import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from analysis import words
from analysis.tables import TABLES
from analysis.variables import Metric

NOT_YET = (
    ElementClickInterceptedException,
    NoSuchElementException,
    StaleElementReferenceException,
)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND",  # offline: nothing may be fetched
    "--window-size=1500,1000",
)


def embedded(page, name):
    """A variable of the page: results, categories…"""
    return json.loads(re.search(rf"(?m)^    var {name} = (.*);$", page.read_text())[1])


def test_every_item_is_in_a_category_with_a_readable_name_and_a_caption(report_page):
    categories, items = embedded(report_page, "categories"), embedded(report_page, "results")
    assert set(categories) == {"Report", "Figures", "Tables", "Interactive", "Runs"}
    for path, item in items.items():
        assert item["labels"] and "caption" in item and len(item["caption"]) > 40, path
    results = report_page.parent / "results" / "tiny"
    drawn = {f"results/tiny/figures/{path.name}" for path in (results / "figures").glob("*.svg")}
    tables = {f"results/tiny/analysis/{path.name}" for path in (results / "analysis").glob("*.csv")}
    assert drawn | tables < set(items)

    effects = items["results/tiny/figures/effects_f1.svg"]
    assert effects["labels"] == {"figure": "Along each factor", "metric": "F1"}
    listed = pd.read_csv(results / "figures" / "captions.csv").set_index("name")
    assert listed["caption"]["effects_f1"] in effects["caption"]
    power = items["results/tiny/analysis/power.csv"]["caption"]
    caption = next(table.caption for table in TABLES if table.name == "power")
    assert caption in " ".join(power.split())
    assert report_page.stat().st_size < 20e6


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    paths = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in paths:
        pytest.skip("needs a browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = paths[0]
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(paths[1]))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, report_page):
    browser.switch_to.default_content()
    browser.get(report_page.as_uri())
    return browser


def until(browser, condition):
    """Waits, also while an element is not there yet or still covered by one that goes away."""
    return WebDriverWait(browser, 60, ignored_exceptions=NOT_YET).until(lambda _: condition())


def click(browser, link, follows):
    """Clicks until what follows is there, and returns that.

    Once is not enough: a click beside a link that moves just then is lost.
    """

    def followed():
        found = browser.find_elements(*follows)
        if not found:
            browser.find_element(*link).click()
        return found

    return until(browser, followed)[0]


def show(browser, category, *labels, shows):
    """Clicks through to an item; returns the element, a CSS selector, in which it is shown."""
    row = "".join(f"[td[normalize-space()='{label}']]" for label in labels)
    item = (By.XPATH, f"//tr{row}//a[1]")
    click(browser, (By.LINK_TEXT, category), item)
    return click(browser, item, (By.CSS_SELECTOR, shows))


def show_page(browser, name):
    browser.switch_to.frame(show(browser, "Interactive", name, shows="iframe"))


def test_a_figure_opens(opened):
    picture = show(opened, "Figures", "Along each factor", "loss", shows=".grow img")
    assert until(opened, lambda: picture.get_property("naturalWidth")) > 300


def test_surfaces_turn_and_tell_their_values(opened):
    show_page(opened, "Fitted surfaces")
    canvas = until(opened, lambda: opened.find_elements(By.TAG_NAME, "canvas"))[0]
    picture = "return document.querySelector('canvas').toDataURL()"
    metric, factors, held = (
        Select(opened.find_element(By.ID, key)) for key in ("metric", "factors", "held")
    )
    assert [option.text for option in metric.options] == ["accuracy", "F1", "loss"]
    assert factors.first_selected_option.text == "learning rate × batch size"
    assert [option.text for option in held.options] == ["1 epoch", "2 epochs", "3 epochs"]

    first = opened.execute_script(picture)
    held.select_by_visible_text("3 epochs")
    second = opened.execute_script(picture)
    assert second != first
    metric.select_by_visible_text("loss")
    assert held.first_selected_option.text == "3 epochs"  # a choice stays
    factors.select_by_visible_text("learning rate × epochs")
    assert [option.text for option in held.options] == ["batch size 4", "batch size 8"]

    before = opened.execute_script(picture)
    mouse = ActionChains(opened)
    mouse.move_to_element(canvas).click_and_hold().move_by_offset(150, 40).release().perform()
    assert opened.execute_script(picture) != before

    mouse.move_to_element(canvas).move_by_offset(5, 5).perform()
    told = opened.find_element(By.ID, "told").text
    assert re.search(r"learning rate .*epoch.*batch size 4\n.*loss .* nats\n", told), told


def test_the_table_of_runs_sorts_and_filters(opened, finished_study):
    show_page(opened, "Every run")
    runs = pd.read_csv(finished_study / "results" / "tiny" / "runs.csv")

    def column(name):
        names = [e.text for e in opened.find_elements(By.CSS_SELECTOR, ".names button")]
        rows = "[...document.querySelectorAll('tbody tr:not([hidden])')]"
        return opened.execute_script(
            f"return {rows}.map(row => row.cells[arguments[0]].textContent)", names.index(name)
        )

    def sort_by(name):
        opened.find_element(By.XPATH, f"//thead//button[normalize-space()='{name}']").click()

    sort_by("accuracy (%)")
    digits = words.spread_decimals(runs["accuracy"], Metric("accuracy", "higher", "points"))
    ascending = 100 * runs["accuracy"].sort_values()
    assert column("accuracy (%)") == [f"{value:.{digits}f}" for value in ascending]
    sort_by("loss (nats)")
    sort_by("loss (nats)")  # the other way round
    descending = runs["loss"].sort_values(ascending=False)
    digits = words.spread_decimals(runs["loss"], Metric("loss", "lower", "nats"))
    assert column("loss (nats)") == [f"{value:.{digits}f}" for value in descending]

    epochs = opened.find_element(By.CSS_SELECTOR, "[aria-label='filter by epochs']")
    Select(epochs).select_by_value("2")
    assert column("epochs") == ["2"] * 8
    half = runs.query("epochs == 2")["loss"].round(4).median()
    field = opened.find_element(By.CSS_SELECTOR, "[aria-label='filter by loss (nats)']")
    field.send_keys(f"> {half}")
    kept = [float(loss) for loss in column("loss (nats)")]
    assert len(kept) == 4 and min(kept) > half
    assert opened.find_element(By.ID, "count").text == "4 of 24 runs"


def test_the_browser_had_nothing_to_complain_of(opened):
    for name in ("Fitted surfaces", "Every run"):
        show_page(opened, name)
        opened.switch_to.default_content()
        opened.refresh()
    errors = [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"]
    assert errors == []
