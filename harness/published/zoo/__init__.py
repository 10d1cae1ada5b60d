"""torchvision's networks: built without their values, counted, compared with what is stated."""
