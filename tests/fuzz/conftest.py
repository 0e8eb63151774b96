"""pytest tests/fuzz --hypothesis-profile=fuzz draws thousands of cases, pytest alone a few."""

from hypothesis import settings

settings.register_profile("fuzz")
