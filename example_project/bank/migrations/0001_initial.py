"""Payouts."""

from __future__ import annotations

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Payout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("payee", models.CharField(max_length=70, verbose_name="payee")),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=2,
                        help_text="In euros, up to 500 at a time.",
                        max_digits=8,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0.01")),
                            django.core.validators.MaxValueValidator(500),
                        ],
                        verbose_name="amount",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="made at")),
                (
                    "face_challenge",
                    models.CharField(editable=False, max_length=64, verbose_name="face challenge"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "payout",
                "verbose_name_plural": "payouts",
                "ordering": ["-created_at", "-pk"],
            },
        ),
    ]
