"""Any table of runs is refused in one message, or the estimates are those of least squares."""

import csv
import io
import itertools
import math
import warnings

import numpy as np
import pytest
import yaml
from hostile import THOROUGH, cases, numbers, texts
from hypothesis import given
from hypothesis import strategies as st

from analysis import command, tables
from analysis.fit.estimators import coefficients, fit_all
from analysis.preparation import read_study
from analysis.runs.settings import Settings
from common.errors import UserError
from tests.simulation import random_tables

LEVELS = {
    "learning_rate": ("log10", [1e-5, 3e-5, 9e-5]),
    "batch_size": ("log2", [8, 16, 32]),
    "epochs": ("linear", [1, 2, 3]),
    "schedule": ("categorical", ["constant", "linear"]),
}
METRICS = ("accuracy", "loss")


BASELINE = {"learning_rate": 1e-5, "batch_size": 32, "epochs": 3}


def settings_for(factors):
    """Settings of these factors and both metrics."""
    return Settings.from_config(
        {
            "factors": {name: {"scale": LEVELS[name][0]} for name in factors},
            "analysis": {
                "metrics": {"accuracy": {"better": "higher"}, "loss": {"better": "lower"}},
                "baseline": {name: BASELINE[name] for name in factors if name in BASELINE},
                "bootstrap": 100,
            },
        }
    )


@st.composite
def designs(draw):
    """Factors and a whole table (header and rows of texts) that can be analysed."""
    factors = draw(st.lists(st.sampled_from(list(LEVELS)), min_size=1, max_size=3, unique=True))
    replicates = draw(st.integers(1, 4))
    noise = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = []
    for values in itertools.product(*(LEVELS[name][1] for name in factors)):
        for replicate in range(replicates):
            accuracy, loss = noise.normal(0.8, 0.05), noise.lognormal(-1, 0.3)
            rows.append([*values, replicate, accuracy, loss, 0.75, 0.6, "ok"])
    header = [*factors, "replicate", *METRICS, "baseline_accuracy", "baseline_loss", "status"]
    return factors, [header, *([str(value) for value in row] for row in rows)]


@st.composite
def spoilt(draw):
    """The same with fields, rows and columns spoilt in a few places."""
    factors, table = draw(designs())
    for _ in range(draw(st.integers(0, 4))):
        row = draw(st.integers(0, len(table) - 1))
        column = draw(st.integers(0, max(len(table[row]) - 1, 0)))
        value = draw(texts | numbers.map(str))
        what = draw(st.integers(0, 11))
        if what < 4 and table[row]:
            table[row][column] = value
        elif what == 4:
            del table[row : row + draw(st.integers(1, 30))]
        elif what == 5:
            table.insert(row, list(table[draw(st.integers(0, len(table) - 1))]))
        elif what == 6 and table[row]:
            del table[row][column]
        elif what == 7:
            table[row].append(value)
        elif what == 8:  # a whole column of one kind
            for cells in table[1:]:
                if column < len(cells):
                    cells[column] = value
        elif what == 9:
            other = draw(texts)
            for number, cells in enumerate(table):
                cells.append(value if number == 0 else other)
        elif what == 10:  # as it comes from a Series of other magnitude
            factor = draw(
                st.sampled_from([1e-300, 1e-12, 1e12, 1e60, 1e99, 1e150, 1e300, -1.0, 0.0])
            )
            for cells in table[1:]:
                if column < len(cells):
                    try:
                        cells[column] = str(float(cells[column]) * factor)
                    except ValueError:
                        cells[column] = value
        elif what == 11 and "status" in table[0]:
            status = draw(st.sampled_from(["diverged", "FINISHED", "stopped_early", "failed", "x"]))
            at = table[0].index("status")
            for cells in table[1 : 1 + draw(st.integers(1, 100))]:
                if at < len(cells):
                    cells[at] = status
        if not table:
            table = [[]]
    return factors, written(table, draw(st.sampled_from(["\n", "\r\n"])), draw(st.booleans()))


def written(table, end="\n", mark=False):
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows(table)
    content = text.getvalue().encode("utf-8", "surrogatepass")
    return b"\xef\xbb\xbf" + content if mark else content


@st.composite
def spoilt_bytes(draw):
    """The same with bytes changed, cut off or put in."""
    factors, table = draw(designs())
    content = written(table)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = start + draw(st.sampled_from((0, 0, 1, 3, 10**6)))
        put = draw(
            st.sampled_from([b"", b'"', b",", b"\n", b"\r", b"\x00", b"\xff", b";", b"\t", b"-"])
        )
        content = content[:start] + put + content[end:]
    return factors, content


def fitted(path, settings):
    """Reads and fits; None and a message checked where the table is refused."""
    try:
        study = read_study(path, settings)
        fits, notes = fit_all(study, study.settings)
    except UserError as error:
        assert str(error).isprintable()
        assert 10 < len(str(error)) < 3000
        return None
    assert all(str(note).isprintable() for note in (*study.notes, *notes))
    return study, fits


def assert_least_squares(content, settings, fits):
    """The ordinary fits against numpy's, from the file as Python's own csv module reads it."""
    lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    lines = filter(lambda line: "".join(line).strip(), lines)  # a line of blanks is no run
    header = next(lines)
    rows = [dict(zip(header, line, strict=False)) for line in lines]
    finished = {"ok", "finished", "complete", "stopped_early"}
    for metric in METRICS:
        fit = fits.get((metric, "absolute", "ols"))
        if fit is None:
            continue
        used = [
            row
            for row in rows
            if row.get("status", "ok").lower() in finished and row[metric] not in ("", "nan", "NaN")
        ]
        response = np.array([float(row[metric]) for row in used])
        assert fit.response == pytest.approx(response, rel=1e-12)
        coded = {}
        for name in settings.factor_names:
            scale = LEVELS[name][0]
            if scale == "categorical":
                levels = sorted({row[name] for row in rows})
                for level in levels[1:]:
                    coded[f"{name}[{level}]"] = np.array(
                        [(row[name] == level) - (row[name] == levels[0]) for row in used], float
                    )
                continue
            transform = {"log10": math.log10, "log2": math.log2, "linear": float}[scale]
            every = [transform(float(row[name])) for row in rows]
            middle, half = (max(every) + min(every)) / 2, (max(every) - min(every)) / 2
            coded[name] = np.array([(transform(float(r[name])) - middle) / half for r in used])
        columns = []
        for term in fit.names:
            column = np.ones(len(used))
            for part in term.split(":") if term != "intercept" else ():
                name, _, power = part.partition("^")
                column = column * coded[name] ** int(power or 1)
            columns.append(column)
        design = np.column_stack(columns)
        expected, *_ = np.linalg.lstsq(design, response, rcond=None)
        size = max(np.abs(response).max(), 1e-300)
        assert fit.design @ fit.coefficients / size == pytest.approx(
            design @ expected / size, abs=1e-6
        )
        if np.linalg.cond(design) < 1e4:
            assert fit.coefficients / size == pytest.approx(expected / size, abs=1e-6)


def told_by_one_trajectory(fit, trajectories):
    """The columns that the other trajectories could not estimate if one of them were not there."""
    found = set()
    for one in trajectories.unique():
        rest = fit.design[(trajectories != one).to_numpy()]
        rank = np.linalg.matrix_rank(rest)
        for name, unit in zip(fit.names, np.eye(len(fit.names)), strict=True):
            if np.linalg.matrix_rank(np.vstack([rest, unit])) > rank:
                found.add(name)
    return found


def check(path, factors, content):
    path.write_bytes(content)
    settings = settings_for(factors)
    accepted = fitted(path, settings)
    if accepted is None:
        return
    study, fits = accepted
    table = coefficients(fits, settings)
    assert np.isfinite(table["estimate"].astype(float)).all()
    assert (table["std_error"].dropna() >= 0).all()
    untold = table[table["std_error"].isna()]
    assert untold[["df", "p_value", "q_value", "ci_low", "ci_high"]].isna().all(axis=None)
    for (metric, framing, estimator), rows in table.groupby(["metric", "framing", "estimator"]):
        fit = fits[metric, framing, estimator]
        without = rows.loc[rows["std_error"].isna(), "term"]
        assert set(without) == told_by_one_trajectory(fit, study.runs.loc[fit.rows, "trajectory"])
    assert table["p_value"].dropna().between(0, 1).all()
    assert_least_squares(content, settings, fits)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("tables") / "runs.csv"


@cases(15, 400)
@given(spoilt())
def test_a_spoilt_table(path, case):
    check(path, *case)


@cases(10, 300)
@given(spoilt_bytes())
def test_a_spoilt_file(path, case):
    check(path, *case)


@cases(2, 80)
@given(spoilt())
def test_all_tables_of_a_spoilt_table(path, case):
    factors, content = case
    path.write_bytes(content)
    settings = settings_for(factors)
    try:
        computed = tables.compute(read_study(path, settings), settings)
    except UserError:
        return
    for name, table in computed.items():
        infinite = np.isinf(table.select_dtypes("number")).any()
        assert not infinite.drop(["ci_low", "ci_high"], errors="ignore").any(), (name, infinite)


def run(folder, config, content):
    """python -m analysis in a folder; its exit code, after a look at what it left there."""
    (folder / "runs.csv").write_bytes(content)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = command.main(
            [f"{folder}/runs.csv", "--config", f"{folder}/config.yaml", "--out", f"{folder}/out"]
        )
    assert code in (0, 2)
    assert {path.name for path in folder.iterdir()} <= {"runs.csv", "config.yaml", "out"}
    assert (folder / "out" / "report.pdf").exists() == (code == 0)
    return code


STRANGE = {
    "depth": "linear",
    "rate": "log10",
    "optimizer": "categorical",
    "layers": "categorical",
    "größe": "linear",
    "학습률": "log10",
    **{f"factor_{number}": "linear" for number in range(6)},
}
METRIC_KINDS = [
    {},
    {"unit": "points"},
    {"unit": "points", "transform": "logit"},
    {"bounds": [0, 2], "transform": "log"},
    {"unit": "s", "better": "lower"},
]
TEXTS = ["adam", "Adam", "[64,64]", "a:b^2", "None", "2", "2.0", "", "größe", "학습률", "x" * 90]


@st.composite
def strange(draw):
    """Factors and a table as sweeps leave them: whatever was run, and what came of it."""
    most = draw(st.sampled_from([1, 4, 4, 12]))
    factors = draw(st.lists(st.sampled_from(list(STRANGE)), min_size=1, max_size=most, unique=True))
    count = draw(st.sampled_from([2, 8, 20, 30, 30, 40, 60, 60, 60]))
    noise = np.random.default_rng(draw(st.integers(0, 2**32)))
    columns = {}
    for name in factors:
        if STRANGE[name] == "categorical":
            many = [f"level {number}" for number in range(40)]
            levels = draw(
                st.lists(st.sampled_from(TEXTS), min_size=2, max_size=4, unique=True)
                | st.just(many)
            )
        else:
            levels = draw(
                st.sampled_from(
                    [*[["1", "2"], ["1", "2", "4"], ["1", "2", "3", "5"]] * 5, ["", "1", "3"]]
                )
            )
        columns[name] = noise.choice(levels, count).tolist()
    kind = draw(
        st.sampled_from(
            [*["noise"] * 20, "exact", "constant", "text", "empty", "percent", "thousands"]
        )
    )
    score = noise.normal(0.6, 0.1, count)
    if kind == "exact":
        score = np.array([len(columns[factors[0]][i]) + 0.5 for i in range(count)])
    cells = {
        "constant": ["0.5"] * count,
        "text": ["12 apples"] * count,
        "empty": [""] * count,
        "percent": [f"{100 * value:.1f}%" for value in score],
        "thousands": [f"{value * 1e4:,.0f}" for value in score],
    }.get(kind, [str(value) for value in score])
    for row in draw(st.lists(st.integers(0, count - 1), max_size=3)):
        cells[row] = draw(st.sampled_from(["inf", "-inf", "", "nan"]))
    columns["score"] = cells
    metrics = {"score": {"better": "higher", **draw(st.sampled_from(METRIC_KINDS))}}
    if draw(st.booleans()):  # a cost that the settings determine
        levels = columns[factors[0]]
        columns["size"] = [str(3 * levels.index(level) + 1) for level in levels]
        metrics["size"] = {"better": "lower", "unit": "MB"}
    if draw(st.booleans()):
        columns["seconds"] = (
            draw(st.sampled_from([["7.6s"], ["1:02:03"], ["0 days 00:00:24.5"], ["12"], [""]]))
            * count
        )
    if draw(st.booleans()):
        lost = draw(st.sampled_from(columns[factors[0]]))
        status = draw(st.sampled_from(["failed", "PRUNED", "RUNNING", "crashed"]))
        columns["status"] = [
            status if level == lost else "COMPLETE" for level in columns[factors[0]]
        ]
    labels = draw(st.sampled_from(["none", "unique", "seed", "blocks"]))
    if labels == "unique":
        columns["replicate"] = [f"sweep-{number}" for number in range(count)]
    elif labels == "seed":
        columns["replicate"] = noise.integers(0, 3, count).tolist()
    elif labels == "blocks":
        columns["dataset"] = noise.choice(["d1", "d2", "d10"], count).tolist()
    config = {
        "factors": {name: {"scale": STRANGE[name]} for name in factors},
        "analysis": {
            "metrics": metrics,
            "bootstrap": 100,
            **({"blocks": ["dataset"]} if labels == "blocks" else {}),
            **draw(st.sampled_from([{}, {}, {"degree": 1}, {"degree": 2}])),
        },
    }
    rows = [
        list(columns),
        *([str(cell) for cell in row] for row in zip(*columns.values(), strict=True)),
    ]
    return config, written(rows)


@cases(20, 400)
@given(strange())
def test_a_strange_table_is_fitted_or_refused(path, case):
    config, content = case
    path.write_bytes(content)
    accepted = fitted(path, Settings.from_config(config))
    if accepted is not None:
        study, fits = accepted
        table = coefficients(fits, study.settings)
        assert np.isfinite(table["estimate"].astype(float)).all()
        assert table["p_value"].dropna().between(0, 1).all()


@cases(2, 100)
@given(strange())
def test_all_tables_of_a_strange_table(path, case):
    config, content = case
    path.write_bytes(content)
    try:
        study = read_study(path, Settings.from_config(config))
        found = tables.compute(study, study.settings)
    except UserError as error:
        assert str(error).isprintable()
        return
    assert random_tables.impossible(study, study.settings, found) == []


@cases(1, 100)
@given(strange())
def test_the_command_on_a_strange_table(tmp_path_factory, case):
    run(tmp_path_factory.mktemp("command"), *case)


if THOROUGH:

    @cases(1, 12)
    @given(spoilt())
    def test_the_command_on_a_spoilt_table(tmp_path_factory, case):
        factors, content = case
        config = {
            "factors": {name: {"scale": LEVELS[name][0]} for name in factors},
            "analysis": {
                "metrics": {"accuracy": {"better": "higher"}, "loss": {"better": "lower"}},
                "bootstrap": 100,
            },
        }
        run(tmp_path_factory.mktemp("command"), config, content)

    def test_ten_thousand_columns(path):
        header = ["epochs", *METRICS, *(f"column {i} </script>" for i in range(10_000))]
        rows = [[str(1 + i % 3), *("0.5", str(i)), *["1"] * 10_000] for i in range(9)]
        rows = [[*row, str(i)] for i, row in enumerate(rows)]
        check(path, ["epochs"], written([[*header, "replicate"], *rows]))
