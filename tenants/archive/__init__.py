"""One tenant in one file: made while people write, restored here or at another installation.

An archive is a tar file: `schema.dump` of pg_dump, the tenant's rows of `public` (hosts, keys, people, their sign-in, the audit
log), its files, and at the end `manifest.json` with the checksum of every part and the content of every table in two numbers.
All of it but the files is of one moment of the database; a file never changes. What a tenant owes and paid is not in it: money
stays where it is, whatever becomes of messages.

It holds password hashes and second factors: keep it as you keep the database.
"""

from tenants.archive.making import back_up
from tenants.archive.manifest import BadArchive
from tenants.archive.restoring import Restored, restore

__all__ = ["BadArchive", "Restored", "back_up", "restore"]
