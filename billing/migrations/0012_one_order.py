"""One order at a time, and a second subscription as a difference that staff see."""

from typing import Any, ClassVar

from django.db import migrations, models

KINDS = [
    ("usage", "Usage"),
    ("preview", "Preview"),
    ("invoice", "Invoice"),
    ("price", "Price"),
    ("subscription", "Subscription"),
]


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("billing", "0011_adjustments_worth")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField("billingaccount", "ordering_until", models.DateTimeField(blank=True, null=True)),
        migrations.AlterField("difference", "kind", models.CharField(choices=KINDS, max_length=12)),
    ]
