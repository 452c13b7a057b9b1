"""The staff console's pages about money, on the platform's host below /staff/."""
