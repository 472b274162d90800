"""The processes of one run: which there are, how they meet, and what happens when one is lost."""
