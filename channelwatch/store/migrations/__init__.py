"""Steps from each released schema to the next, run by Alembic. Written by hand; a released step is never edited.

There is no way down: whoever must go back restores the backup that was made before the upgrade.
"""
