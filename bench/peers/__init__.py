"""What Porchlight is measured against."""
