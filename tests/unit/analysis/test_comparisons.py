"""Cells against the baseline on the same texts."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predicted import SETTINGS, value
from scipy import stats

from analysis.questions import comparisons
from analysis.runs.predictions import Predictions
from tests.simulation import texts


@settings(max_examples=100, deadline=None)
@given(gained=st.integers(0, 60), lost=st.integers(0, 60))
def test_exact_mcnemar_is_the_binomial_test(gained, lost):
    ours = comparisons.sign_flip_test(np.r_[np.ones(gained), -np.ones(lost), np.zeros(3)])
    if gained + lost == 0:
        assert ours == 1
    else:
        assert ours == pytest.approx(stats.binomtest(gained, gained + lost).pvalue, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(net=st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_the_sign_flip_test_counts_all_signs(net):
    """Against every one of the 2^n signs."""
    size = np.abs(net)
    signs = np.array(list(itertools.product([-1, 1], repeat=len(net))))
    as_far = np.abs(signs @ size) >= abs(sum(net))
    assert comparisons.sign_flip_test(np.array(net)) == pytest.approx(as_far.mean())


# More than three standard errors of 150 studies on either side; a test that takes shared texts for
# several has p < 0.05 in 31 % and covers 66 %.
@pytest.mark.parametrize(("overlap", "replicates"), [("none", 2), ("part", 2), ("all", 5)])
def test_shared_texts_count_once(overlap, replicates):
    found = texts.simulate(overlap, replicates, studies=150)
    assert 0 < found["p < 0.05"] < 0.11
    assert 0.89 < found["coverage"] < 1


def test_each_cell_against_the_baseline(predicted_study):
    runs, predictions, models = predicted_study
    table = comparisons.comparisons(runs, predictions, SETTINGS)
    assert len(table) == 3 * 3 and set(table["metric"]) == {"accuracy", "f1", "loss"}
    for row in table.itertuples():
        pairs = [models[row.rate, replicate] for replicate in range(2)]
        each = [value(run, row.metric) - value(baseline, row.metric) for run, baseline in pairs]
        assert row.runs == 2 and row.difference == pytest.approx(np.mean(each))
        assert row.ci_low <= row.difference <= row.ci_high
    same, better = table[table["rate"] == 1], table[table["rate"] == 2]
    assert (same[["difference", "ci_low", "ci_high"]] == 0).all(axis=None)
    assert (same["mcnemar_p"].dropna() == 1).all()
    assert (better.loc[better["metric"] != "loss", "ci_low"] > 0).all()
    assert (better.loc[better["metric"] == "loss", "ci_high"] < 0).all()
    assert (better["q_value"].dropna() < 1e-6).all()


def test_mcnemar_of_a_cell_pools_the_discordant_examples_of_its_replicates(predicted_study):
    runs, predictions, models = predicted_study
    table = comparisons.comparisons(runs, predictions, SETTINGS)
    accuracy = table[table["metric"] == "accuracy"].set_index("rate")
    for rate in (2, 3):
        run, baseline = (
            np.concatenate([models[rate, replicate][which].correct for replicate in range(2)])
            for which in (0, 1)
        )
        gained, lost = (run & ~baseline).sum(), (baseline & ~run).sum()
        assert tuple(accuracy.loc[rate, ["gained", "lost"]]) == (gained, lost)
        test = stats.binomtest(gained, gained + lost)
        assert accuracy.loc[rate, "mcnemar_p"] == pytest.approx(test.pvalue, rel=1e-9)
    assert accuracy["q_value"].to_numpy(float) == pytest.approx(
        stats.false_discovery_control(accuracy["mcnemar_p"].to_numpy(float))
    )


def test_a_cells_interval_is_that_of_the_mean_over_independent_evaluation_sets(
    predicted_study,
):
    runs, predictions, models = predicted_study
    table = comparisons.comparisons(runs, predictions, SETTINGS).set_index(["rate", "metric"])
    row = table.loc[3, "accuracy"]
    each = [
        run.correct.astype(float) - baseline.correct
        for run, baseline in (models[3, replicate] for replicate in range(2))
    ]
    std_error = np.sqrt(sum(difference.var() / 400 for difference in each)) / 2
    assert (row["ci_high"] - row["ci_low"]) / 2 == pytest.approx(1.96 * std_error, rel=0.08)


def test_examples_are_paired_by_their_ids_not_their_order(predicted_study):
    runs, predictions, _ = predicted_study
    name = runs.loc[2, "predictions"]
    before = comparisons.comparisons(runs, predictions, SETTINGS)
    order = np.random.default_rng(0).permutation(400)
    shuffled = dict(predictions) | {name: predictions[name].take(order)}
    after = comparisons.comparisons(runs, shuffled, SETTINGS)
    columns = ["rate", "metric", "difference", "mcnemar_p", "gained", "lost"]
    pd.testing.assert_frame_equal(before[columns], after[columns])


def test_the_baseline_is_aligned_with_every_run_of_a_replicate(predicted_study):
    runs, predictions, _ = predicted_study
    before = comparisons.comparisons(runs, predictions, SETTINGS)
    order = np.random.default_rng(0).permutation(400)
    columns = ["rate", "metric", "difference", "mcnemar_p", "gained", "lost"]
    for name in set(runs["baseline_predictions"]):  # another order, and more texts than the runs
        theirs = predictions[name].take(order)
        more = Predictions(
            np.concatenate([theirs.logits, theirs.logits[:50, ::-1]]),
            np.concatenate([theirs.labels, theirs.labels[:50]]),
            np.concatenate([theirs.examples, theirs.examples[:50] + 1000]),
        )
        for changed in (theirs, more):
            after = comparisons.comparisons(runs, predictions | {name: changed}, SETTINGS)
            pd.testing.assert_frame_equal(before[columns], after[columns])


def test_runs_of_a_replicate_may_have_been_evaluated_on_different_texts(predicted_study):
    runs, predictions, models = predicted_study
    rows = {rate: runs.index[runs["rate"] == rate][0] for rate in (2, 3)}
    texts = {2: np.arange(300), 3: np.arange(100, 400)}  # as many, but others
    changed = dict(predictions)
    for rate, row in rows.items():
        name = runs.loc[row, "predictions"]
        changed[name] = predictions[name].take(texts[rate])
    some = runs.loc[[*rows.values()]]
    table = comparisons.comparisons(some, changed, SETTINGS).set_index(["rate", "metric"])
    for rate in rows:
        run, baseline = (model.take(texts[rate]) for model in models[rate, 0])
        for metric in ("accuracy", "f1", "loss"):
            assert table.loc[(rate, metric), "difference"] == pytest.approx(
                value(run, metric) - value(baseline, metric)
            )


def test_permuting_the_runs_changes_nothing(predicted_study):
    runs, predictions, _ = predicted_study
    table = comparisons.comparisons(runs, predictions, SETTINGS)
    permuted = runs.sample(frac=1, random_state=4)
    pd.testing.assert_frame_equal(table, comparisons.comparisons(permuted, predictions, SETTINGS))


def test_the_bootstrap_is_the_same_in_chunks(predicted_study, monkeypatch):
    runs, predictions, _ = predicted_study
    whole = comparisons.comparisons(runs, predictions, SETTINGS)
    monkeypatch.setattr(comparisons, "MOST_WEIGHTS", 400 * 150)
    pd.testing.assert_frame_equal(whole, comparisons.comparisons(runs, predictions, SETTINGS))


def test_runs_without_predictions_or_common_texts_are_left_out(predicted_study):
    runs, predictions, _ = predicted_study
    whole = comparisons.comparisons(runs, predictions, SETTINGS).set_index(["rate", "metric"])
    unknown, elsewhere = (runs.index[runs["rate"] == rate][0] for rate in (2, 3))
    run = predictions[runs.loc[elsewhere, "predictions"]]
    changed = dict(predictions) | {
        runs.loc[elsewhere, "predictions"]: Predictions(run.logits, run.labels, run.examples + 5000)
    }
    del changed[runs.loc[unknown, "predictions"]]
    table = comparisons.comparisons(runs, changed, SETTINGS).set_index(["rate", "metric"])
    counted = table.xs("accuracy", level="metric")["runs"].to_dict()
    assert counted == {1: 2, 2: 1, 3: 1}
    assert table.loc[1, "difference"].tolist() == whole.loc[1, "difference"].tolist()
    no_baseline = runs.drop(columns="baseline_predictions")
    for nothing in (
        comparisons.comparisons(runs, {}, SETTINGS),
        comparisons.comparisons(no_baseline, predictions, SETTINGS),
    ):
        assert nothing.empty and list(nothing.columns) == list(whole.reset_index().columns)


def test_only_accuracy_has_a_test_of_right_and_wrong(predicted_study):
    runs, predictions, _ = predicted_study
    table = comparisons.comparisons(runs, predictions, SETTINGS)
    others = table[table["metric"] != "accuracy"]
    tested = ["mcnemar_p", "q_value", "gained", "lost"]
    assert others[tested].isna().all(axis=None) and len(others) == 6
    loss = replace(SETTINGS, metrics=tuple(m for m in SETTINGS.metrics if m.name == "loss"))
    alone = comparisons.comparisons(runs, predictions, loss)
    assert set(alone["metric"]) == {"loss"} and alone[tested].isna().all(axis=None)
