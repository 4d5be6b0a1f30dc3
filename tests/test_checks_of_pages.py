"""What `manage.py check` says about the pages: ours, and those that lead to them."""

from __future__ import annotations

from functools import wraps
from types import ModuleType

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core.checks import run_checks
from django.test import override_settings
from django.urls import include, path, reverse_lazy

from django_faceauth.checks import TAG
from django_faceauth.gate import face_required
from django_faceauth.webhooks import webhook
from tests.site import views
from tests.site.api import Secret

ENGINE = "django.template.backends.django.DjangoTemplates"
LOADER = "django.template.loaders.app_directories.Loader"


def found() -> list[str]:
    return [message.id.removeprefix("faceauth.") for message in run_checks(tags=[TAG])]


def site(*patterns):
    """Give the site these addresses, and ours."""
    module = ModuleType("addresses")
    module.urlpatterns = [
        path("face/", include("django_faceauth.urls")),
        path("face/api/", include("django_faceauth.api.urls")),
        *patterns,
    ]
    return override_settings(ROOT_URLCONF=module)


# -- templates


@pytest.mark.parametrize(
    ("engines", "expected"),
    [
        ([{"BACKEND": ENGINE, "APP_DIRS": True}], []),
        ([{"BACKEND": ENGINE, "OPTIONS": {"loaders": [LOADER]}}], []),
        ([{"BACKEND": ENGINE}], ["E021"]),
        ([], ["E021"]),
    ],
)
def test_our_templates_must_be_found(engines, expected):
    with override_settings(TEMPLATES=engines):
        assert found() == expected


def test_a_template_of_the_site_that_is_wrong_is_not_ours_to_report(tmp_path):
    (tmp_path / "faceauth").mkdir()
    (tmp_path / "faceauth/base.html").write_text("{% no_such_tag %}")

    with override_settings(TEMPLATES=[{"BACKEND": ENGINE, "DIRS": [tmp_path]}]):
        assert found() == []


# -- the other way, and the page to log in at


GATED = face_required(views.know)
FOR_POST = face_required(methods=["POST"])(views.know)


@pytest.mark.parametrize(
    ("view", "expected"),
    [(GATED, ["E022"]), (FOR_POST, []), (views.know, [])],
    ids=["gated", "gated for POST", "open"],
)
@pytest.mark.parametrize("name", ["FACEAUTH_FALLBACK", "LOGIN_URL"])
@pytest.mark.parametrize("page", ["there", "/there/", "/there/?from=gate", reverse_lazy("there")])
def test_where_people_go_who_cannot_pass_is_open(name, page, view, expected):
    """V-04: they would go round in circles."""
    if name == "FACEAUTH_FALLBACK":
        page = str(page) if isinstance(page, str) else "/there/"

    with site(path("there/", view, name="there")), override_settings(**{name: page}):
        assert [one for one in found() if one != "W007"] == expected


@pytest.mark.parametrize("page", ["https://login.example/", "/of/another/server/"])
def test_pages_of_others_are_theirs(page):
    with override_settings(LOGIN_URL=page, FACEAUTH_FALLBACK=page):
        assert found() == []


def test_the_name_of_no_page_is_no_place_to_log_in_at():
    with override_settings(LOGIN_URL="no-such-page"):
        assert found() == ["E023"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([path("gate/", GATED)], ["W020"]),
        ([path("gate/", GATED), path("accounts/login/", views.know)], []),
        ([path("gate/", Secret.as_view())], []),  # programs are not sent to log in
        ([], []),
    ],
)
def test_a_site_with_gates_says_where_to_log_in(patterns, expected):
    """Django's own default is an address that few sites have."""
    with site(*patterns), override_settings(LOGIN_URL="/accounts/login/"):
        assert found() == expected


# -- the address that the provider is told


def languages(*patterns, **options):
    """Give the site these addresses, and ours under the prefix of a language."""
    module = ModuleType("addresses")
    ours = path("face/", include("django_faceauth.urls"))
    module.urlpatterns = [*patterns, *i18n_patterns(ours, **options)]
    return override_settings(ROOT_URLCONF=module)


def wrapped(request):
    """A view of the site around ours."""


OUTSIDE = path("face/webhook/", webhook)


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (languages(), ["W027"]),
        (languages(prefix_default_language=False), []),
        (languages(OUTSIDE), []),
        (languages(path("hooks/", include([OUTSIDE]))), []),
        (languages(path("hook/", wraps(webhook)(wrapped))), []),
        (site(), []),
        (site(*i18n_patterns(path("page/", views.know))), []),
    ],
)
def test_webhooks_do_not_lie_under_a_language(addresses, expected):
    """The provider follows no redirect, so every event would be lost (F-83)."""
    with addresses:
        assert found() == expected


def test_languages_within_a_folder_and_in_one_language_count_as_well(settings):
    """(F-83)."""
    settings.LANGUAGES = [("en", "English")]
    nested = path("face/", include([path("", include("django_faceauth.urls"))]))
    module = ModuleType("addresses")
    module.urlpatterns = i18n_patterns(path("", include([nested])))

    with override_settings(ROOT_URLCONF=module):
        assert found() == ["W027"]


def test_without_languages_there_is_no_prefix():
    """(F-83)."""
    with override_settings(USE_I18N=False):
        addresses = languages()
        with addresses:
            assert found() == []
