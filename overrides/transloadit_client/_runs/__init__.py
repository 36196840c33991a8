"""`run` and `map`. Pure, but for the journal's file."""
