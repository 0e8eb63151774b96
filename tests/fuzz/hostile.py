"""Values that a stranger may write into a configuration or a table, and how many are drawn."""

import datetime

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

THOROUGH = settings.get_current_profile_name() == "fuzz"

TEXTS = (
    *("", " ", ".", "..", "../x", "../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "C:\\x"),
    *("~", "-rf", "a\nb", "a\r\nb", "\t", "\0", "\x1b[31m", "\u202eabc", "\ud800", "é", "名前"),
    *("😀", "x" * 300),
    *("{x}", "{wildcards}", "{config[study]}", "*", "?", "%s", "$x", "${x}", "a,b", "a:b", "a=b"),
    *("$(touch hacked)", "`touch hacked`", "; touch hacked", "| touch hacked", "&& touch hacked"),
    *("</script><script>alert(1)</script>", "<!--", "<img src=x onerror=alert(1)>", "\"'", "&lt;"),
    *("#panic()", "#eval(\"1\")", "$ x $", "@a", "*a*", "= a", ".. raw:: html", "`a`_", "|a|"),
    *("__import__('os').system('touch hacked')", "I(x)", "C(x)", "Q('x')", "a - b", "a[b]"),
    *("nan", "inf", "-inf", "None", "null", "True", "yes", "1e5", "1e400", "1,000", "0x10", "1_0"),
    *("٣", "replicate", "intercept", "metric", "runs", "baseline_accuracy", "epochs_coded"),
)  # fmt: skip

texts = st.sampled_from(TEXTS) | st.text(max_size=12)
numbers = (
    st.integers(-3, 40)
    | st.sampled_from([2**31, 2**63, -(2**64), 10**30, 10**400, True, False])
    | st.floats()
    | st.sampled_from([0.0, -0.0, 1e-320, 1e-5, 16.0, 1e308, -1e308, float("nan"), float("inf")])
)
scalars = st.none() | texts | numbers
dates = st.sampled_from([datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2), b"bytes"])
values = st.recursive(
    scalars | dates,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(scalars, inner, max_size=3),
    max_leaves=6,
)


def cases(few: int, many: int) -> settings:
    """Few and always the same cases within the suite, many and new ones in the profile fuzz."""
    return settings(
        max_examples=many if THOROUGH else few,
        derandomize=not THOROUGH,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),  # to shrink so large a case takes minutes
        suppress_health_check=list(HealthCheck),
    )
