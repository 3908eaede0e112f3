"""The generated wardrobe: garments, their pictures, what is said of them, and who buys them."""
