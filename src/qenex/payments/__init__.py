"""The way of a payment, from a request to its bookings."""
