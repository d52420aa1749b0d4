"""Tokens over HTTP: the endpoints of programs, the page that asks people, and their login."""
