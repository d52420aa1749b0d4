"""Who looked?"""
