"""`python -m bench`: every benchmark, printed and written to results.json and RESULTS.md. `--quick`: one short look, nothing written."""
