"""The forms of laws, and stored laws made ready; ``registry.law`` is the way in."""
