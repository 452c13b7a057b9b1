"""What each adjustment costs us, so that what one person gives can be added up; and since when Stripe may have it."""

from typing import Any, ClassVar

from django.db import migrations, models

KINDS = [
    ("credit", "Credit"),
    ("credit_note", "Credit Note"),
    ("comp", "Comp"),
    ("waive", "Waive"),
    ("usage", "Usage"),
    ("counted", "Counted"),
]


def fill(apps, schema_editor):
    """The amount of the others is no money: seats, units."""
    money = apps.get_model("billing", "Adjustment").objects.filter(kind__in=("credit", "credit_note", "waive"))
    money.update(worth=models.F("amount"))


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("billing", "0010_reporting_runs")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField("adjustment", "first_tried_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("adjustment", "worth", models.BigIntegerField(default=0)),
        migrations.AlterField("adjustment", "kind", models.CharField(choices=KINDS, max_length=12)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
