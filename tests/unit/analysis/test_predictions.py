"""What stored predictions tell: against definitions, scikit-learn, SciPy and simulation."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from scipy import stats
from sklearn import metrics as sklearn_metrics

from analysis.questions import calibration, comparisons, evaluation, metric_sums
from analysis.runs import predictions
from analysis.runs.predictions import Predictions
from analysis.runs.settings import Settings
from common.errors import UserError
from common.metrics import BY_NAME, SUMMED_METRICS, calibration_bins, measure
from tests.simulation import texts

SETTINGS = Settings.from_config(
    {
        "seed": 3,
        "factors": {"rate": {}},
        "analysis": {
            "metrics": {
                "accuracy": {"better": "higher", "unit": "points"},
                "f1": {"better": "higher", "unit": "points"},
                "loss": {"better": "lower"},
                "ece": {"better": "lower"},
            },
            "bootstrap": 2000,
        },
    }
)


def model(n=400, classes=2, skill=1.0, seed=0, labels=None, first=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n) if labels is None else labels
    logits = rng.normal(size=(len(labels), classes)) + skill * np.eye(classes)[labels]
    return Predictions(
        logits.astype(np.float32),
        labels.astype(np.int32),
        np.arange(first, first + len(labels), dtype=np.int32),
    )


def value(predictions, metric):
    sums = BY_NAME[metric].columns(predictions).sum(axis=0)
    return BY_NAME[metric].of_sums(sums, len(predictions.labels))


# --- metrics ------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_of_sums_are_scikit_learns(classes):
    p = model(classes=classes)
    probabilities = np.exp(p.log_probabilities)
    assert value(p, "accuracy") == sklearn_metrics.accuracy_score(p.labels, p.predicted)
    assert value(p, "loss") == pytest.approx(sklearn_metrics.log_loss(p.labels, probabilities))
    average = "binary" if classes == 2 else "macro"
    for metric, how in (("f1", average), ("f1_macro", "macro")):
        assert value(p, metric) == pytest.approx(
            sklearn_metrics.f1_score(p.labels, p.predicted, average=how)
        )


@pytest.mark.parametrize("metric", SUMMED_METRICS)
def test_influences_give_the_sampling_variance_of_the_bootstrap(metric):
    p = model(n=600)
    rng = np.random.default_rng(1)
    drawn = [value(p.take(rng.integers(0, 600, 600)), metric) for _ in range(1500)]
    each = metric_sums.influences(p, BY_NAME[metric])
    assert each.sum() == pytest.approx(0, abs=1e-6)
    assert np.sqrt(each @ each) / 600 == pytest.approx(np.std(drawn), rel=0.08)


# --- McNemar and the paired bootstrap -----------------------------------------------------------


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


def test_what_replicates_share_is_not_taken_from_their_component():
    """Replicates evaluated on the same texts do not differ by them."""
    assert abs(texts.replicate_component("all", 5, studies=20)) < 0.02
    assert abs(texts.replicate_component("part", 5, studies=60)) < 0.25


# --- the tables, from files ---------------------------------------------------------------------


def written(folder, models):
    """runs naming files of (rate, replicate): (run, baseline)."""
    rows = []
    for (rate, replicate), (run, baseline) in models.items():
        row = {"rate": rate, "replicate": replicate, "trajectory": f"{rate}/{replicate}"}
        for column, p in {"predictions": run, "baseline_predictions": baseline}.items():
            name = f"{column}-{replicate}" + (f"-{rate}" if column == "predictions" else "")
            row[column] = f"{name}.safetensors"
            save_file(
                {"logits": p.logits, "labels": p.labels, "examples": p.examples},
                folder / row[column],
            )
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def study(tmp_path):
    """rate 1: the baseline itself; rate 2: better; rate 3: as good, but another model.

    Replicates have other texts."""
    models = {}
    for replicate in range(2):
        first = 400 * replicate
        baseline = model(seed=replicate, skill=1.0, first=first)
        same = {"labels": baseline.labels, "first": first}
        models[1, replicate] = (baseline, baseline)
        models[2, replicate] = (model(seed=10 + replicate, skill=3.0, **same), baseline)
        models[3, replicate] = (model(seed=20 + replicate, **same), baseline)
    runs = written(tmp_path, models)
    return runs, predictions.read_predictions(runs, tmp_path), models


def test_each_cell_against_the_baseline(study):
    runs, predictions, models = study
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


def test_mcnemar_of_a_cell_pools_the_discordant_examples_of_its_replicates(study):
    runs, predictions, models = study
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


def test_the_interval_of_a_cell_is_that_of_the_mean_over_independent_evaluation_sets(study):
    runs, predictions, models = study
    table = comparisons.comparisons(runs, predictions, SETTINGS).set_index(["rate", "metric"])
    row = table.loc[3, "accuracy"]
    each = [
        run.correct.astype(float) - baseline.correct
        for run, baseline in (models[3, replicate] for replicate in range(2))
    ]
    std_error = np.sqrt(sum(difference.var() / 400 for difference in each)) / 2
    assert (row["ci_high"] - row["ci_low"]) / 2 == pytest.approx(1.96 * std_error, rel=0.08)


def test_examples_are_paired_by_their_ids_not_their_order(study):
    runs, predictions, _ = study
    name = runs.loc[2, "predictions"]
    before = comparisons.comparisons(runs, predictions, SETTINGS)
    order = np.random.default_rng(0).permutation(400)
    shuffled = dict(predictions) | {name: predictions[name].take(order)}
    after = comparisons.comparisons(runs, shuffled, SETTINGS)
    columns = ["rate", "metric", "difference", "mcnemar_p", "gained", "lost"]
    pd.testing.assert_frame_equal(before[columns], after[columns])


def test_the_baseline_is_aligned_with_every_run_of_a_replicate(study):
    runs, predictions, _ = study
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


def test_permuting_the_runs_changes_nothing(study):
    runs, predictions, _ = study
    table = comparisons.comparisons(runs, predictions, SETTINGS)
    permuted = runs.sample(frac=1, random_state=4)
    pd.testing.assert_frame_equal(table, comparisons.comparisons(permuted, predictions, SETTINGS))


def test_the_bootstrap_is_the_same_in_chunks(study, monkeypatch):
    runs, predictions, _ = study
    whole = comparisons.comparisons(runs, predictions, SETTINGS)
    monkeypatch.setattr(comparisons, "MOST_WEIGHTS", 400 * 150)
    pd.testing.assert_frame_equal(whole, comparisons.comparisons(runs, predictions, SETTINGS))


def test_absent_files_are_left_out_and_broken_ones_refused(study, tmp_path):
    runs, _, _ = study
    (tmp_path / runs.loc[0, "predictions"]).unlink()
    found = predictions.read_predictions(runs, tmp_path)
    table = comparisons.comparisons(runs, found, SETTINGS)
    assert table.groupby("rate")["runs"].first().tolist() == [1, 2, 2]
    (tmp_path / runs.loc[1, "predictions"]).write_bytes(b"no")
    with pytest.raises(UserError, match=r"not a predictions file"):
        predictions.read_predictions(runs, tmp_path)
    bare = runs.drop(columns=["predictions", "baseline_predictions"])
    assert predictions.read_predictions(bare, tmp_path) == {}
    for table in (comparisons.comparisons, calibration.reliability):
        assert table(bare, {}, SETTINGS).empty
    assert evaluation.evaluation_variance(bare, {}, "accuracy") is None


# --- calibration --------------------------------------------------------------------------------


def test_reliability_by_hand():
    """Confidences .6 (right), .6 (wrong), .9 (right), .9 (right)."""
    probability = np.array([[0.4, 0.6], [0.4, 0.6], [0.1, 0.9], [0.1, 0.9]])
    p = Predictions(np.log(probability), np.array([1, 0, 1, 1]), np.arange(4))
    table = calibration.reliability_bins([p])
    assert table["confidence"].to_numpy() == pytest.approx([0.6, 0.9])
    assert table["accuracy"].tolist() == [0.5, 1.0] and table["count"].tolist() == [2, 2]
    assert table["expected_calibration_error"].to_numpy() == pytest.approx([0.1, 0.1])


def test_reliability_of_a_calibrated_model_is_near_the_diagonal():
    rng = np.random.default_rng(0)
    p_one = rng.uniform(size=50_000)
    labels = (rng.uniform(size=50_000) < p_one).astype(int)
    p = Predictions(np.log(np.c_[1 - p_one, p_one]), labels, np.arange(50_000))
    table = calibration.reliability_bins([p])
    assert (table["accuracy"] - table["confidence"]).abs().max() < 0.02
    assert set(table["bin"]) == {6, 7, 8, 9, 10}
    sure = Predictions(3 * p.logits, p.labels, p.examples)
    assert calibration.reliability_bins([sure])["expected_calibration_error"][0] > 0.1


def test_reliability_table_has_cells_and_the_baseline(study):
    runs, predictions, _ = study
    table = calibration.reliability(runs, predictions, SETTINGS)
    counts = table.groupby(["model", "rate"], dropna=False)["count"].sum()
    assert counts.loc["cell", 1] == 800 and len(counts) == 4
    assert counts.loc["baseline"].to_numpy() == [800]


# --- evaluation sampling ------------------------------------------------------------------------


def test_evaluation_variance_is_that_of_new_evaluation_sets():
    """Six runs, two a trajectory, right or wrong by example difficulty shared to known degrees:
    the estimates from one evaluation set are the covariances over many."""
    trajectory = np.array([0, 0, 1, 1, 2, 2])

    def correct(rng, n):
        latent = 1.0 * rng.normal(size=(1, n)) + 0.7 * rng.normal(size=(3, n))[trajectory]
        return latent + 0.5 * rng.normal(size=(6, n)) < 0.8

    rng = np.random.default_rng(0)
    n = 500
    covariance = np.cov(np.array([correct(rng, n).mean(axis=1) for _ in range(3000)]).T)
    names = [f"run{i}" for i in range(6)]
    right = correct(rng, 20_000)
    models = {
        name: Predictions(
            np.c_[~row, row].astype(np.float32), np.ones(20_000, int), np.arange(20_000)
        )
        for name, row in zip(names, right, strict=True)
    }
    runs = pd.DataFrame({"replicate": 0, "trajectory": trajectory, "predictions": names})
    found = evaluation.evaluation_variance(runs, models, "accuracy")
    scale = 20_000 / n
    same = covariance[[0, 2, 4], [1, 3, 5]].mean()
    shared = covariance[np.ix_([0, 1], [2, 3, 4, 5])].mean()
    assert (found.study + found.replicate) * scale == pytest.approx(shared, rel=0.1)
    assert found.trajectory * scale == pytest.approx(same - shared, rel=0.1)
    assert found.run * scale == pytest.approx(np.diag(covariance).mean() - same, rel=0.1)
    assert found.total * scale == pytest.approx(np.diag(covariance).mean(), rel=0.1)
    assert evaluation.evaluation_variance(runs, models, "ece") is None


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"logits": np.zeros(4, np.float32)}, "logits are not two columns"),
        ({"logits": np.full((4, 2), np.nan, np.float32)}, "finite"),
        ({"labels": np.array([0, 1, 2, 0])}, "a label has no column"),
        ({"labels": np.zeros(3, int)}, "not as many"),
        ({"examples": np.zeros(4)}, "not whole numbers"),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(tmp_path, changed, told):
    arrays = {"logits": np.zeros((4, 2), np.float32), "labels": np.zeros(4, int)}
    arrays |= {"examples": np.arange(4)}
    runs = pd.DataFrame({"predictions": ["run.safetensors"]})
    save_file(arrays, tmp_path / "run.safetensors")
    assert len(predictions.read_predictions(runs, tmp_path)) == 1
    save_file(arrays | changed, tmp_path / "run.safetensors")
    with pytest.raises(UserError, match=told):
        predictions.read_predictions(runs, tmp_path)


def test_a_confidence_on_the_edge_is_in_the_lower_bin():
    confidence = np.array([0.5, np.nextafter(0.5, 1), 0.6, 0.05, 1.0])
    assert calibration_bins(confidence).tolist() == [5, 6, 6, 1, 10]


def test_metrics_and_the_reliability_table_have_the_same_calibration_error():
    p = model(classes=4)
    measured = measure(p.logits, p.labels)["ece"]
    assert (calibration.reliability_bins([p])["expected_calibration_error"] == measured).all()
