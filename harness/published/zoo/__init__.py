"""torchvision's networks: imported, built without their values, counted, compared with what is stated."""
