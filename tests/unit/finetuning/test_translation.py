"""Back translation by programs: small ones that do or do not do as they should, and apertium."""

import shutil
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from common.errors import UserError
from common.hyperparameters import Copies
from finetuning.augmentation import translation
from finetuning.augmentation.making import among, make_copies
from finetuning.augmentation.settings import TRANSLATORS, Settings
from finetuning.augmentation.translation import translated_back
from finetuning.dataset import TokenisedTexts


def program(code):
    """A command that runs this Python code with lines, a list of the texts it is given."""
    return [
        sys.executable,
        "-c",
        f"import sys, time\nlines = sys.stdin.read().splitlines()\n{code}",
    ]


def translator(there="print(*lines, sep='\\n')", back="print(*lines, sep='\\n')", **more):
    commands = {"there": program(there), "back": program(back)}
    return Settings(translator={**commands, "version": program("print('mine', 1)")}, **more)


UPPER = "print(*(line.upper() for line in lines), sep='\\n')"
MARKED = "print(*(line + '!' for line in lines), sep='\\n')"


def test_texts_go_there_and_back_as_lines():
    settings = translator(UPPER, MARKED)
    assert translated_back(["one  film", "two\nlines"], settings) == ["ONE FILM!", "TWO LINES!"]
    assert translated_back([], settings) == []


def test_any_number_of_processes_gives_the_same(monkeypatch):
    monkeypatch.setattr(translation, "LINES", 3)
    texts = [f"film {number}" for number in range(10)]
    # Shows the lines that each process is given.
    numbered = "print(*(f'{line} of {len(lines)}' for line in lines), sep='\\n')"
    one, four = (
        translated_back(texts, translator(numbered, translator_processes=number))
        for number in (1, 4)
    )
    assert one == four
    assert one[0] == "film 0 of 3"
    assert one[9] == "film 9 of 1"


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("print(*lines[1:], sep='\\n')", "it wrote 2 lines for 3 lines of text"),
        ("print(*lines, 'more', sep='\\n')", "it wrote 4 lines for 3 lines of text"),
        ("print(lines[0], '', lines[2], sep='\\n')", "it wrote an empty line for 'b'"),
        ("sys.exit(3)", r"it failed with exit code 3 \(without a word\)"),
        ("sys.exit('no model')", r"it failed with exit code 1 \(no model\)"),
        ("print(*lines, sep='\\n'); print('hm', file=sys.stderr)", "to its standard error: hm"),
        ("sys.stdout.buffer.write(b'\\xff')", "what it wrote is not UTF-8"),
    ],
)
@pytest.mark.parametrize("direction", ["there", "back"])
def test_a_translator_that_does_something_else_is_told(code, what, direction):
    settings = translator(**{direction: code})
    with pytest.raises(UserError, match=rf"(?s)augmentation\.translator\.{direction}: .*{what}"):
        translated_back(["a", "b", "c"], settings)


def test_a_translator_that_hangs_is_ended_with_all_it_started():
    settings = Settings(
        translator={"there": ["sh", "-c", "sleep 60 | cat"], "back": ["cat"], "version": ["true"]},
        translator_seconds=0.5,
    )
    started = time.monotonic()
    with pytest.raises(
        UserError, match=r"not done after 0\.5 s \(augmentation\.translator_seconds"
    ):
        translated_back(["a"], settings)
    assert time.monotonic() - started < 30


def test_what_is_not_installed_is_named(monkeypatch):
    with pytest.raises(UserError, match="needs the program no-such-program, which is not inst"):
        translation.check_installed(
            Settings(
                translator={"there": ["no-such-program"], "back": ["cat"], "version": ["true"]}
            )
        )
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="apt-get install apertium-eng-cat"):
        translation.check_installed(Settings(translator="apertium-eng-cat"))


def test_the_version_is_recorded():
    found = translation.resolve(translator(UPPER))
    assert found["version"] == "mine 1"
    assert found["probe"] == [sentence.upper() for sentence in translation.PROBE]


def copies_of(rate, settings, texts=("one", "two", "three", "four") * 10, **more):
    wanted = replace(Copies(0.0, 0.0, 0.0, rate, 1), **more)
    return make_copies(texts, np.arange(len(texts)), wanted, 1, 0, None, settings)


def test_the_share_of_texts_is_translated_and_a_higher_one_holds_a_lower():
    few, many = (copies_of(rate, translator(UPPER)) for rate in (0.2, 0.6))
    assert 0 < few["translated"].sum() < many["translated"].sum() < 40
    assert (many["translated"] >= few["translated"]).all()
    texts = few["text"].to_numpy()
    assert (few["translated"] == [text.isupper() for text in texts]).all()


def test_copies_are_numbered_and_changed_after_they_were_translated():
    copies = copies_of(1.0, translator(MARKED), ["a film is it", "no"], number=2, deletion=1.0)
    assert copies["text"].tolist() == ["a is it!", "no!"] * 2
    assert copies["row"].tolist() == [0, 1, 0, 1]
    assert copies["copy"].tolist() == [0, 0, 1, 1]


def test_texts_among_others_are_found_by_their_tokens():
    def tokens(*texts):
        return TokenisedTexts(np.concatenate(texts), np.cumsum([0, *map(len, texts)]))

    texts, others = tokens([1, 2], [3], [1]), tokens([3, 1], [1, 2])
    assert among(texts, [others, tokens([5])]).tolist() == [True, False, False]


@pytest.mark.parametrize("package", sorted(TRANSLATORS))
@pytest.mark.skipif(shutil.which("apertium") is None, reason="apertium is not installed")
def test_debians_apertium(package):
    """The translation of a text does not depend on the texts around it."""
    settings = Settings(translator=package)
    found = translation.resolve(settings)
    assert package in found["version"]
    assert found["probe"] != list(translation.PROBE)
    texts = ["It wastes its talented cast", "I do not like it", "to be treated as an example", "!"]
    together = translated_back(texts, settings)
    assert together == [translated_back([text], settings)[0] for text in texts]
