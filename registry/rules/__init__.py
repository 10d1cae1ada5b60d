"""The static rules of a record, by what they look at; ``registry.validate`` lists them all."""
