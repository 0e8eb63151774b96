"""Named streams, trajectories drawn again, and coefficients as they might have come out."""

from dataclasses import replace

import numpy as np
import pytest
import reference

from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.resampling import (
    Stream,
    draw_clusters,
    percentile_interval,
    simulated,
    strata,
)
from analysis.fit.split_plot import split_plot

SETTINGS = reference.settings(bootstrap=4000)


def test_every_purpose_and_seed_has_a_stream_of_its_own():
    first = {
        (stream, seed): stream.generator(replace(SETTINGS, seed=seed)).integers(2**40)
        for stream in Stream
        for seed in (1, 2)
    }
    assert len(set(first.values())) == 2 * len(Stream)
    again = Stream.FOREST.generator(replace(SETTINGS, seed=2)).integers(2**40)
    assert first[Stream.FOREST, 2] == again


def test_as_many_trajectories_are_drawn_from_a_block_as_it_has():
    trajectory = np.array(["b", "a", "b", "c", "d", "e", "e"])
    block = np.array([1, 1, 1, 1, 0, 0, 0])
    weights = draw_clusters(trajectory, block, 500, np.random.default_rng(0))
    assert weights.shape == (500, 7)
    by_name = {name: weights[:, trajectory == name] for name in "abcde"}
    for rows in by_name.values():
        assert (rows == rows[:, :1]).all()  # runs of a trajectory are drawn together
    drawn = {name: rows[:, 0] for name, rows in by_name.items()}
    assert (drawn["a"] + drawn["b"] + drawn["c"] == 3).all()
    assert (drawn["d"] + drawn["e"] == 2).all()
    assert all(0.85 < counts.mean() < 1.15 and counts.max() >= 2 for counts in drawn.values())
    # the order of the rows changes nothing
    order = np.array([6, 3, 0, 5, 1, 4, 2])
    permuted = draw_clusters(trajectory[order], block[order], 500, np.random.default_rng(0))
    np.testing.assert_array_equal(permuted, weights[:, order])


def test_strata_are_the_combinations_of_blocks():
    study = reference.study()
    without = ordinary_least_squares(study, SETTINGS, "loss", "absolute")
    assert strata(without).tolist() == [0] * len(study.runs)
    fit = split_plot(study, SETTINGS, "loss", "absolute")
    found = strata(fit)
    replicates = study.runs.loc[fit.rows, "replicate"].to_numpy()
    pairs = set(zip(found, replicates, strict=True))
    assert len(pairs) == 3 and {number for number, _ in pairs} == {0, 1, 2}
    both = reference.settings(blocks=["site"])
    sites = replace(study, runs=study.runs.assign(site=np.arange(len(study.runs)) % 2))
    fit = ordinary_least_squares(sites, both, "loss", "absolute", replicate_block=True)
    runs = sites.runs.loc[fit.rows]
    pairs = set(zip(strata(fit), runs["site"], runs["replicate"], strict=True))
    assert len(pairs) == 6 and {number for number, *_ in pairs} == set(range(6))


def test_simulated_coefficients_have_the_estimates_spread_and_their_tails():
    fit = split_plot(reference.study(), SETTINGS, "loss", "absolute")
    drawn = simulated(fit, SETTINGS)
    assert drawn.shape == (4000, len(fit.coefficients))
    df = fit.df[np.isfinite(fit.df) & (fit.df > 0)].min()
    wider = np.sqrt(df / (df - 2))  # of a t distribution than of its scale
    standardised = (drawn - fit.coefficients) / fit.std_errors
    assert standardised.mean(axis=0) == pytest.approx(np.zeros(drawn.shape[1]), abs=0.08)
    assert standardised.std(axis=0) == pytest.approx(np.full(drawn.shape[1], wider), rel=0.06)
    scale = np.sqrt(np.outer(np.diag(fit.covariance), np.diag(fit.covariance)))
    assert np.corrcoef(drawn.T) == pytest.approx(fit.covariance / scale, abs=0.06)
    np.testing.assert_array_equal(drawn, simulated(fit, SETTINGS))


def test_percentiles_leave_half_of_alpha_on_either_side():
    values = np.random.default_rng(0).permutation(np.arange(101.0))[:, None] * [1, -1]
    low, high = percentile_interval(values, 0.1)
    assert low.tolist() == [5, -95] and high.tolist() == [95, -5]
