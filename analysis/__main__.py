"""python -m analysis: see ``command``."""

import sys

from analysis import side_by_side

if __name__ == "__main__":
    # Before the rest is imported, so that what draws imports its own beside it.
    side_by_side.prepare()
    from analysis.command import main

    sys.exit(main())
