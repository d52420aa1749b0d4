"""The country as data with validity dates: names, units, code lists. Pure."""
