"""The table of cases."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """One row per face authentication."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="StoredCase",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("document", models.JSONField()),
            ],
        ),
    ]
