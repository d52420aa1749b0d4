"""May they, for this purpose, with this consent? The maker of Access values."""
