"""Translations keep placeholders and load; `make messages-check` asks for all of them."""

from __future__ import annotations

import ast
import json
import re

from django.template import Context, Template
from django.utils import translation

from django_faceauth.messages import STEPUP
from tests.catalogues import BANK, CATALOGUES, KEYWORDS, PACKAGE, forms, read, translated

#: Fields of both kinds of format, and HTML tags.
FIELD = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+[^>]*>")


def test_translations_have_the_fields_and_plurals_of_the_english_text():
    wrong = []
    for path in [*CATALOGUES, *(po.with_suffix(".mo") for po in CATALOGUES)]:
        catalogue = read(path)
        for message in translated(catalogue):
            english = [message.id] if isinstance(message.id, str) else message.id
            allowed = [sorted(FIELD.findall(text)) for text in english]
            number = catalogue.num_plurals if message.pluralizable else 1
            if len(forms(message)) != number or any(
                not form or sorted(FIELD.findall(form)) not in allowed for form in forms(message)
            ):
                wrong.append(f"{path}: {english[0]}")

    assert wrong == []


def test_a_template_gives_the_dialog_its_words():
    with translation.override("de"):
        html = Template("{% load faceauth %}{% face_texts %}").render(Context())
        words = {name: str(text) for name, text in STEPUP.items()}

    head, _, data = html.removesuffix("</script>").partition(">")
    assert head == '<script id="faceauth-texts" type="application/json"'
    assert json.loads(data) == words
    script = (PACKAGE / "static/faceauth/stepup.js").read_text()
    assert set(re.findall(r"\btexts\.(\w+)", script)) == STEPUP.keys()


def test_no_text_is_in_an_f_string():
    """`makemessages` finds neither `_(f"…")` nor `f"{_('…')}"`."""
    hidden = [
        f"{path}:{call.lineno}"
        for app in (PACKAGE, BANK)
        for path in app.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for call in texts_hidden_in(node)
    ]

    assert hidden == []


def texts_hidden_in(node):
    if is_gettext(node):
        return [argument for argument in node.args if isinstance(argument, ast.JoinedStr)]
    if isinstance(node, ast.JoinedStr):
        return [call for call in ast.walk(node) if is_gettext(call)]
    return []


def is_gettext(node):
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in KEYWORDS
