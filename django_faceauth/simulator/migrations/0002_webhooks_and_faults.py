"""What merchants are told, and what shall go wrong."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Deliveries, faults, and the moment at which time will change a case."""

    dependencies = [("faceauth_simulator", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="storedcase",
            name="due_on",
            field=models.DateTimeField(db_index=True, null=True),
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.CharField(max_length=64, unique=True)),
                ("event_type", models.CharField(max_length=100)),
                ("case_id", models.CharField(max_length=64)),
                ("created_on", models.DateTimeField()),
                ("body", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "waiting"),
                            ("sending", "being sent"),
                            ("delivered", "delivered"),
                            ("given_up", "given up"),
                            ("dropped", "dropped"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("next_try", models.DateTimeField(null=True)),
                ("answer", models.CharField(blank=True, max_length=100)),
                ("answered_on", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "indexes": [
                    models.Index(fields=["state", "next_try"], name="faceauth_simulator_due")
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookFaults",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("drop", models.FloatField(default=0.0)),
                ("copies", models.PositiveSmallIntegerField(default=1)),
                ("delay", models.FloatField(default=0.0)),
                ("reorder", models.BooleanField(default=False)),
                ("wrong_signature", models.BooleanField(default=False)),
                ("minute", models.FloatField(default=60.0)),
            ],
            options={"verbose_name_plural": "webhook faults"},
        ),
        migrations.CreateModel(
            name="CallFault",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("too_many_requests", "429, with this many seconds in Retry-After"),
                            ("server_error", "this error status (500 to 599), and nothing done"),
                            ("latency", "the right answer, this many seconds late"),
                            ("no_answer", "done, and then no answer for this many seconds"),
                            (
                                "slow_body",
                                "the right answer, a byte at a time over this many seconds",
                            ),
                        ],
                        max_length=20,
                    ),
                ),
                ("amount", models.FloatField()),
                ("calls", models.PositiveSmallIntegerField(null=True)),
                ("operation", models.CharField(blank=True, max_length=30)),
            ],
        ),
    ]
