"""The staff's groups: who looks and holds, and who moves money (billing/staff/roles.py)."""

from typing import Any, ClassVar

from django.db import migrations

GROUPS = ("support", "billing")


def make(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for name in GROUPS:
        Group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("billing", "0007_corrections"), ("auth", "0012_alter_user_first_name_max_length")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(make, migrations.RunPython.noop)]
