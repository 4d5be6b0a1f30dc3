"""The shape of the provider's ids (P-01)."""

from __future__ import annotations

import pytest

from django_faceauth.identifiers import MAX_LENGTH, Prefix, is_id


@pytest.mark.parametrize("prefix", Prefix)
@pytest.mark.parametrize("rest", ["a", "7", "_", "tkoi5db4hryu5cei5vwoabr7we", "A_b9", "a" * 64])
def test_an_id_is_a_prefix_with_letters_digits_and_underscores(prefix: Prefix, rest: str) -> None:
    assert [kind for kind in Prefix if is_id(f"{prefix}_{rest}", kind)] == [prefix]
    assert len(f"{prefix}_{rest}") <= MAX_LENGTH  # of the column


@pytest.mark.parametrize(
    "text",
    [
        *("", "fav", "fav_", "_", "a", "FAV_a", "Fav_a", "xfav_a", " fav_a", "fav_a ", "fav_a\n"),
        *("fav-a", "fav_a-b", "fav_a.b", "fav_a/b", "fav_..", "fav_x/../../applicants/y"),
        *("fav_a?b=c", "fav_a#b", "fav_a%2fb", "fav_a;b", "fav_a\\b", "fav_a\0", "fav_a:b"),
        *("fav_ä", "fav_\uff41", "fav_٣", "fav_\u200b", "fav_\ud800", "fav_" + "a" * 65),
        *(None, 7, 1.5, True, b"fav_a", ["fav_a"], {"fav_a": 1}),
    ],
    ids=repr,
)
def test_anything_else_is_not_an_id(text: object) -> None:
    assert not is_id(text, Prefix.AUTHENTICATION)
