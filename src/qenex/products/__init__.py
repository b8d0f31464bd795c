"""What a customer can hold: accounts, their numbers and their terms."""
