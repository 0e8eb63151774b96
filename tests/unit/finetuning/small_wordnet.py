"""A WordNet of a few words in the format of the real one, line ends of Windows included."""

from collections.abc import Iterable

NUMBERS = {"n": "1", "v": "2", "a": "3", "r": "4"}
NAMES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}

# Part of speech, and the words of a synset, each with its sense number and how often it was tagged.
SYNSETS = [
    ("n", [("film", 1, 38), ("movie", 1, 26), ("motion_picture", 1, 9), ("Kino", 1, 0)]),
    ("n", [("film", 2, 5), ("coating", 1, 0)]),
    ("n", [("cast", 1, 4), ("troupe", 1, 0)]),
    ("n", [("child", 1, 9), ("kid", 1, 3)]),
    ("n", [("watch", 1, 2), ("ticker", 1, 0)]),
    ("n", [("man", 1, 9), ("fellow", 1, 1)]),
    ("n", [("city", 1, 9), ("town", 1, 3)]),
    ("v", [("watch", 1, 20), ("view", 1, 4), ("take_in", 1, 0)]),
    ("v", [("waste", 1, 4), ("squander", 1, 1)]),
    ("v", [("love", 1, 30), ("enjoy", 1, 9), ("go", 7, 0)]),
    ("v", [("stop", 1, 30), ("halt", 1, 2)]),
    ("v", [("cast", 1, 1), ("throw", 1, 5)]),
    ("v", [("go", 1, 99), ("travel", 1, 9)]),
    ("a", [("talented", 1, 0), ("gifted", 1, 0)]),
    ("a", [("good", 1, 190), ("full(a)", 5, 2)]),
    ("a", [("dull", 1, 3), ("dim", 2, 1)]),
    ("a", [("ten", 1, 3), ("10", 1, 0)]),
    ("r", [("well", 1, 50), ("good", 2, 0)]),
]
EXCEPTIONS = {
    "noun": ["children child", "men man"],
    "verb": ["went go", "gone go", "stopped stop", "stopping stop", "threw throw", "thrown throw"],
    "adj": [],
    "adv": [],
}


def files() -> dict[str, bytes]:
    """By name, the files of the package that are read."""
    data: dict[str, list[str]] = {name: ["  1 the licence"] for name in NAMES.values()}
    senses = []
    for number, (pos, words) in enumerate(SYNSETS, start=1001):
        listed = " ".join(f"{word} 0" for word, *_ in words)
        data[NAMES[pos]].append(f"{number:08d} 03 {pos} {len(words):02x} {listed} 000 | a gloss  ")
        for word, sense, count in words:
            key = f"{word.partition('(')[0].lower()}%{NUMBERS[pos]}:03:00::"
            senses.append(f"{key} {number:08d} {sense} {count}")
    found = {"index.sense": sorted(senses), "LICENSE": ["the licence"]}
    found |= {f"data.{name}": lines for name, lines in data.items()}
    found |= {f"index.{name}": [] for name in NAMES.values()}
    found |= {f"{name}.exc": lines for name, lines in EXCEPTIONS.items()}
    return {name: _windows(lines) for name, lines in found.items()}


def _windows(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()
