"""What became of an issue: its numbers, and a page that draws them."""
