"""Checks of the gates of a site, and of views that are open in spite of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.cache import FetchFromCacheMiddleware
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.module_loading import import_string

from django_faceauth.checks.configuration import Findings, check, value
from django_faceauth.conf import PASSKEY, PREFIX, RECOVERY_CODE, TOTP
from django_faceauth.gate import ungated_methods, url_discovery
from django_faceauth.gate.policy import Policy
from django_faceauth.gate.view_methods import UNSAFE, answered_by
from django_faceauth.models import Applicant, FaceExemption

#: A capture takes a minute or two.
SHORT: Final = timedelta(seconds=120)
#: By the end of a longer window, another person may be using the session.
LONG: Final = timedelta(hours=1)

#: URL names of django-allauth and django-two-factor-auth: pages that add a second way.
ADD_WAYS: Final = (
    *("mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"),
    *("mfa_view_recovery_codes", "mfa_download_recovery_codes"),
    *("two_factor:setup", "two_factor:backup_tokens"),
)

#: Parts of names of secrets; the short ones count as whole words only.
SECRETS: Final = ("passwd", "password", "secret", "token")
SECRET_WORDS: Final = frozenset({"cvc", "cvv", "otp", "pin"})


def policies() -> Iterator[tuple[str, Policy]]:
    """Yield the URL and the policy of each gate that works."""
    for address, view in url_discovery.gated_views():
        with suppress(TypeError, ValueError):  # E012 says so
            yield address, url_discovery.policy_at(view)


@check("faceauth.E012")
def check_gates() -> Findings:
    """A gate that cannot work, or never opens in time."""
    for address, view in url_discovery.gated_views():
        try:
            policy = url_discovery.policy_at(view)
        except (TypeError, ValueError) as error:
            yield (
                f"The gate at {address} cannot work: {error}.",
                "Correct what is passed to as_view() in the URLconf.",
            )
            continue
        if value("SLOW_REVIEW") and policy.bind is None:
            yield (
                f"The gate at {address} counts from the capture, and {PREFIX}SLOW_REVIEW is on.",
                "Give the gate a bind: then it counts from the decision. Humans decide too "
                "slowly for a window that counts from the capture.",
            )


@check("faceauth.W002")
def check_long_windows() -> Findings:
    """A face counts for longer than an hour."""
    for what, max_age in _windows():
        if max_age > LONG:
            yield (
                f"{what} lets a face count for {max_age}.",
                "That is more than an hour: another person may be using the session by then. "
                "Shorten max_age, or silence this check if it is meant.",
            )


@check("faceauth.W003")
def check_short_windows() -> Findings:
    """A window is too short for a capture."""
    for what, max_age in _windows():
        if timedelta(0) < max_age < SHORT:
            yield (
                f"{what} lets a face count for {max_age} only.",
                "Allow 120 seconds or more: a capture takes a minute or two. For one action "
                "alone, use bind or single_use=True.",
            )
    window = value("CAPTURE_WINDOW")
    if window is not None and window < SHORT:
        yield (
            f"{PREFIX}CAPTURE_WINDOW gives users {window} only.",
            "Set 120 seconds or more, or leave it unset for the default of 600: a capture "
            "takes a minute or two.",
        )


def _windows() -> Iterator[tuple[str, timedelta]]:
    default = value("MAX_AGE")
    if default is not None:
        yield f"{PREFIX}MAX_AGE", default
    for address, policy in policies():
        if policy.max_age is not None:
            yield f"The gate at {address}", policy.max_age


@check("faceauth.W032")
def check_middleware() -> Findings:
    """Without sessions and users, every gated page is an error."""
    kinds = [kind for kind in _middleware() if isinstance(kind, type)]
    for needed in (SessionMiddleware, AuthenticationMiddleware):
        if not any(issubclass(kind, needed) for kind in kinds):
            yield (
                f"{needed.__name__} is missing in MIDDLEWARE.",
                f'Add "{needed.__module__}.{needed.__name__}", sessions before '
                "authentication, or silence this check if another middleware does its work.",
            )


@check("faceauth.W026")
def check_cache_middleware() -> Findings:
    """A cached page is answered in front of its gate."""
    for kind in _middleware():
        if isinstance(kind, type) and issubclass(kind, FetchFromCacheMiddleware):
            yield (
                f"{kind.__name__} in MIDDLEWARE answers before any gate is asked.",
                "Remove Django's cache middleware, and put cache_page on single views without "
                "a gate.",
            )


def _middleware() -> Iterator[Any]:
    for path in settings.MIDDLEWARE:
        with suppress(ImportError):  # Django says so itself, at the first request
            yield import_string(path)


@check("faceauth.W031")
def check_single_use() -> Findings:
    """Opening the page to see a form uses the grant for it."""
    for address, view in url_discovery.gated_views():
        with suppress(TypeError, ValueError):
            policy, answered = url_discovery.policy_at(view), answered_by(view)
            is_shown = answered is None or "GET" in answered
            if policy.is_single_use and policy.methods is None and is_shown:
                yield (
                    f"The gate at {address} is single-use, and opening the page is one use.",
                    'Add methods=["POST"] if the page has a form. If opening the page is what '
                    'takes a face, name it: methods=["GET", "POST"].',
                )


@check("faceauth.W008")
def check_kept_fields() -> Findings:
    """What a gate keeps is stored as it was typed, and shown again."""
    for address, policy in policies():
        for name in policy.keep or ():
            words = re.findall(r"[a-z]+", name.lower())
            if not SECRET_WORDS.isdisjoint(words) or any(part in name.lower() for part in SECRETS):
                yield (
                    f"The gate at {address} keeps {name!r}, which looks like a secret.",
                    "Remove it from keep, and ask for it after the face check: what is kept "
                    "is stored as it was typed, until it is used.",
                )


@check("faceauth.W034")
def check_conditions() -> Findings:
    """A gate that other gates open too, or that accepts what nothing offers."""
    for address, policy in policies():
        if policy.when is not None and not policy.action:
            yield (
                f"The gate at {address} has a when and no action.",
                "Name an action: a face shown at any gate without one opens this gate too.",
            )
        unlisted = {PASSKEY, TOTP, RECOVERY_CODE}.intersection(policy.accept or ())
        unlisted -= {*(value("SECOND_WAYS") or ())}
        if unlisted and value("FALLBACK") == "":
            yield (
                f"The gate at {address} accepts {', '.join(sorted(unlisted))}, which nothing "
                "offers.",
                f"Add it to {PREFIX}SECOND_WAYS, or remove it from accept.",
            )


@check("faceauth.W035")
def check_new_ways() -> Findings:
    """A thief who knows the password could add a second way of their own."""
    for name in ADD_WAYS if value("SECOND_WAYS") else ():
        with suppress(NoReverseMatch, Resolver404, TypeError, ValueError):
            address = reverse(name)
            if not url_discovery.policies_at(url_discovery.Place(address, resolve(address).func)):
                yield (
                    f"The page at {address} adds a second way, and has no gate.",
                    "Put face_required, with an action, on that view in your URLconf, before "
                    "the URLs that you include. Otherwise a password is enough to add a way that "
                    "then counts as much as a face.",
                )


@check("faceauth.W017")
def check_admins() -> Findings:
    """An intruder in a session of staff could have their own face count."""
    for address, admin in url_discovery.admins():
        decides = getattr(admin, "model", None) in {Applicant, FaceExemption}
        if decides and not url_discovery.is_gated_admin(admin):
            yield (
                f"The admin at {address} decides who passes, and takes no face for it.",
                "Derive it from FaceRequiredModelAdmin, register it with a "
                "FaceRequiredAdminSite, or leave these models to the admin of this package.",
            )


# -- views that are open


@check("faceauth.E025")
def check_rest_framework() -> Findings:
    """What Django REST framework authenticates, it authenticates behind that gate."""
    for address in url_discovery.misplaced_gates():
        yield (
            f"The view at {address} is of Django REST framework, and has face_required on a "
            "method.",
            "Remove the decorator and add require_face() of django_faceauth.api.permissions "
            "to permission_classes: the user is known only inside the view.",
        )


@check("faceauth.E026")
def check_bypassed_gates() -> Findings:
    """A view has a gate that is never asked."""
    for method in ungated_methods.methods_in_front():
        if method.is_sure:
            yield (
                f"The view at {method.address} answers in {method.name}, in front of its gate.",
                "Call super() there, list FaceRequiredMixin first, or decorate this method too.",
            )
    for address, left_open, is_sure in ungated_methods.half_gated():
        if is_sure:
            yield (
                f"The view at {address} has a gate on some handlers, and leaves "
                f"{', '.join(sorted(left_open))} open.",
                'Put the gate on all of the view: name="dispatch", or FaceRequiredMixin.',
            )
    for address, is_changing in ungated_methods.actions_without_the_gate():
        if is_changing:
            yield (
                f"The permissions at {address} replace those of the class, and its gate.",
                "Name the gate among permission_classes there too.",
            )
    for address in ungated_methods.combinations_that_open():
        yield (
            f"A permission at {address} lets every logged-in user in without a face.",
            "Combine the gate by & or a comma. By | it is asked only of users who do not have the "
            "other permission; ~ opens to users without a face.",
        )
    for address, name in ungated_methods.bypassed():
        yield (
            f"The gate of {name} is not asked at {address}.",
            "Put face_required below the decorator that registers the function.",
        )


@check("faceauth.W028")
def check_code_in_front() -> Findings:
    """A method runs in front of the gate of its class."""
    for method in ungated_methods.methods_in_front():
        if not method.is_sure:
            yield (
                f"The view at {method.address} runs {method.name} in front of its gate.",
                "Do the work in a handler such as post(), behind the gate. Silence this check "
                "if that method only identifies the client.",
            )


@check("faceauth.W007")
def check_open_methods() -> Findings:
    """A part of a gated view, or of a gated model, is open."""
    for address, view in url_discovery.gated_views():
        with suppress(TypeError, ValueError):
            # A view that does not say which methods it answers takes POST, as forms do.
            answered = answered_by(view)
            changing = frozenset({"POST"}) if answered is None else UNSAFE & answered
            methods = changing & url_discovery.policy_at(view).left_open
            if methods:
                yield (
                    f"The gate at {address} leaves {', '.join(sorted(methods))} open.",
                    "Name them in methods too, or let the view refuse them, with "
                    "require_http_methods or http_method_names.",
                )
    for address, left_open, is_sure in ungated_methods.half_gated():
        if not is_sure:
            yield (
                f"The gate at {address} leaves {', '.join(sorted(left_open))} open.",
                'Put the gate on all of the view: name="dispatch", or FaceRequiredMixin.',
            )
    for address, is_changing in ungated_methods.actions_without_the_gate():
        if not is_changing:
            yield (
                f"The permissions at {address} replace those of the class, and its gate.",
                "Name the gate among permission_classes there too, or move what needs no face to "
                "a view of its own.",
            )
    for address, inline in ungated_methods.inlines_of_gated_models():
        yield (
            f"{inline} in the admin at {address} shows rows of a model that takes a face.",
            "Derive that admin from FaceRequiredModelAdmin too, or make the inline read-only.",
        )
