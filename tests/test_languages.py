"""The catalogues are whole, fresh and compiled: ours, and those of the example bank."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.template import Context, Template
from django.utils import translation
from django.utils.translation.template import templatize

import django_faceauth
from django_faceauth.wording import STEPUP

ROOT = Path(django_faceauth.__file__).parent
BANK = ROOT.parent / "example_project" / "bank"
LANGUAGES = ["ar", "de", "es", "fr", "it", "nl", "pt"]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
FIELD = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+[^>]*>")

every_catalogue = pytest.mark.parametrize(
    "folder",
    [app / "locale" / language for app in (ROOT, BANK) for language in LANGUAGES],
    ids=lambda folder: f"{folder.parent.parent.name}-{folder.name}",
)
Key = tuple[str | None, str | tuple[str, ...]]


def key(message: Message) -> Key:
    text = message.id
    return message.context or None, text if isinstance(text, str) else tuple(text)


def texts_of(app: Path) -> set[Key]:
    """What the sources of an app have to say; templates are read as Django reads them."""
    return {
        (context, text)
        for path in app.rglob("*")
        if path.suffix in {".py", ".html", ".txt"} and "migrations" not in path.parts
        for _line, text, _comments, context in _extracted(path)
    }


def _extracted(path: Path) -> Iterator[tuple[int, str | tuple[str, ...], list[str], str | None]]:
    source = path.read_text()
    if path.suffix != ".py":
        source = "\n".join(line.strip() for line in templatize(source).splitlines())
    return extract("python", BytesIO(source.encode()), KEYWORDS)


def written(folder: Path) -> Catalog:
    with (folder / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file)


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


@every_catalogue
def test_says_all_that_there_is_to_say_and_nothing_else(folder):
    """`make messages` brings the catalogues up to date; then translate what is new."""
    catalogue = written(folder)
    texts = texts_of(folder.parent.parent)
    listed = {key(message) for message in catalogue if message.id}

    assert texts - listed == set()
    assert listed - texts == set()
    assert not catalogue.obsolete


@every_catalogue
def test_everything_is_translated(folder):
    catalogue = written(folder)

    assert not catalogue.fuzzy
    assert [key(m) for m in catalogue if m.id and (m.fuzzy or not all(forms(m)))] == []


@every_catalogue
def test_what_is_filled_in_stays(folder):
    """Placeholders, tags, and the white space at both ends are those of the English text."""
    catalogue = written(folder)
    wrong = [message.id for message, _errors in catalogue.check()]
    for message in filter(lambda message: message.id, catalogue):
        english = [message.id] if isinstance(message.id, str) else message.id
        allowed = [sorted(FIELD.findall(text)) for text in english]
        edges = re.fullmatch(r"(\s*).*?(\s*)", english[0], re.S).groups()
        wrong += [
            form
            for form in forms(message)
            if sorted(FIELD.findall(form)) not in allowed
            or re.fullmatch(r"(\s*).*?(\s*)", form, re.S).groups() != edges
        ]

    assert wrong == []


@every_catalogue
def test_is_compiled(folder):
    """What runs is what was written: `make messages` compiles too."""
    compiled = BytesIO()
    write_mo(compiled, written(folder))

    assert (folder / "LC_MESSAGES" / "django.mo").read_bytes() == compiled.getvalue()


@pytest.mark.parametrize("language", LANGUAGES)
def test_speaks_the_language(language):
    with translation.override(language):
        assert translation.gettext("Please show your face") != "Please show your face"


def test_the_dialog_says_what_the_pages_can_translate():
    """The English words of `stepup.js` are those of `wording.STEPUP`, name by name."""
    script = (ROOT / "static/faceauth/stepup.js").read_text()
    table = re.search(r"TEXTS = Object\.freeze\((\{\n.*?^\})\);", script, re.M | re.S)[1]
    named = re.sub(r"^  (\w+):", r'  "\1":', table, flags=re.M)
    literal = re.sub(r'" \+\s+"', "", named)

    with translation.override("en"):
        assert ast.literal_eval(literal) == {name: str(text) for name, text in STEPUP.items()}


def test_a_template_gives_the_dialog_its_words():
    with translation.override("de"):
        html = Template("{% load faceauth %}{% face_texts %}").render(Context())
        words = {name: str(text) for name, text in STEPUP.items()}

    head, _, data = html.removesuffix("</script>").partition(">")
    assert head == '<script id="faceauth-texts" type="application/json"'
    assert json.loads(data) == words
    assert words["close"] == "Schließen"


def test_no_text_hides_in_an_f_string():
    """Tools that collect texts do not look into them."""
    hidden = [
        f"{path.name}:{call.lineno}"
        for app in (ROOT, BANK)
        for path in app.rglob("*.py")
        for string in ast.walk(ast.parse(path.read_text()))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in KEYWORDS
    ]

    assert hidden == []
