"""Findings about what looks like a gate, and leaves a page open."""

from __future__ import annotations

from django.core.checks import Error
from django.core.checks import Warning as Remark

from django_faceauth.checks.registry import Finding, check
from django_faceauth.gate import ungated_methods


@check
def nothing_runs_in_front_of_a_gate() -> Finding:
    """E026, W028: a method that never comes to the gate of its class, or comes to it late."""
    for found in ungated_methods.methods_in_front():
        if found.is_sure:
            yield Error(
                f"The view at {found.address} answers in {found.name}, and its gate is not asked.",
                hint="Call super() there, list FaceRequiredMixin first, or decorate this method "
                "too.",
                id="faceauth.E026",
            )
        else:
            yield Remark(
                f"The view at {found.address} runs {found.name} in front of its gate.",
                hint="Do the work in a handler such as post(), behind the gate. Silence this check "
                "if that method only finds out who asks.",
                id="faceauth.W028",
            )


@check
def handlers_are_gated_together() -> Finding:
    """E027, W007: a gate on one handler of a class that has others which change things."""
    for address, left, is_sure in ungated_methods.half_gated():
        named = ", ".join(sorted(left))
        if is_sure:
            yield Error(
                f"The view at {address} has a gate on some handlers, and leaves {named} open.",
                hint='Put the gate on all of the view: name="dispatch", or FaceRequiredMixin.',
                id="faceauth.E027",
            )
        else:
            yield Remark(
                f"The gate at {address} leaves {named} open.",
                hint='Put the gate on all of the view: name="dispatch", or FaceRequiredMixin.',
                id="faceauth.W007",
            )


@check
def actions_keep_the_gate_of_their_class() -> Finding:
    """E028, W029: `permission_classes` of an action take the place of those of its class."""
    for address, changes in ungated_methods.actions_without_the_gate():
        kind = Error if changes else Remark
        yield kind(
            f"The permissions at {address} take the place of those of the class, and its gate.",
            hint="Name the gate among permission_classes there too. Without it, a view of its own "
            "says more clearly that this needs no face.",
            id="faceauth.E028" if changes else "faceauth.W029",
        )


@check
def combinations_ask_for_the_face() -> Finding:
    """E029: a permission that is had without a face, for all that there is a gate in it."""
    for address in ungated_methods.combinations_that_open():
        yield Error(
            f"A permission at {address} lets every logged-in user in without a face.",
            hint="Combine the gate by & or a comma. By | it is asked only of those who do not "
            "have the other permission; ~ opens to those who have shown no face.",
            id="faceauth.E029",
        )


@check
def gates_stand_below_what_registers() -> Finding:
    """E030: what a decorator has registered is the function, and not the gate around it."""
    for address, name in ungated_methods.bypassed():
        yield Error(
            f"The gate of {name} is not asked at {address}.",
            hint="Put face_required below the decorator that registers the function.",
            id="faceauth.E030",
        )


@check
def inlines_are_gated() -> Finding:
    """W030: rows of a gated model can be changed on the page of another one."""
    for address, inline in ungated_methods.inlines_of_gated_models():
        yield Remark(
            f"{inline} in the admin at {address} shows rows of a model that takes a face.",
            hint="Derive that admin from FaceRequiredModelAdmin too, or let the inline be read "
            "only.",
            id="faceauth.W030",
        )
