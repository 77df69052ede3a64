"""What the workers of one machine share, and how they speak of it."""
