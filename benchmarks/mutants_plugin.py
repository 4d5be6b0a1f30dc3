"""What pytest needs to know of mutants (`benchmarks/mutants.py`)."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from mutmut.mutation.trampoline import get_mutant_under_test
from mutmut.state import state

#: Modules of tests that cannot be imported twice: they tell Django of themselves.
KEPT = ("tests.settings", "tests.site.models", "tests.site.admin", "tests.site.apps")

_at_import: set[str] = set()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Forget the views: a mutant is forked after their gates were made."""
    if "." not in get_mutant_under_test():
        return
    from django.urls import clear_url_caches

    for name in [name for name in sys.modules if name.startswith("tests.") and name not in KEPT]:
        del sys.modules[name]
    clear_url_caches()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the quickest tests of every file; note what ran at import."""
    import tests.site.urls  # noqa: F401

    durations = state().duration_by_test
    items.sort(key=lambda item: durations.get(item.nodeid, 0.0))
    seen: Counter[str] = Counter()
    turns = {}
    for item in items:
        seen[item.location[0]] += 1
        turns[item] = seen[item.location[0]]
    items.sort(key=turns.__getitem__)
    _at_import.update(state()._stats)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Have every test that needs it write the statement of the gate."""
    from django_faceauth.models import active_grants

    active_grants._statement.cache_clear()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Have every test try what ran at import."""
    state()._stats.update(_at_import)
    return (yield)
