"""The page at `/_standin/`: plain HTML, one script and one stylesheet."""
