"""The whole stack, made on an AWS that answers on this machine, and looked at with its own client: `make infra-apply`."""
