"""The heavy ``guides`` commands: ``registry.cli`` reaches each by one importlib call."""
