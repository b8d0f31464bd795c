"""The Merkle tree over accepted events, its checkpoints and their signatures."""
