"""The reference names what there is, all of it, and nothing else."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from django.apps import apps
from django.core.management import load_command_class
from django.core.management.base import BaseCommand
from django.db.models import Model
from django.dispatch import Signal
from django.urls import URLPattern
from django.utils import timezone
from django_faceauth.explanations import EXPLANATIONS
from prometheus_client import CollectorRegistry
from rest_framework import exceptions as drf_exceptions

import django_faceauth
from django_faceauth import exceptions, gate, metrics, prometheus, response_codes, signals
from django_faceauth.api import permissions, throttling
from django_faceauth.gate import Reason, admin
from django_faceauth.models.append_only import AppendOnlyError
from django_faceauth.provider import answers, client, factory, signatures, snapshots
from django_faceauth.services import linking
from django_faceauth.simulator import control_api, forms, outcomes, scripts, urls
from django_faceauth.simulator.models import CallFaultKind, WebhookFaults
from django_faceauth.templatetags import faceauth as tags
from tests.manual import DOCS, named, section, tables, terms
from tests.test_docs import SOURCES, headings

TEMPLATES = Path(django_faceauth.__file__).parent / "templates" / "faceauth"


def call(term: str) -> tuple[str, list[str]]:
    """Take `name(a, b=1)` apart, into a name and those of its arguments."""
    name, _bracket, arguments = term.partition("(")
    given = re.split(r", (?![^(]*\))", arguments.removesuffix(")")) if arguments != ")" else []
    return name, [argument.partition("=")[0].strip("*") for argument in given if argument]


def arguments_of(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in {"self", "view"}]


def calls_of(table: Iterable[list[str]]) -> dict[str, list[str]]:
    return dict(call(terms(row[0])[0]) for row in table)


# -- signals


def test_every_signal_has_its_heading():
    assert sorted(headings("reference/signals.md")) == sorted(
        name for name, value in vars(signals).items() if isinstance(value, Signal)
    )


def announced() -> dict[str, set[tuple[str, ...]]]:
    """Return with which sender and facts each signal is sent."""
    sent: dict[str, set[tuple[str, ...]]] = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if _is_sent(node):
                name = SENDERS[ast.unparse(node.func)] or ast.unparse(node.args[0])
                facts = {str(one.arg): ast.unparse(one.value) for one in node.keywords}
                sender = facts.pop("sender")
                sent.setdefault(name, set()).add((sender, *sorted(facts)))
    return sent


def _is_sent(node: ast.AST) -> bool:
    is_call = isinstance(node, ast.Call) and ast.unparse(node.func) in SENDERS
    return is_call and any(one.arg == "sender" for one in node.keywords)


#: How signals are sent: the first argument names them, or the function does.
SENDERS = {"announce": "", "webhook_rejected.send_robust": "webhook_rejected"}


@pytest.mark.parametrize("name", sorted(headings("reference/signals.md")))
def test_every_signal_tells_what_is_written(name):
    """The first term is the sender, then come the facts that it is sent with."""
    told = section("signals.md", f"`{name}`")
    sender, facts = re.search(r"Sender `(\w+)`\.\n(.*?)\.(?:\n|$)", told, re.S).groups()
    sent = announced()[name]

    (only,) = sent
    assert only[0] == sender
    assert {fact for fact in only[1:] if f"`{fact}`" not in facts} == set()
    first = re.match(r"`(\w+)`", facts)
    assert first
    assert first[1] in only


# -- the gate


def test_every_name_of_the_gate_is_listed():
    text = (DOCS / "reference/gate.md").read_text().partition("## ")[0]

    assert sorted(named(text)) == sorted(gate.__all__)


def test_every_argument_of_the_gate_has_its_row():
    assert named(section("gate.md", "`face_required`")) == arguments_of(gate.face_required)


def test_every_attribute_of_the_mixin_has_its_row():
    own = [name for name in vars(gate.FaceRequiredMixin) if re.match(r"(get_)?face_", name)]

    told = [call(name)[0] for name in named(section("gate.md", "`FaceRequiredMixin`"))]

    assert told == own


def test_every_attribute_of_a_shown_face_has_its_row():
    fields = [field.name for field in dataclasses.fields(gate.Face)]

    assert named(section("gate.md", "`request.face`")) == fields


def test_every_reason_has_its_row():
    """In the order of the code."""
    assert named(section("gate.md", "`Reason`")) == list(Reason)


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("Ask without a gate", ["freshness", "ask_first", "freshness_of"]),
        ("Tokens", ["claims_of"]),
        ("Another way, and no way at all", ["unanswered", "answer_otherwise"]),
    ],
)
def test_every_call_is_written_with_its_arguments(heading, names):
    (rows,) = tables(section("gate.md", heading))

    assert calls_of(rows) == {name: arguments_of(getattr(gate, name)) for name in names}


def test_the_template_tags():
    """Each with its arguments."""
    told = [terms(row[0])[0] for row in tables(section("gate.md", "Template tags"))[0]]

    written = {tag.split()[1]: re.findall(r"(\w+)=", tag) for tag in told}
    assert written == {
        name: [one for one in inspect.signature(tag).parameters if one != "context"]
        for name, tag in vars(tags).items()
        if name in tags.register.tags
    }


def test_the_permissions():
    told = calls_of(tables(section("gate.md", "Django REST framework"))[0])

    assert told == {
        "require_face": arguments_of(permissions.require_face),
        "FaceRequired": [],
        "FaceRequest": [],
    }


def test_the_doors_of_the_admin():
    (table,) = tables(section("gate.md", "The admin"))

    for row in table:
        door = getattr(admin, call(terms(row[0])[0])[0])
        own = [name for name in vars(door) if re.fullmatch(r"face_(?!policy)\w+", name)]
        assert terms(row[1]) == (own if isinstance(door, type) else arguments_of(door))
    public = {name for name, value in vars(admin).items() if _is_own(value)}
    assert {call(terms(row[0])[0])[0] for row in table} == public


def _is_own(value: Any) -> bool:
    is_ours = callable(value) and value.__module__ == admin.__name__
    return is_ours and not value.__name__.startswith("_") and not isinstance(value, TypeVar)


def blocks_of(name: str) -> set[str]:
    return set(re.findall(r"{% block (\w+) %}", (TEMPLATES / name).read_text()))


def test_every_template_and_its_blocks():
    """Each template of the reference has the blocks that it names, and each is named."""
    text = section("gate.md", "The pages")
    (table,) = tables(text)
    shared = set(terms(re.search(r"besides (.*?) \|", text)[1]))

    for names, blocks in table:
        for name in terms(names):
            above = set() if name == "base.html" else blocks_of("base.html")
            assert set(terms(blocks)) == blocks_of(name) - above - shared, name
    parts = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.*")}
    told = set(re.findall(r"(?<!extends )`([\w/]+\.(?:html|txt))`", text))
    assert parts - told == {"icons/face.html", "icons/stop.html", "reasons/default.html"}
    assert told <= parts


# -- exceptions


def errors() -> list[type[exceptions.FaceAuthError]]:
    return [kind for kind in vars(exceptions).values() if _is_error(kind)]


def _is_error(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, exceptions.FaceAuthError)


def test_every_exception_has_its_row():
    """With what it is a kind of, in the order of the tree."""
    (table,) = tables(section("exceptions.md", "The tree"))

    told = {terms(row[0])[0]: terms(row[1]) for row in table}

    assert told == {kind.__name__: [base.__name__ for base in kind.__bases__] for kind in errors()}


def test_every_attribute_of_an_exception_has_its_row():
    (table,) = tables(section("exceptions.md", "The tree"))
    (explained,) = tables(section("exceptions.md", "Attributes"))

    own = {terms(row[0])[0]: {call(one)[0] for one in terms(row[2])} for row in table}

    assert own == {kind.__name__: _own(kind) for kind in errors()}
    assert {call(terms(row[0])[0])[0] for row in explained} == set.union(*own.values())


def _own(kind: type[Exception]) -> set[str]:
    public = {name for name in vars(kind) if not name.startswith("_")}
    if "__init__" not in vars(kind):
        return public
    above = (
        set(vars(_made(kind.__bases__[0]))) if issubclass(kind, exceptions.Unavailable) else set()
    )
    return public | set(vars(_made(kind))) - above


def _made(kind: type[Exception]) -> Exception:
    needed = [
        one
        for one in list(inspect.signature(kind).parameters.values())
        if one.default is one.empty and one.kind is not one.VAR_POSITIONAL
    ]
    keywords = {one.name: timezone.now() for one in needed if one.kind is one.KEYWORD_ONLY}
    return kind(*("word" for one in needed if one.kind is one.POSITIONAL_OR_KEYWORD), **keywords)


def test_what_is_raised_outside_the_tree_is_told():
    assert (
        f"`django_faceauth.models.append_only.{AppendOnlyError.__name__}`, a `TypeError`"
        in (DOCS / "reference/models.md").read_text()
    )


# -- models

MODELS = {model.__name__: model for model in apps.get_app_config("faceauth").get_models()}


def test_every_model_has_its_heading():
    assert sorted(headings("reference/models.md")) == sorted(MODELS)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_field_has_its_row(model: type[Model]):
    """In the order of the code; one that is a choice names all of them."""
    told = tables(section("models.md", f"`{model.__name__}`"))
    fields = [field for field in model._meta.concrete_fields if field.name != "id"]

    rows = {name: row[1] for row in told[0] for name in terms(row[0])}

    assert sorted(rows) == sorted(field.name for field in fields)
    for field in fields:
        for value, _label in field.choices or ():
            assert f"`{value}`" in rows[field.name], (field.name, value)


def test_every_way_back_has_its_row():
    there = {
        (field.related_query_name(), model.__name__)
        for model in MODELS.values()
        for field in model._meta.concrete_fields
        if field.is_relation and field.remote_field.related_name != "+"
    }

    (table,) = tables(section("models.md", "From the other side"))

    assert {(terms(row[1])[0], terms(row[2])[0]) for row in table} == there


def test_every_state_of_a_challenge_has_its_row():
    states = MODELS["FaceChallenge"].State.values

    assert named(section("models.md", "`FaceChallenge`"), table=1) == states


def test_every_permission_is_at_the_review_desk():
    told = (DOCS / "how-to/review-desk.md").read_text()
    own = [code for model in MODELS.values() for code, _name in model._meta.permissions]

    assert [code for code in own if f"faceauth.{code}" not in told] == []


# -- commands

COMMANDS = sorted(path.stem for path in SOURCES if path.match("commands/faceauth_*.py"))


def load(name: str) -> BaseCommand:
    app = "django_faceauth" if name != "faceauth_simulate" else "django_faceauth.simulator"
    return load_command_class(app, name)


def test_every_command_has_its_heading():
    text = (DOCS / "reference/commands.md").read_text()

    assert sorted(re.findall(r"^## `(\w+)`$", text, re.M)) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_its_row(name):
    """But those that all commands of Django have."""
    usual = {action.dest for action in BaseCommand().create_parser("manage.py", "any")._actions}
    parser = load(name).create_parser("manage.py", name)

    own = [action for action in parser._actions if action.dest not in usual]

    told = named(section("commands.md", f"`{name}`"))
    assert sorted(told) == sorted(
        action.option_strings[0] if action.option_strings else action.dest.upper() for action in own
    )


def test_everything_that_the_doctor_looks_at_has_its_row():
    """The first row stands for all system checks."""
    (_arguments, looks_at) = tables(section("commands.md", "`faceauth_doctor`"))

    told = [terms(row[0])[0] for row in looks_at]
    assert told[0] == "faceauth.E001"
    assert sorted(told[1:]) == sorted(
        one for one in EXPLANATIONS if not one.startswith("faceauth.")
    )


def test_the_file_of_links_is_one(db, django_user_model):
    """The CSV of the page, for users that it names."""
    shown = re.search(
        r"^```csv\n(.*?)^```$", section("commands.md", "`faceauth_link`"), re.M | re.S
    )
    _head, *lines = shown[1].splitlines()
    django_user_model.objects.create(username="anna")
    django_user_model.objects.create(pk=17, username="bert")

    entries = [linking.Entry(number, *line.split(",")) for number, line in enumerate(lines)]

    made = linking.plan(entries)
    assert (len(made.links), list(made.problems)) == (2, [])


# -- metrics


@pytest.fixture
def families(monkeypatch) -> dict[str, Any]:
    """What is given to Prometheus, by name."""
    monkeypatch.setattr(metrics, "listeners", [])
    registry = CollectorRegistry(auto_describe=True)
    prometheus.register(registry)
    names = {*prometheus.COUNTERS.values()}
    counters = {f"faceauth_{name}_total": label for name, label, _text in names}
    described = prometheus.FaceAuthCollector().describe()
    return counters | {family.name: "" for family in described}


def test_every_metric_has_its_row(families):
    told = {
        name for heading in ("Gauges", "Counters") for name in named(section("metrics.md", heading))
    }

    assert told == set(families)


def test_every_label_and_its_values_are_told():
    (table,) = tables(section("metrics.md", "Counters"))
    told = {terms(row[0])[0]: terms(row[1]) for row in table}

    for kind, (name, label, _text) in prometheus.COUNTERS.items():
        words = [label, *metrics.COUNTERS[kind]] if label else []
        assert sorted(told[f"faceauth_{name}_total"]) == sorted(words), name


# -- the client


def test_every_method_of_the_client_has_its_row():
    own = {
        name: arguments_of(method)
        for name, method in vars(client.Client).items()
        if not name.startswith("_")
    }

    assert calls_of(tables(section("client.md", "Methods"))[0]) == own


@pytest.mark.parametrize(
    ("heading", "module"),
    [("Get one", factory), ("Signatures of webhooks", signatures)],
)
def test_every_function_beside_the_client_has_its_row(heading, module):
    own = {
        name: arguments_of(function)
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }

    assert calls_of(tables(section("client.md", heading))[0]) == own


def values_of(module: Any) -> list[Any]:
    return [
        kind
        for kind in vars(module).values()
        if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
    ]


def test_every_snapshot_has_its_heading():
    kinds = [*values_of(snapshots), answers.Image]

    assert sorted(headings("reference/client.md")) == sorted(kind.__name__ for kind in kinds)


@pytest.mark.parametrize(
    "kind", [*values_of(snapshots), answers.Image], ids=lambda kind: kind.__name__
)
def test_every_field_of_a_snapshot_has_its_row(kind):
    told = named(section("client.md", f"`{kind.__name__}`"))

    assert sorted(told) == sorted(field.name for field in dataclasses.fields(kind))


@pytest.mark.parametrize("kind", [client.PhoneNumber, client.ClientInformation])
def test_what_an_attempt_may_be_told_is_written_with_its_fields(kind):
    fields = ", ".join(field.name for field in dataclasses.fields(kind))

    assert f"`{kind.__name__}({fields})`" in section("client.md", "Methods")


# -- the simulator


@pytest.fixture
def addresses(rf) -> list[str]:
    """The calls of the simulator, each as `METHOD path`: pages have names, calls have none."""
    return [
        f"{method} {_readable(str(pattern.pattern))}"
        for pattern in urls.urlpatterns
        if isinstance(pattern, URLPattern) and pattern.name is None
        for method in pattern.callback(rf.trace("/"))["Allow"].split(", ")
    ]


def _readable(route: str) -> str:
    names = {"case_id": "fav", "attempt_id": "fatp", "event_id": "evt"}
    return re.sub(r"<slug:(\w+)>", lambda found: f"<{names[found[1]]}>", route)


def test_every_call_of_the_simulator_has_its_row(addresses):
    told = [
        call
        for heading in ("What it answers", "Control page")
        for call in named(section("simulator.md", heading))
    ]

    assert sorted(told) == sorted(addresses)
    assert f"the last {control_api.SHOWN} deliveries" in section("simulator.md", "Control page")


def test_every_fault_has_its_row():
    webhooks, calls, kinds = tables(section("simulator.md", "Faults"))

    told = {terms(row[0])[0]: row[1].strip("`") for row in webhooks}
    usual = WebhookFaults()
    assert set(told) == set(forms.WebhookForm.base_fields)
    assert {name: float(ast.literal_eval(text.title())) for name, text in told.items()} == {
        name: float(getattr(usual, name)) for name in told
    }
    assert {terms(row[0])[0] for row in calls} == set(forms.CallFaultForm.base_fields)
    assert [terms(row[0])[0] for row in kinds] == CallFaultKind.values
    for row in kinds:
        least, most = forms.RANGES[terms(row[0])[0]]
        assert str(most) in row[2]
        assert not least or str(least) in row[2]


def test_the_operations_that_can_go_wrong_are_methods_of_the_client():
    methods = calls_of(tables(section("client.md", "Methods"))[0])
    without = terms(re.search(r"\| `operation` \|.*", section("simulator.md", "Faults"))[0])[1:]

    assert set(methods) - set(without) == set(forms.OPERATIONS)


def test_every_button_of_the_camera_page_has_its_row():
    (table,) = tables(section("simulator.md", "The camera page"))

    assert {terms(row[0])[0]: (*terms(row[1]), *terms(row[2]), int(row[3])) for row in table} == {
        name: (one.attempt, one.authentication, one.code) for name, one in outcomes.CHOICES.items()
    }


@pytest.mark.parametrize(
    ("applicant", "said"),
    [
        (row[0].strip("`").replace("…", "0" * 8), row[1])
        for row in tables(section("simulator.md", "Who gets what"))[0]
    ],
)
def test_every_scripted_applicant_gets_what_is_written(applicant, said):
    script = scripts.script_for(applicant)

    told = {"approved": "approved", "declined": "declined", "refuses": "refused"}
    last = next((word for text, word in told.items() if text in said), "inconclusive")
    assert script[-1].authentication == last
    assert len(script) == (2 if "on retry" in said else 1)
    for code in re.findall(r"with (\d{5})", said.partition(";")[0]):
        assert int(code) in {outcome.code for outcome in script}


def test_the_kinds_of_scripts_are_all_there():
    """Each end by itself, and each way to begin with a retry."""
    told = [name.removesuffix("…") for name in named(section("simulator.md", "Who gets what"))]
    found = [scripts.SCRIPTED.fullmatch(name) for name in told]

    ends = {one["final"][:2] for one in found if one["how"] is None}
    assert ends == {final[:2] for final in scripts.FINAL} | {"62"}
    assert {one["how"] for one in found} == {None, *scripts.FIRST}


def test_every_code_that_the_simulator_knows_has_words():
    assert set(outcomes.SUMMARIES) == set(response_codes.MEANINGS)


# -- the API

#: A test of its own holds the schema against the code.
SCHEMA = yaml.safe_load((DOCS / "reference/openapi.yaml").read_text())


def component(name: str) -> dict[str, Any]:
    return SCHEMA["components"]["schemas"][name]


def test_every_endpoint_of_the_api_has_its_heading():
    there = {
        f"{method.upper()} {re.sub(r'{.*?}', '<>', path.removeprefix('/face/api/'))}"
        for path, methods in SCHEMA["paths"].items()
        for method in methods
    }

    text = (DOCS / "reference/api.md").read_text()

    told = re.findall(r"^### `([A-Z]+) ([^`?]*)[^`]*`$", text, re.M)
    assert {f"{method} " + re.sub(r"<.*?>", "<>", path) for method, path in told} == there


@pytest.mark.parametrize(
    ("heading", "table", "name"),
    [
        ("`GET challenges/<handle>/`", 0, "FaceChallenge"),
        ("`POST challenges/<handle>/attempts/`", 0, "FaceAttemptStart"),
        ("`POST challenges/<handle>/attempts/`", 1, "FaceCapture"),
        ("`GET consent/`", 0, "FaceConsent"),
    ],
)
def test_every_member_of_an_answer_has_its_row(heading, table, name):
    told = named(section("api.md", heading), table)

    assert sorted(told) == sorted(component(name)["properties"])


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("`GET authentications/`", "FaceAuthentication"),
        ("`GET authentications/<id>/attempts/`", "FaceAttempt"),
        ("`GET freshness/?action=`", "FaceFreshness"),
    ],
)
def test_every_member_of_a_short_answer_is_named(heading, name):
    text = section("api.md", heading)

    assert [member for member in component(name)["properties"] if f"`{member}`" not in text] == []


def test_every_word_of_a_challenge_is_told():
    text = section("api.md", "`GET challenges/<handle>/`")
    (states,) = (terms(row[1]) for row in tables(text)[0] if row[0] == "`state`")

    assert sorted(states) == sorted(component("FaceChallengeState")["enum"])
    assert named(text, table=1) == component("FaceChallengeNext")["enum"]


def test_every_query_of_a_list_has_its_row():
    told = named(section("api.md", "`GET authentications/`"))
    there = [
        one["name"] for one in SCHEMA["paths"]["/face/api/authentications/"]["get"]["parameters"]
    ]

    filtered = [f"created_at__{word}" for word in ("gte", "lt")]
    assert sorted(told) == sorted([*there, *filtered])


def test_every_code_of_a_problem_is_told():
    """With its status, and none that nothing gives."""
    told = {
        (row[0], code) for row in tables(section("api.md", "Problems"))[0] for code in terms(row[1])
    }
    there = {
        (status, example["value"]["code"])
        for methods in SCHEMA["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        for content in answer.get("content", {}).values()
        for example in content["examples"].values()
        if status >= "400"
    }
    given = "".join(path.read_text() for path in [*SOURCES, Path(drf_exceptions.__file__)])

    assert there - told == set()
    codes = {code for _status, code in told} - set(component("FaceProblem")["properties"])
    assert {code for code in codes if not re.search(rf"[\"']{code}[\"']", given)} == set()


def test_every_answer_of_the_gate_is_among_the_problems():
    problems = {
        (row[0], code) for row in tables(section("api.md", "Problems"))[0] for code in terms(row[1])
    }
    told = {
        (row[0], code)
        for row in tables(section("api.md", "A refused request"))[0]
        for code in terms(row[1])
    }

    assert told <= problems
    rows = tables(section("gate.md", "`Reason`"))[0]
    refusing = {terms(row[0])[0] for row in rows if "refuses" in row[1]} - {Reason.ANONYMOUS}
    assert {code for _status, code in told} == {"face_required"} | refusing


def test_how_often_a_program_may_ask():
    (table,) = tables(section("api.md", "How often"))

    told = {terms(row[0])[0]: row[1].replace(" a minute", "/min") for row in table}

    assert told == dict(throttling.RATES)
