"""What the sections of several sources have in common."""

from common.sections import needs, schema_of
from finetuning.draws import Data

# Without control characters, which would end a message's line or a file's.
_NAME = r"^[^\x00-\x1f\x7f\ud800-\udfff]{1,1000}\Z"
NAME = needs("a name (at most 1000 characters, no control characters)", pattern=_NAME)
NAME_OR_NULL = needs(
    "a name (at most 1000 characters, no control characters) or null", pattern=_NAME
)
PADDED_LENGTHS = needs(
    "an increasing list of whole numbers of tokens, each at least 3",
    minItems=1,
    items={
        "description": "a whole number of tokens of at least 3",
        "type": "integer",
        "minimum": 3,
    },
)
SIZES = needs(
    "a mapping of what the section data says otherwise for this source",
    **schema_of(Data, required=False),
)
THREADS = needs("a whole number from 1 to 1024", minimum=1, maximum=1024)
