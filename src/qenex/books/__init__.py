"""The one door to money: decide, store, seal."""
