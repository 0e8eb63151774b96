"""How much memory the jobs of a study ask for, and whether it is there."""

from collections.abc import Callable, Mapping
from typing import Any

from common.errors import UserError
from common.hyperparameters import values_of
from finetuning import memory
from finetuning.architecture import Architecture
from finetuning.sources import SOURCES
from study.sections import AUTO_MEMORY


def run_memory(
    config: Mapping[str, Any], kind: str, architecture: Architecture, batch_size: int
) -> int:
    """What a training run asks for, MB (2**20 bytes). kind: of the source."""
    asked = config["training"]["memory_mb"]
    if asked != AUTO_MEMORY:
        return asked
    stopping = max(value for v in values_of(config, "early_stopping").values() for value in v)
    lengths = config[kind]["padded_lengths"]
    return memory.training_memory(architecture, batch_size, lengths, stopping > 0).total


def evaluation_memory(config: Mapping[str, Any], kind: str, architecture: Architecture) -> int:
    """What evaluating the baseline asks for, MB."""
    asked = config["training"]["memory_mb"]
    lengths = config[kind]["padded_lengths"]
    return memory.evaluation_memory(architecture, lengths).total if asked == AUTO_MEMORY else asked


def most_memory(config: Mapping[str, Any], kind: str, architecture: Architecture) -> int:
    """What the largest training run of the study asks for, that of its baseline included, MB."""
    return run_memory(config, kind, architecture, max(_batch_sizes(config, kind).values()))


def check_fits(
    config: Mapping[str, Any], kind: str, architecture: Architecture, available: int
) -> None:
    """Raises UserError if the study's largest run needs more memory than there is (MB), and says
    what would do.
    """
    needed, sizes = most_memory(config, kind, architecture), _batch_sizes(config, kind)
    if needed <= available:
        return
    lengths = config[kind]["padded_lengths"]
    size, longest = max(sizes.values()), lengths[-1]

    def fits(batch_size: int, length: int) -> bool:
        shortened = [*(each for each in lengths if each < length), length]
        shorter = {**config, kind: {**config[kind], "padded_lengths": shortened}}
        return run_memory(shorter, kind, architecture, batch_size) <= available

    ways = []
    smaller = _largest(size, lambda batch_size: fits(batch_size, longest))
    if smaller:
        keys = " and ".join(key for key, largest in sizes.items() if largest > smaller)
        ways.append(f"batches of at most {smaller} ({keys})")
    shorter = _largest(longest, lambda length: fits(size, length))
    if shorter:
        ways.append(f"texts of at most {shorter} tokens ({kind}.padded_lengths)")
    ways.append("a machine with more memory")
    raise UserError(
        f"A training run with batches of {size} texts of {longest} tokens needs {needed:,} MB of "
        f"memory for this model of {architecture.parameters / 1e6:.3g} million parameters, but "
        f"{available:,} MB are available. What would do: {', or '.join(ways)}. "
        "(--resources mem_mb=… says how much may be used, training.memory_mb what a run needs.)"
    )


def _batch_sizes(config: Mapping[str, Any], kind: str) -> dict[str, int]:
    """The largest batch size that each key of the configuration sets."""
    sizes = {key: max(values) for key, values in values_of(config, "batch_size").items()}
    if SOURCES[kind].MAKES_BASELINE:
        sizes[f"{kind}.baseline.batch_size"] = config[kind]["baseline"]["batch_size"]
    return sizes


def _largest(below: int, fits: Callable[[int], bool]) -> int:
    """The largest of below's halves, quarters, … that fits; 0 if none does."""
    while below and not fits(below):
        below //= 2
    return below
