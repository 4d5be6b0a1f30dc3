"""Format of the provider's ids (P-01)."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_faceauth.identifiers import MAX_LENGTH, Prefix, is_id


@pytest.mark.parametrize("prefix", Prefix)
@pytest.mark.parametrize("rest", ["a", "7", "_", "tkoi5db4hryu5cei5vwoabr7we", "A_b9", "a" * 64])
def test_an_id_is_a_prefix_with_letters_digits_and_underscores(prefix: Prefix, rest: str) -> None:
    assert is_id(f"{prefix}_{rest}", prefix)


@pytest.mark.parametrize("prefix", Prefix)
def test_an_id_is_of_one_kind_only(prefix: Prefix) -> None:
    kinds = [kind for kind in Prefix if is_id(f"{prefix}_a", kind)]

    assert kinds == [prefix]


@pytest.mark.parametrize(
    "text",
    [
        *("", "fav", "fav_", "_", "a", "FAV_a", "Fav_a", "xfav_a", " fav_a", "fav_a ", "fav_a\n"),
        *("fav-a", "fav_a-b", "fav_a.b", "fav_a/b", "fav_..", "fav_x/../../applicants/y"),
        *("fav_a?b=c", "fav_a#b", "fav_a%2fb", "fav_a;b", "fav_a\\b", "fav_a\0", "fav_a:b"),
        *("fav_ä", "fav_\uff41", "fav_٣", "fav_\u200b", "fav_\ud800", "fav_" + "a" * 65),
    ],
    ids=repr,
)
def test_other_strings_are_no_ids(text: str) -> None:
    assert not is_id(text, Prefix.AUTHENTICATION)


@pytest.mark.parametrize("value", [None, 7, 1.5, True, b"fav_a", ["fav_a"], {"fav_a": 1}, object()])
def test_other_values_are_no_ids(value: object) -> None:
    assert not is_id(value, Prefix.AUTHENTICATION)


@given(st.one_of(st.text(), st.from_regex(r"fav_[\w/.%?#-]*"), st.from_regex(r"\Afav_\w+\Z")))
def test_an_id_fits_into_a_path_and_into_the_database(text: str) -> None:
    if not is_id(text, Prefix.AUTHENTICATION):
        return

    assert quote(text, safe="") == text
    assert len(text) <= MAX_LENGTH
    assert re.fullmatch(r"fav_\w+", text, re.ASCII)
