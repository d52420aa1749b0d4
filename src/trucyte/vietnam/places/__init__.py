"""Places: administrative units with validity dates, and addresses read into them."""
