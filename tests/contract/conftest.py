"""The conformance suite is no part of a run of the tests: it is told its server, and `test_conformance.py` tells it one."""

collect_ignore = ["conformance"]
