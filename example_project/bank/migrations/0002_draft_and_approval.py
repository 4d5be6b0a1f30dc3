"""Payouts are drafts until a face approves them."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import F


def all_were_sent(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001 - Django's arguments
    """Payouts of before there were drafts were sent at once, each behind a face."""
    apps.get_model("bank", "Payout").objects.update(
        state="executed", executed_at=F("created_at"), face_method="face"
    )


def drafts_go(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001
    """Where there are no drafts, every payout counts as sent."""
    apps.get_model("bank", "Payout").objects.filter(state="draft").delete()


class Migration(migrations.Migration):
    dependencies = [("bank", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="payout",
            name="state",
            field=models.CharField(
                choices=[("draft", "draft"), ("executed", "sent")],
                default="draft",
                editable=False,
                max_length=16,
                verbose_name="state",
            ),
        ),
        migrations.AddField(
            model_name="payout",
            name="executed_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="sent at"),
        ),
        migrations.AddField(
            model_name="payout",
            name="face_method",
            field=models.CharField(
                blank=True, default="", editable=False, max_length=32, verbose_name="approved by"
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="payout",
            name="face_verified_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="approved at"),
        ),
        migrations.AlterField(
            model_name="payout",
            name="face_challenge",
            field=models.CharField(
                blank=True, editable=False, max_length=64, verbose_name="face challenge"
            ),
        ),
        migrations.RunPython(all_were_sent, drafts_go, elidable=True),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(state="draft", executed_at=None)
                | models.Q(state="executed", executed_at__isnull=False),
                name="bank_executed_has_moment",
            ),
        ),
    ]
