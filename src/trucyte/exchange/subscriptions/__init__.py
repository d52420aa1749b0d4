"""Subscriptions (R4, and R5 topics by the backport IG 1.1): told of what is accepted here.

A follower learns the Subscriptions from the journal and writes an event for each version
that one asks for; deliverers tell them, in order, again and again until they are taken.
An event may be told twice, never not at all: its number tells the doubles apart.
"""
