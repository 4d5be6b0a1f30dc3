"""System checks.

One function for each id; ids never change their meaning. The reference in the documentation
describes each.
"""

from __future__ import annotations

from django_faceauth.checks import configuration, deployment, gates, urls
from django_faceauth.checks.configuration import TAG

__all__ = ["TAG", "configuration", "deployment", "gates", "urls"]
