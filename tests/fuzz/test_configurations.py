"""Any configuration is refused in one message, or makes a grid whose folders are sound."""

import copy
import re
from pathlib import Path, PurePosixPath

import pytest
import yaml
from hostile import cases, scalars, texts, values
from hypothesis import given
from hypothesis import strategies as st

from analysis.runs.settings import Settings
from common.configuration import read_config
from common.errors import UserError
from design.grid import Grid, level_name
from design.space import delivers_epochs
from study import configuration, designs
from study.sections import complete

DEFAULT_TEXT = (Path(__file__).parents[2] / "config.yaml").read_text()
DEFAULT = yaml.safe_load(DEFAULT_TEXT)
EVERY_KEY = copy.deepcopy(DEFAULT)  # also those that the default configuration leaves out
del EVERY_KEY["analysis"]["degree"]
EVERY_KEY["analysis"] |= {
    "formula": "learning_rate + batch_size + epochs + learning_rate:epochs + epochs^2",
    "pareto": ["accuracy", "loss"],
    "desirability": {"accuracy": 2, "loss": 1},
    "baseline": {},
    "columns": {},
}
DESIGNED = copy.deepcopy(EVERY_KEY)  # by a design with every option, and factors with ranges
DESIGNED["factors"] |= {
    "learning_rate": {"range": [1e-5, 9e-5], "scale": "log10"},
    "batch_size": {"range": [8, 32], "scale": "log2"},
}
DESIGNED["design"] = {
    "kind": "optimal",
    "trajectories": 6,
    "criterion": "D",
    "variance_ratio": 2,
    "forbid": [{"batch_size": [8], "learning_rate": {"at_least": 5e-5, "at_most": 1.0}}],
    "augment": None,
}
DESIGNED["planning"] = {"compare": ["full", {"kind": "sobol", "trajectories": 9}], "from": "none"}


def refusal(config):
    """Does what the Snakefile does: the message, or None for a configuration to be run."""
    try:
        configuration.check(config)
        settings = Settings.from_config(config)
        full = complete(config)
        full["design"] = designs.noted(full, Path("none"))
        designs.check_estimable(full, settings)
        configuration.check_analysis(config["analysis"])
    except UserError as error:
        message = str(error)
        assert message.isprintable()
        assert 10 < len(message) < 1500
        return message
    assert_sound(full, settings)
    return None


def assert_sound(config, settings):
    results = PurePosixPath("results", config["study"])
    assert results.parent == PurePosixPath("results")
    assert re.fullmatch(r"[\w.-]+", config["study"], re.ASCII)
    assert 0 < settings.alpha < 1
    for metric in settings.metric_names:
        assert re.fullmatch(r"[\w.-]+", metric)

    grid = Grid.from_config(config)
    count = config["replicates"] * len(grid.settings) * len(grid.levels.get("epochs", [1]))
    assert count <= configuration.MOST_CELLS
    if count > 2000:
        return
    cells = list(grid.cells())
    folders = [grid.folder(cell) for cell in cells]
    if delivers_epochs(config) or config["design"] == "full":
        assert len(cells) == count
    count = len(cells)
    assert len({folder.lower() for folder in folders}) == count
    for cell, folder in zip(cells, folders, strict=True):
        parts = folder.split("/")
        named = [name for name, value in cell.items() if (name, value) != ("repeat", 0)]
        assert [part.partition("=")[0] for part in parts] == named
        assert all(re.fullmatch(r"[\w]+=[\w.+-]+", part, re.ASCII) for part in parts)
        assert all(len(part) < 60 for part in parts)
        assert grid.parse(results / "cells" / folder) == cell
        assert grid.hyperparameters(cell).epochs in range(1, 2**53 + 1)
        for name, level in cell.items():
            assert name not in grid.levels or re.fullmatch(grid.constraint(name), level_name(level))


def paths(section, path=()):
    """Where the values of a configuration are."""
    yield path
    inner = section.items() if isinstance(section, dict) else ()
    inner = enumerate(section) if isinstance(section, list) else inner
    for key, value in inner:
        yield from paths(value, (*path, key))


PATHS = [path for path in (*paths(EVERY_KEY), *paths(DESIGNED)) if path]


@st.composite
def spoilt(draw):
    """A configuration with up to three values replaced, removed or added."""
    config = copy.deepcopy(draw(st.sampled_from((DEFAULT, EVERY_KEY, DESIGNED))))
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(PATHS))
        section = config
        for key in parents:
            try:
                section = section[key]
            except (KeyError, IndexError, TypeError):
                break
        what = draw(st.sampled_from(("replace", "replace", "remove", "add", "rename")))
        if isinstance(section, list) and isinstance(last, int) and last < len(section):
            section[last] = draw(scalars | values)
        elif isinstance(section, dict) and last in section:
            if what == "replace":
                section[last] = draw(scalars | values)
            elif what == "remove":
                del section[last]
            elif what == "add":
                section[draw(texts | scalars)] = draw(values)
            else:
                section[draw(texts)] = section.pop(last)
    return config


def test_a_configuration_of_every_key_is_accepted():
    assert refusal(EVERY_KEY) is None
    assert refusal(DESIGNED) is None


@cases(25, 700)
@given(spoilt())
def test_a_spoilt_configuration(config):
    refusal(config)


LEVELS = {
    "learning_rate": st.floats(1e-300, 1e300, allow_subnormal=False) | st.integers(1, 2**53),
    "batch_size": st.integers(1, 256),
    "epochs": st.integers(1, 10**6),
    "weight_decay": st.floats(0, 1e9),
    "dropout": st.floats(0, 1, exclude_max=True),
    "warmup": st.floats(0, 1e6),
    "frozen_layers": st.integers(0, 12),
}


@st.composite
def fitting(draw):
    """A configuration with other factors, levels and scales, right as far as they go."""
    config = copy.deepcopy(DEFAULT)
    names = draw(st.lists(st.sampled_from(list(LEVELS)), min_size=1, max_size=4, unique=True))
    fixed = {name: DEFAULT["embedded"]["baseline"][name] for name in LEVELS}
    config["training"] |= {name: value for name, value in fixed.items() if name not in names}
    for name in names:
        config["training"].pop(name, None)
    config["hub"]["baseline"] = config["embedded"]["baseline"]
    config["factors"] = {
        name: {
            "levels": draw(st.lists(LEVELS[name], min_size=3, max_size=4, unique=True)),
            "scale": draw(st.sampled_from(("linear", "categorical"))),
        }
        for name in names
    }
    config["replicates"] = draw(st.integers(2, 5))  # of one, a small grid has too few runs
    config["study"] = draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True))
    return config


@cases(15, 300)
@given(fitting())
def test_a_fitting_configuration_is_accepted(config):
    assert refusal(config) is None


def test_a_grid_beyond_all_bounds_is_refused_at_once():
    config = copy.deepcopy(DEFAULT) | {"replicates": 2**53}
    assert "cells" in refusal(config)


@st.composite
def spoilt_texts(draw):
    """The default configuration's bytes with a few of them changed, or some other text."""
    content = DEFAULT_TEXT.encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = start + draw(st.sampled_from((0, 0, 1, 2, 30)))
        put = draw(st.sampled_from(SNIPPETS) | st.binary(max_size=4))
        content = content[:start] + put + content[end:]
    return content


SNIPPETS = (
    *(b"", b"\n", b":", b"- ", b"\t", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"'", b'"', b"#"),
    *(b"&a ", b"*a", b"<<: *a", b"!!python/object/apply:os.system ['touch hacked']", b"!!binary "),
    *(b"---\n", b"...\n", b"? ", b"seed: 1\n", b"yes: no\n", b"2026-13-45", b"1:30", b"0b_"),
    *(b"[[[[", b"}", b"%", b"__use_yte__: true\n", b"1e400", b".inf", b".nan", b'"\\ud800"'),
    *(b'"\\0"', b"1e5", b"9" * 5000, b"0x" + b"f" * 5000),
)  # fmt: skip


@cases(25, 500)
@given(spoilt_texts() | st.binary(max_size=40))
def test_a_spoilt_file(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "config.yaml"
    path.write_bytes(content)
    try:
        config = read_config(path)
    except UserError as error:
        assert str(error).startswith(str(path))
        assert str(error).isprintable()
        return
    assert config == yaml.safe_load(content.decode("utf-8-sig"))
    refusal(config)


def test_references_that_unfold_without_end_are_refused(tmp_path):
    path = tmp_path / "config.yaml"
    lines = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60))]
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match="unfolds to more than"):
        read_config(path)
    for nested in ("[" * 50_000, "a: " + "{b: " * 20_000):
        path.write_text(nested)
        with pytest.raises(UserError, match="nested too deeply"):
            read_config(path)
