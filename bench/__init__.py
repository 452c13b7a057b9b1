"""The benchmarks, each beside a peer in the same run. `make bench` runs them; RESULTS.md holds the last figures."""
