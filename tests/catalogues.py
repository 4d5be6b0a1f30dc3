"""Report what the translation catalogues lack; fail with --check."""

from __future__ import annotations

import sys
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

import django_faceauth

PACKAGE = Path(django_faceauth.__file__).parent
BANK = Path(__file__).parent.parent / "example_project" / "bank"
CATALOGUES = [
    po for app in (PACKAGE, BANK) for po in sorted(app.glob("locale/*/LC_MESSAGES/django.po"))
]
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    **{f"{name}_lazy": spec for name, spec in DEFAULT_KEYWORDS.items() if "gettext" in name},
    "gettext_noop": None,
}
#: Context and English text, without its plural.
Key = tuple[str | None, str]


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_mo(file) if path.suffix == ".mo" else read_po(file, abort_invalid=True)


def key(message: Message) -> Key:
    return message.context or None, message.id if isinstance(message.id, str) else message.id[0]


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def translated(catalogue: Catalog) -> list[Message]:
    """Return the messages that gettext uses."""
    return [one for one in catalogue if one.id and not one.fuzzy and any(forms(one))]


@cache
def source_texts(app: Path) -> set[Key]:
    """Return the translatable texts of an app; templates are read as Django reads them."""
    texts = set()
    for path in app.rglob("*"):
        if path.suffix not in {".py", ".html", ".txt"} or "migrations" in path.parts:
            continue
        source = path.read_text()
        if path.suffix != ".py":
            source = "\n".join(line.strip() for line in templatize(source).splitlines())
        for _, text, _, context in extract("python", BytesIO(source.encode()), KEYWORDS):
            texts.add((context, text if isinstance(text, str) else text[0]))
    return texts


def problems(po: Path) -> dict[str, int]:
    """Return how many messages keep a catalogue from a release, by kind."""
    catalogue, texts = read(po), source_texts(po.parents[3])
    messages = {key(message): message for message in catalogue if message.id}
    written = {(key(message), forms(message)) for message in translated(catalogue)}
    compiled = {(key(one), forms(one)) for one in translated(read(po.with_suffix(".mo")))}
    counts = {
        "missing": len(texts - messages.keys()),
        "untranslated": sum(not all(forms(message)) for message in messages.values()),
        "fuzzy": sum(message.fuzzy for message in messages.values()),
        "obsolete": len(catalogue.obsolete) + len(messages.keys() - texts),
        "not compiled": len({text for text, _ in written ^ compiled}),
    }
    return {kind: count for kind, count in counts.items() if count}


def main(*arguments: str) -> int:
    found = {po: problems(po) for po in CATALOGUES}
    for po, counts in found.items():
        text = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "complete"
        print(f"{po.parents[3].name} {po.parents[1].name}: {text}")  # noqa: T201
    return int("--check" in arguments and any(found.values()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
