"""Designs from books have the properties that the books say they have."""

import itertools

import numpy as np
import pytest

from common.errors import UserError
from design.space import Space
from tests.designed import RANGES, chosen, configuration


def coded(settings, config):
    """The settings as numbers from -1 to 1, (n, axes)."""
    axes = Space.of(config).axes
    return np.column_stack([a.coding.code([s[a.name] for s in settings])[:, 0] for a in axes])


def points(kind, factors=3, **options):
    config = configuration({"kind": kind, **options}, factors)
    return coded(chosen({"kind": kind, **options}, factors), config)


FRACTIONS = {  # Box, Hunter & Hunter 2005, table 6.22: (factors, resolution): runs
    (3, 3): 4, (5, 3): 8, (6, 3): 8, (7, 3): 8, (4, 4): 8, (6, 4): 16, (7, 4): 16, (8, 4): 16,
    (5, 5): 16, (6, 5): 32, (8, 5): 64,
}  # fmt: skip


@pytest.mark.parametrize(("factors", "resolution"), FRACTIONS)
def test_a_fraction_has_the_runs_of_the_tables_and_its_resolution(factors, resolution):
    found = points("fractional", factors, resolution=resolution)
    assert len(found) == FRACTIONS[factors, resolution]
    signs = np.sign(found)
    words = [
        len(chosen)
        for length in range(1, resolution + 1)
        for chosen in itertools.combinations(range(factors), length)
        if abs(signs[:, chosen].prod(axis=1).sum()) == len(signs)
    ]
    assert not words or min(words) >= resolution


def test_centre_points_are_repeated_settings_at_the_middle():
    found = points("fractional", 3, resolution=3, centre_points=3)
    assert len(found) == 4 + 3
    assert np.abs(found[4:]).max() < 0.01  # three digits of a value


def test_a_face_centred_composite_has_three_values_of_each_factor():
    found = points("central_composite", 3)
    assert len(found) == 8 + 6 + 1
    assert all(len(np.unique(column)) == 3 for column in found.T)
    assert (np.abs(found).max(axis=0) == 1).all()


@pytest.mark.parametrize("factors", [2, 3, 4])
def test_a_rotatable_composite_is_as_precise_in_every_direction(factors):
    names = ("weight_decay", "dropout", "warmup", "plateau_factor")[:factors]
    ranges = {n: {"range": RANGES[n][0], "scale": "linear"} for n in names}
    found = points("central_composite", ranges, axial="rotatable", centre_points=3)
    assert np.abs(found).max() == pytest.approx(1)

    def second_order(at):
        pairs = itertools.combinations_with_replacement(range(factors), 2)
        return np.column_stack([np.ones(len(at)), at, *(at[:, i] * at[:, j] for i, j in pairs)])

    design = second_order(found)
    directions = np.random.default_rng(0).normal(size=(200, factors))
    at = second_order(0.8 * directions / np.linalg.norm(directions, axis=1, keepdims=True))
    variances = np.einsum("ij,jk,ik->i", at, np.linalg.inv(design.T @ design), at)
    assert np.ptp(variances) < 0.02 * variances.mean()  # values have three digits


def test_box_behnken_designs_keep_away_from_the_corners():
    for factors, runs in ((3, 13), (4, 25), (5, 41)):
        found = np.round(points("box_behnken", factors), 1)
        assert len(found) == runs
        assert set(np.abs(found[:-1]).sum(axis=1)) == {2}


@pytest.mark.parametrize("factors", range(3, 13))
def test_definitive_screening_has_orthogonal_main_effects(factors):
    found = np.round(points("definitive_screening", factors), 1)
    assert len(found) == 2 * (factors + factors % 2) + 1
    products = found.T @ found
    assert np.abs(products - np.diag(np.diag(products))).max() < 1e-9
    second = [found[:, i] * found[:, j] for i, j in itertools.combinations(range(factors), 2)]
    assert np.abs(found.T @ np.column_stack([*second, found**2])).max() < 1e-9


def test_a_category_of_two_levels_can_be_screened():
    schedule = {"levels": ["constant", "reduce_on_plateau"], "scale": "categorical"}
    numbers = {n: {"range": r, "scale": s} for n, (r, s) in list(RANGES.items())[:3]}
    settings = chosen("definitive_screening", {"schedule": schedule} | numbers)
    counts = [sum(s["schedule"] == level for s in settings) for level in schedule["levels"]]
    assert counts[0] == counts[1]


def test_a_latin_hypercube_has_one_run_in_each_part_of_every_range():
    found = points("latin_hypercube", 3, trajectories=10)
    for column in found.T:
        assert sorted(np.floor((column + 1) / 2 * 10).astype(int)) == list(range(10))


def test_powers_of_two_of_a_sobol_sequence_are_balanced_and_more_keep_those_before():
    few = points("sobol", 3, trajectories=8)
    for column in few.T:
        assert sorted(np.floor((column + 1) / 2 * 8).astype(int)) == list(range(8))
    assert np.array_equal(points("sobol", 3, trajectories=20)[:8], few)


def test_levels_are_spread_evenly():
    levels = {"levels": [8, 16, 32, 64], "scale": "log2"}
    rates = {"levels": [1e-5, 1e-4], "scale": "log10"}
    found = chosen(
        {"kind": "sobol", "trajectories": 16}, {"batch_size": levels, "learning_rate": rates}
    )
    pairs = [(s["batch_size"], s["learning_rate"]) for s in found]
    assert {pair: pairs.count(pair) for pair in pairs} == dict.fromkeys(set(pairs), 2)
    assert len(set(pairs)) == 8


@pytest.mark.parametrize("kind", ["central_composite", "definitive_screening", "sobol"])
def test_all_values_can_be_run(kind):
    options = {"trajectories": 40} if kind == "sobol" else {}
    for setting in chosen({"kind": kind, **options}, 9 if kind != "central_composite" else 8):
        for name, value in setting.items():
            low, high = RANGES[name][0]
            assert type(value) is type(low)
            assert low <= value <= high
            assert len(repr(value)) <= 9  # can be typed


@pytest.mark.parametrize(
    ("design", "factors", "parts"),
    [
        ({"kind": "fractional", "resolution": 5}, 3, ["design.resolution", "3 designed factors",
         "no fraction of resolution 5", "Write resolution: 3"]),
        ({"kind": "fractional", "resolution": 3}, 2, ["design.resolution", "full or optimal"]),
        ("box_behnken", 2, ["box_behnken", "3 to 5", "there are 2"]),
        ("definitive_screening", 2, ["definitive_screening", "3 to 12", "Write full"]),
        ("central_composite", 1, ["central_composite", "there are 1", "Write full"]),
        ("central_composite", {"learning_rate": {"levels": [1e-5, 1e-4], "scale": "log10"},
         "dropout": {"range": [0.0, 0.3], "scale": "linear"}},
         ["factors.learning_rate", "needs 3 different values", "its levels give 2", "a range"]),
        ("central_composite", {"frozen_layers": {"range": [0, 1], "scale": "linear"},
         "dropout": {"range": [0.0, 0.3], "scale": "linear"}},
         ["factors.frozen_layers", "range [0, 1] gives 2", "a wider range"]),
        ("central_composite", {"schedule": {"levels": ["constant", "reduce_on_plateau"],
         "scale": "categorical"}, "dropout": {"range": [0.0, 0.3], "scale": "linear"}},
         ["factors.schedule", "needs numbers", "categorical"]),
    ],
)  # fmt: skip
def test_factors_that_do_not_suit_a_design_are_told_what_would(design, factors, parts):
    with pytest.raises(UserError) as refused:
        chosen(design, factors)
    assert all(part in str(refused.value) for part in parts), str(refused.value)


def test_the_grid_of_a_range_has_its_ends_and_a_middle_if_there_is_one():
    ranges = {"batch_size": ([8, 32], "log2"), "frozen_layers": ([0, 1], "linear")}
    found = chosen("full", {n: {"range": r, "scale": s} for n, (r, s) in ranges.items()})
    assert [tuple(each.values()) for each in found] == [
        (size, layers) for size in (8, 16, 32) for layers in (0, 1)
    ]
