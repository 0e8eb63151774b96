"""Draws of training, validation and evaluation sets."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from common.errors import UserError
from finetuning.dataset import TokenisedTexts
from finetuning.draws import Candidates, draw_split, stratified_draw


def frame(labels, groups=None, part="study"):
    group = "" if groups is None else groups
    return pd.DataFrame({"label": labels, "group": group, "part": part}).astype({"group": str})


def candidates(texts, tokens=None, unusable=None):
    """tokens: a number a text, the same for those that are the same to a model."""
    tokens = np.arange(len(texts)) if tokens is None else np.asarray(tokens)
    tokenised = TokenisedTexts(tokens.astype(np.int32), np.arange(len(texts) + 1))
    unusable = np.zeros(len(texts), bool) if unusable is None else unusable
    none = np.zeros(len(texts), bool)
    return Candidates.of(texts, tokenised, {"reason": unusable, "another": none})


def config(training, evaluation, seed=1, validation=0, **data):
    return {
        "seed": seed,
        "data": {
            "training_examples": training + validation,
            "validation_examples": validation,
            "evaluation_examples": evaluation,
            "least_of_a_class": 1,
            **data,
        },
    }


def keeps_its_promises(number, classes, group_size, twins, divided, seed, **sizes):
    """Whether sets were drawn, and not refused for a reason that there is."""
    rng, rows = np.random.default_rng(seed), np.arange(number)
    groups = [f"group {row // group_size}" for row in rows] if group_size else None
    part = np.where(rows % 2, "study_training", "study_evaluation") if divided else "study"
    texts = frame(rng.integers(classes, size=number), groups, part)
    tokens = rng.integers(number, size=number) if twins else rows
    drawn = drawn_or_refused(texts, tokens, config(seed=seed, **sizes))
    if drawn is not None:
        check_promises(texts, tokens, drawn, **sizes)
    return drawn is not None


@settings(deadline=None, max_examples=120)
@given(
    number=st.integers(30, 160),
    classes=st.integers(2, 4),
    group_size=st.integers(0, 6),
    twins=st.booleans(),
    training=st.integers(6, 40),
    validation=st.sampled_from([0, 0, 1, 8, 16]),
    evaluation=st.one_of(st.integers(6, 40), st.just("all")),
    divided=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_every_draw_keeps_its_promises(**drawing):
    keeps_its_promises(**drawing)


@pytest.mark.parametrize("evaluation", [10, "all"])
@pytest.mark.parametrize("validation", [0, 8])
def test_where_there_are_plenty_of_texts_no_draw_is_refused(validation, evaluation):
    sizes = {"training": 20, "validation": validation, "evaluation": evaluation}
    # Not groups across both parts of the texts: with all of one, nothing of the other is left.
    for (group_size, divided), twins in itertools.product(
        [(0, False), (0, True), (2, False)], (False, True)
    ):
        assert keeps_its_promises(400, 2, group_size, twins, divided, 1, **sizes)


def drawn_or_refused(texts, tokens, asked):
    """The sets; None where they are refused for a reason that there is."""
    pool, data = candidates(texts, tokens), asked["data"]
    try:
        drawn = draw_split(pool, asked, 0)
    except UserError as error:
        assert "data" in str(error)
        # Without groups, twins and a validation set there are only two reasons to refuse.
        if not pool.grouped and len(set(tokens)) == len(texts) and not data["validation_examples"]:
            everything = data["evaluation_examples"] == "all"
            needed = data["training_examples"], 1 if everything else data["evaluation_examples"]
            there = pool.training.sum(), pool.evaluation.sum()
            shared = (pool.training == pool.evaluation).all()
            too_few = (shared and sum(needed) > len(texts)) or any(np.less(there, needed))
            assert too_few or "one class only" in str(error) or "least_of_a_class" in str(error)
        return None
    assert all(map(np.array_equal, drawn, draw_split(pool, asked, 0)))
    return drawn


def check_promises(texts, tokens, drawn, training, validation, evaluation):
    for found, size in zip(drawn, (training, validation, evaluation), strict=True):
        assert len(found) == len(set(found.tolist())) and (size == "all" or len(found) == size)
        assert found.dtype == np.int32
        assert np.all(np.diff(found) > 0)
        assert size == 0 or set(texts["label"].iloc[found]) == set(texts["label"])
    grouped = (texts["group"] != "").any()
    for one, other in itertools.combinations(drawn, 2):
        assert not set(one) & set(other)
        assert not set(tokens[one]) & set(tokens[other])
        if grouped:
            assert not set(texts["group"].iloc[one]) & set(texts["group"].iloc[other])
    if texts["part"].nunique() > 1:
        assert set(texts["part"].iloc[[*drawn[0], *drawn[1]]]) == {"study_training"}
        assert set(texts["part"].iloc[drawn[2]]) == {"study_evaluation"}
        if evaluation == "all":
            np.testing.assert_array_equal(drawn[2], np.arange(len(texts))[::2])
    elif evaluation == "all" and not grouped and len(set(tokens)) == len(texts):
        assert sum(map(len, drawn)) == len(texts)


@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=100).map(np.array),
    share=st.floats(0, 1),
)
def test_a_stratified_draw_is_within_one_of_every_quota(labels, share):
    size = round(share * len(labels))
    found = stratified_draw(labels, size, np.random.default_rng(0))
    assert len(found) == size == len(set(found.tolist()))
    for label in np.unique(labels):
        quota = np.mean(labels == label) * size
        assert abs(np.sum(labels[found] == label) - quota) < 1


def test_a_stratified_draw_takes_the_shares_of_others_as_far_as_there_are_enough():
    labels = np.repeat([0, 1], [30, 5])
    like = np.repeat([0, 1], [50, 50])
    for size, positives in ((8, 4), (10, 5), (20, 5)):
        found = stratified_draw(labels, size, np.random.default_rng(0), like)
        assert len(found) == size and labels[found].sum() == positives


@settings(deadline=None, max_examples=60)
@given(
    positives=st.integers(6, 60),
    sizes=st.tuples(*[st.integers(20, 60)] * 3),
    divided=st.booleans(),
    seed=st.integers(0, 99),
)
def test_with_a_validation_set_all_three_have_the_shares_of_the_texts(
    positives, sizes, divided, seed
):
    training, validation, evaluation = sizes
    labels = np.random.default_rng(seed).permutation(np.arange(400) < 2 * positives).astype(int)
    part = np.repeat(["study_training", "study_evaluation"], 200) if divided else "study"
    try:
        drawn = draw_split(
            candidates(frame(labels, part=part)), config(training, evaluation, seed, validation), 3
        )
    except UserError as error:
        assert "class" in str(error)  # a quota of less than half a text
        assume(False)
    shares = [labels[:200].mean(), labels[:200].mean(), labels[200:].mean()]
    for found, share in zip(drawn, shares if divided else [labels.mean()] * 3, strict=True):
        assert abs(labels[found].sum() - share * len(found)) <= 1


def test_a_rare_class_is_in_all_three_sets():
    labels = [1] * 4 + [0] * 396
    drawn = draw_split(candidates(frame(labels)), config(100, 100, validation=100), 0)
    assert [np.take(labels, found).sum() for found in drawn] == [1, 1, 1]


def test_groups_are_divided_so_that_the_shares_can_be_met():
    draw = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    # a film has nearly only good reviews or nearly only bad ones
    labels = (draw.random(400) < np.where(draw.random(40) < 0.3, 0.9, 0.1)[groups]).astype(int)
    texts = frame(labels, groups)
    for replicate in range(10):
        drawn = draw_split(candidates(texts), config(80, 80, validation=40), replicate)
        for found in drawn:
            assert abs(labels[found].sum() - labels.mean() * len(found)) <= 1


def test_without_a_validation_set_a_set_has_the_shares_of_its_side_of_the_groups():
    groups = np.repeat(np.arange(40), 10)
    labels = (np.random.default_rng(0).random(400) < 0.2 + groups / 80).astype(int)
    for replicate in range(5):
        training, validation, evaluation = draw_split(
            candidates(frame(labels, groups)), config(80, 80), replicate
        )
        assert len(training) == len(evaluation) == 80 and len(validation) == 0
        assert not set(groups[training]) & set(groups[evaluation])


def test_a_class_that_is_too_rare_is_refused_with_the_numbers():
    texts = frame([1] * 10 + [0] * 90)
    with pytest.raises(
        UserError,
        match="least_of_a_class: 3 of each class were requested, but of the 20 evaluation texts of "
        "replicate 0 2 have the label 1, as have 10 of the 100 they are drawn from",
    ):
        draw_split(candidates(texts), config(40, 20, least_of_a_class=3), 0)
    drawn = draw_split(candidates(texts), config(40, 30, least_of_a_class=3), 0)
    assert texts["label"].iloc[drawn[2]].sum() == 3
    # of three classes two are not enough
    rare = frame([2] + [0, 1] * 49)
    with pytest.raises(UserError, match="have the label 2, as have 1 of the 99"):
        draw_split(candidates(rare), config(40, 20), 0)


def test_a_whole_evaluation_split_is_taken_but_for_what_no_set_may_hold():
    texts = frame([0, 1] * 50, part=["study_training"] * 40 + ["study_evaluation"] * 60)
    unusable = np.arange(100) >= 90
    tokens = np.where(np.arange(100) == 0, 50, np.arange(100))  # the first is a twin of the 51st
    for replicate in range(3):
        drawn = draw_split(candidates(texts, tokens, unusable), config(30, "all"), replicate)
        assert drawn[2].tolist() == [*range(40, 90)]
        assert len(drawn[0]) == 30 and 0 not in drawn[0]


def test_without_an_evaluation_split_all_is_what_shares_nothing_with_training():
    groups = np.repeat(np.arange(30), 10)
    texts = frame([0, 1] * 150, groups)
    training, validation, evaluation = draw_split(
        candidates(texts), config(40, "all", validation=20), 0
    )
    left = np.flatnonzero(~np.isin(groups, groups[[*training, *validation]]))
    assert evaluation.tolist() == left.tolist()
    assert len(evaluation) >= 120


def test_all_for_evaluation_is_refused_where_training_leaves_no_text():
    texts, twin_of = frame([0, 1] * 30), np.tile(np.arange(20), 3)
    with pytest.raises(UserError, match=r"evaluation_examples: all was given, but each of the 60 "):
        draw_split(candidates(texts, twin_of), config(58, "all"), 0)
    assert len(draw_split(candidates(texts, twin_of), config(4, "all"), 0)[2])


def test_the_baselines_texts_and_their_twins_are_never_drawn():
    texts = frame([0, 1] * 20, part=["baseline", "baseline", "study", "study"] * 10)
    tokens = np.where(np.arange(40) == 38, 0, np.arange(40))
    drawn = draw_split(candidates(texts, tokens), config(8, 7, validation=4), 0)
    assert set(texts["part"].iloc[np.concatenate(drawn)]) == {"study"}
    assert 38 not in np.concatenate(drawn)


def test_the_labels_that_sets_are_drawn_from_are_counted():
    part = ["baseline"] + ["study_training"] * 4 + ["study_evaluation"] * 5
    texts = frame([0, 0, 1, 1, 1, 0, 0, 0, 0, 1], part=part)
    pool = candidates(texts, unusable=np.arange(10) == 5)
    assert pool.label_counts() == {"training": {"0": 1, "1": 3}, "evaluation": {"0": 3, "1": 1}}


def test_replicates_and_seeds_draw_anew():
    pool = candidates(frame([0, 1] * 50))
    draws = [
        tuple(draw_split(pool, config(20, 20, seed), replicate)[0])
        for seed in (1, 2)
        for replicate in (0, 1)
    ]
    assert len(set(draws)) == 4


def test_groups_across_given_splits_are_not_divided():
    texts = frame(
        [0, 1] * 12,
        groups=["shared"] * 8 + ["other"] * 4 + ["own"] * 12,
        part=["study_evaluation"] * 12 + ["study_training"] * 12,
    )
    texts.loc[20:, "group"] = "shared"
    training, _, _ = draw_split(candidates(texts), config(6, 10), 0)
    assert "shared" not in set(texts["group"].iloc[training])


def test_two_groups_are_one_for_each_set():
    groups = ["one"] * 12 + ["two"] * 8
    texts = frame([0, 1] * 10, groups)
    for replicate in range(4):
        training, _, evaluation = draw_split(candidates(texts), config(8, 8), replicate)
        assert set(np.take(groups, training)) != set(np.take(groups, evaluation))
    with pytest.raises(UserError, match="the 1 groups cannot be divided"):
        draw_split(candidates(texts[:12]), config(4, 4), 0)


def test_training_may_take_most_of_the_texts_where_the_rest_is_for_evaluation():
    groups = np.repeat(np.arange(30), 10)
    training, _, evaluation = draw_split(
        candidates(frame([0, 1] * 150, groups)), config(220, "all"), 0
    )
    assert len(training) == 220 and len(evaluation) >= 40


def test_the_nearest_of_the_divisions_is_taken_where_none_can_meet_the_shares():
    # one group has nearly every positive, so that one side lacks some, and the least if it is
    # the side that needs fewer of them
    groups = np.repeat(np.arange(8), 10)
    labels = np.where(groups == 0, 1, 0)
    labels[10::10] = 1
    lacking = []
    for replicate in range(8):
        drawn = draw_split(
            candidates(frame(labels, groups)), config(20, 30, validation=10), replicate
        )
        lacking.append([labels.mean() * len(found) - labels[found].sum() for found in drawn])
    assert np.min(lacking, axis=1).max() < 1 and np.max(lacking, axis=1).max() <= 5


def test_groups_that_cannot_be_divided_are_refused():
    texts = frame([0, 1] * 10, groups=["one"] * 16 + ["two"] * 4)
    with pytest.raises(UserError, match="the 2 groups cannot be divided"):
        draw_split(candidates(texts), config(10, 8), 0)


def test_the_draws_of_a_study_stay_what_they_were():
    """Rows that engine 2 drew: another draw is another result of every study there is."""
    groups = np.arange(60) // 3
    labels = np.arange(60) * 7 % 5 % 2
    drawn = draw_split(candidates(frame(labels, groups)), config(9, 6, seed=20241), 1)
    assert drawn[0].tolist() == [0, 1, 3, 13, 16, 27, 28, 29, 51]
    assert drawn[2].tolist() == [38, 41, 45, 46, 47, 59]
    drawn = draw_split(candidates(frame(labels)), config(9, 6, seed=20241), 1)
    assert drawn[0].tolist() == [0, 18, 24, 26, 34, 35, 40, 44, 51]
    assert drawn[2].tolist() == [15, 31, 41, 43, 46, 59]


@pytest.mark.parametrize(
    ("grouped", "evaluation", "rows"),
    [
        (
            True,
            14,
            [
                [
                    12,
                    13,
                    16,
                    18,
                    20,
                    25,
                    37,
                    48,
                    54,
                    58,
                    65,
                    66,
                    71,
                    83,
                    88,
                    102,
                    104,
                    106,
                    115,
                    116,
                ],
                [0, 3, 27, 28, 31, 110, 117, 118],
                [21, 23, 33, 39, 40, 41, 42, 45, 60, 62, 78, 79, 84, 86],
            ],
        ),
        (
            False,
            14,
            [
                [9, 11, 17, 19, 21, 22, 25, 39, 43, 61, 73, 74, 76, 83, 87, 95, 102, 108, 111, 116],
                [31, 60, 86, 88, 93, 107, 112, 113],
                [0, 12, 18, 42, 44, 48, 80, 82, 84, 85, 97, 103, 106, 114],
            ],
        ),
        (
            True,
            "all",
            [
                [0, 2, 3, 4, 7, 8, 14, 30, 32, 51, 53, 63, 69, 70, 96, 97, 105, 106, 114, 116],
                [15, 16, 17, 24, 57, 58, 59, 76],
            ],
        ),
        (
            False,
            "all",
            [
                [4, 5, 16, 19, 26, 30, 31, 38, 40, 57, 58, 61, 66, 78, 94, 95, 104, 107, 113, 117],
                [0, 12, 18, 42, 48, 85, 106, 114],
            ],
        ),
    ],
)
def test_draws_with_a_validation_set_stay_what_they_were(grouped, evaluation, rows):
    texts = frame(np.arange(120) * 7 % 5 % 2, np.arange(120) // 3 if grouped else None)
    asked = config(20, evaluation, seed=20241, validation=8)
    drawn = draw_split(candidates(texts), asked, 1)
    assert [found.tolist() for found in drawn][: len(rows)] == rows


def test_sets_may_take_every_text_of_their_split_and_no_more():
    texts = frame([0, 1] * 8, part=["study_training"] * 8 + ["study_evaluation"] * 8)
    drawn = draw_split(candidates(texts), config(8, 8), 0)
    assert [found.tolist() for found in drawn] == [[*range(8)], [], [*range(8, 16)]]
    for training, evaluation, name in ((9, 8, "training"), (8, 9, "evaluation")):
        with pytest.raises(UserError, match=f"data.{name}_examples: 9 were .* there are 8 texts"):
            draw_split(candidates(texts), config(training, evaluation), 0)
    together = frame([0, 1] * 8)
    assert len(draw_split(candidates(together), config(8, 8), 0)[2]) == 8
    with pytest.raises(UserError, match=r"training_examples \+ data.evaluation_examples: 17"):
        draw_split(candidates(together), config(9, 8), 0)


def test_a_class_that_only_one_split_has_is_missing_in_the_other():
    part = ["study_training"] * 9 + ["study_evaluation"] * 8
    texts = frame([0, 1, 2] * 3 + [0, 1] * 4, part=part)
    with pytest.raises(
        UserError, match=r"evaluation texts .* 0 have the label 2, as have 0 of the 8"
    ):
        draw_split(candidates(texts), config(9, 8), 0)
    texts = frame([0, 1] * 4 + [0] + [0, 1, 2, 2] * 2, part=part)
    with pytest.raises(
        UserError, match=r"9 training texts .* 0 have the label 2, as have 0 of the 9"
    ):
        draw_split(candidates(texts), config(9, 8), 0)
