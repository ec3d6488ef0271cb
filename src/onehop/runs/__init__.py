"""One run, in words that everybody shares: what is kept of it, asked, decided, watched and done."""
