"""What Porchlight is measured against: a small Django project with consumers as tutorials for Channels have them."""
