"""ISO 20022: message definitions as our own data, and the readers, writers and validators made from them."""
