"""Faults that went unnoticed once, or were thought of by hand: each has to be noticed."""

from dataclasses import dataclass
from pathlib import Path

from tests.mutants.faults import Fault


@dataclass(frozen=True)
class Named:
    """what goes wrong, where the code of a file, which holds ``was`` once, became another."""

    what: str
    file: str
    was: str
    became: str

    def fault(self, project: Path) -> Fault:
        """Raises ValueError where the file no longer holds the code exactly once."""
        source = (project / self.file).read_text()
        before, *after = source.split(self.was)
        if len(after) != 1:
            raise ValueError(f"{self.file} has {self.was!r} {len(after)} times, not once")
        line, became = before.count("\n") + 1, self.became.strip() or "nothing"
        return Fault(line, self.what, became, before + self.became + after[0])


TRAJECTORY = "workflow/finetuning/trajectory.py"
TRAINER = "workflow/finetuning/trainer.py"
COMPARISONS = "analysis/questions/comparisons.py"
VARIANCE = "analysis/questions/variance.py"
SPLIT_PLOT = "analysis/fit/split_plot.py"
CONFIGURATION = "workflow/study/configuration.py"
MADE_WITH = "workflow/study/made_with.py"

NAMED = (
    Named(
        "early stopping looks at evaluation texts",
        TRAJECTORY,
        "hyperparameters, seeds, split.validation)",
        "hyperparameters, seeds, split.evaluation)",
    ),
    Named(
        "logits that are not finite are a result",
        TRAJECTORY,
        "if not np.isfinite(logits).all():",
        "if False:",
    ),
    Named(
        "seconds trained before a kill are lost",
        TRAJECTORY,
        'self.stopwatch.training = record["seconds"]',
        "",
    ),
    Named(
        "a plateau does not wait anew after a reduction",
        TRAINER,
        "progress.plateau.waited = 0",
        "pass",
    ),
    Named(
        "runs of a baseline are taken to have the texts of the first",
        COMPARISONS,
        "groups.setdefault((theirs, run.examples.tobytes()), [])",
        'groups.setdefault((theirs, b""), [])',
    ),
    Named(
        "as many texts are taken for the same texts",
        COMPARISONS,
        "if not np.array_equal(run.examples, baseline.examples):",
        "if len(run.examples) != len(baseline.examples):",
    ),
    Named(
        "the baseline is not aligned with the run",
        COMPARISONS,
        "run.take(left), baseline.take(right)",
        "run.take(left), baseline",
    ),
    Named(
        "the steepest path of a lower-is-better metric makes it worse",
        "analysis/questions/steepest_path.py",
        "sign = settings.metric(fit.metric).sign",
        "sign = 1",
    ),
    Named(
        "the best point of a lower-is-better metric is the worst",
        "analysis/questions/optimum.py",
        "sign = settings.metric(fit.metric).sign",
        "sign = 1",
    ),
    Named(
        "cells of more loss than the baseline's are called better",
        "analysis/findings/baseline.py",
        'worse = (cells["ci_high"] < 0) if metric.sign > 0 else (cells["ci_low"] > 0)',
        'worse = cells["ci_high"] < 0',
    ),
    Named(
        "a difference of a loss is told the wrong way round",
        "analysis/findings/differences.py",
        'gain = metric.sign * row["difference"]',
        'gain = row["difference"]',
    ),
    Named(
        "the intercept is in the family of the q-values",
        "analysis/fit/estimators.py",
        "tested=fit.of_terms",
        "tested=np.ones(len(p_value), dtype=bool)",
    ),
    Named(
        "the replicate component divides by the count",
        VARIANCE,
        "(effects @ effects - error) / (count - 1)",
        "(effects @ effects - error) / count",
    ),
    Named(
        "the evaluation part stays in the trajectory component",
        VARIANCE,
        'components["trajectory"] -= evaluation.trajectory\n',
        "pass\n",
    ),
    Named(
        "the first optimum of the deviance is taken for the best",
        SPLIT_PLOT,
        "return min(candidates, key=lambda point: point.deviance)",
        "return candidates[0]",
    ),
    Named(
        "thirty replicates are no block",
        SPLIT_PLOT,
        "nunique() > BLOCK_MOST",
        "nunique() >= BLOCK_MOST",
    ),
    Named(
        "code that comes with a tokenizer runs",
        "workflow/finetuning/dataset.py",
        "trust_remote_code=False",
        "trust_remote_code=True",
    ),
    Named(
        "weights in other files are fetched",
        "workflow/finetuning/sources/hugging_face.py",
        'FETCHED = {"checkpoint": [*CHECKPOINT_FILES, README]',
        'FETCHED = {"checkpoint": None',
    ),
    Named(
        "pickled weights are fetched",
        "workflow/finetuning/sources/hugging_face.py",
        "[*CHECKPOINT_FILES, README]",
        '[*CHECKPOINT_FILES, README, "*.bin"]',
    ),
    *(
        Named(f"a result may have {what}", MADE_WITH, was, became)
        for what, was, became in (
            ("another number of threads", '"threads", ', ""),
            ("another precision", '"precision", ', ""),
            ("another processor", ', "gpus"', ""),
            ("another engine", '"engine": ENGINE,\n        "computed_from"', '"computed_from"'),
            ("another checkpoint or split", '"computed_from": computed_from,', ""),
            ("other seeds", '"seeds": replicate_seeds(', '"unchecked": replicate_seeds('),
            ("another number of validation examples", '"validation_examples": validation,', ""),
            (
                "another number of training examples",
                '"training_examples": config["data"]["training_examples"] - validation,',
                "",
            ),
            ("other hyperparameters", '"hyperparameters": vars(grid.hyperparameters(values)),', ""),
        )
    ),
    Named(
        "a batch as large as the training set is refused",
        CONFIGURATION,
        "if max(values) > examples:",
        "if max(values) >= examples:",
    ),
    Named(
        "one validation example is enough",
        CONFIGURATION,
        "if aside < 2:",
        "if aside < 1:",
    ),
    Named(
        "a copy takes the place of a rename",
        "common/files.py",
        "temporary.replace(path)",
        "path.write_bytes(temporary.read_bytes())",
    ),
    # Found by a list of faults that was written without a look at the tests.
    Named(
        "validation texts are trained on",
        "workflow/finetuning/draws.py",
        "        training_pool = candidates.apart(training_pool, validation)\n",
        "",
    ),
    Named(
        "texts that begin alike are the same",
        "workflow/finetuning/sameness.py",
        "texts.of(text).tobytes()",
        "texts.of(text)[:8].tobytes()",
    ),
    Named(
        "near-duplicates of validation texts are not counted",
        "workflow/study/gather.py",
        "for part in PARTS[:2])",
        "for part in PARTS[:1])",
    ),
    Named(
        "what does not say how it was made fits everything",
        "workflow/finetuning/files.py",
        "if recorded.get(key) != value:",
        "if key in recorded and recorded[key] != value:",
    ),
    Named(
        "all random draws of the analysis are of one stream",
        "analysis/fit/resampling.py",
        "[settings.seed, int(self)]",
        "[settings.seed]",
    ),
    Named(
        "intervals of coefficients leave alpha on either side",
        "analysis/fit/estimators.py",
        "stats.t.isf(alpha / 2, df) * std_error",
        "stats.t.isf(alpha, df) * std_error",
    ),
    Named(
        "intervals of percentiles leave alpha on either side",
        "analysis/fit/resampling.py",
        "[alpha / 2, 1 - alpha / 2]",
        "[alpha, 1 - alpha]",
    ),
    Named(
        "the error stays in the replicate component",
        VARIANCE,
        "(effects @ effects - error)",
        "(effects @ effects)",
    ),
    Named(
        "what a recommendation gives up in a loss is taken for a gain",
        "analysis/questions/best.py",
        'max(0.0, metric.sign * float(rows["mean"].iloc[0] - estimate))',
        'max(0.0, float(rows["mean"].iloc[0] - estimate))',
    ),
    Named(
        "states of another format are gone on with",
        "workflow/finetuning/state.py",
        '{"format": FORMAT, **made_with}',
        "{**made_with}",
    ),
    # Found by random faults.
    Named(
        "a metric that its model explains exactly is not determined",
        "analysis/fit/choice.py",
        "study.determined | exact",
        "study.determined & exact",
    ),
    Named(
        "terms of long columns are easier to estimate",
        "analysis/fit/estimable.py",
        "triangle / np.where(lengths > 0, lengths, 1)",
        "triangle * np.where(lengths > 0, lengths, 1)",
    ),
    Named(
        "as many planned runs as coefficients are enough",
        "analysis/fit/estimable.py",
        'if count <= columns:\n        raise UserError(\n            f"design:',
        'if count < columns:\n        raise UserError(\n            f"design:',
    ),
    Named(
        "means on a line take two dimensions",
        "analysis/fit/best_of_many.py",
        "spread > SAME * spread[-1]",
        "spread > SAME * spread[-2]",
    ),
    Named(
        "the middle of a category is its second level",
        "analysis/fit/coding.py",
        "return self.levels[0]",
        "return self.levels[1]",
    ),
)
