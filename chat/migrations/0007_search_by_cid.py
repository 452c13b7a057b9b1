from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0006_messages")]

    operations = [
        migrations.RemoveConstraint(model_name="message", name="stored_once_per_cid"),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(fields=("author_id", "cid", "room"), name="stored_once_per_cid"),
        ),
    ]
