"""Messages that banks exchange: reading, checking and writing them."""
