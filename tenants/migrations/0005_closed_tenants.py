from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_current_tenant")]

    operations = [
        migrations.AlterField(
            model_name="tenant",
            name="status",
            field=models.CharField(
                choices=[("active", "Active"), ("suspended", "Suspended"), ("closed", "Closed")], default="active", max_length=12
            ),
        ),
    ]
