"""People grade documents: what they are to grade, where grades are kept, the page on which they do it."""
