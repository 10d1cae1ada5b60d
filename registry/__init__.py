"""Answer sizing questions from guideline records: how wide, how deep, how much data, for the accuracy you need."""
