"""Pictures of characters: outlines of fonts, which characters look alike, images of them turned and blurred."""
