"""The staff console's pages about the machine, on the platform's host below /staff/."""
