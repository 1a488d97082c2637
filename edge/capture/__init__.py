"""The layers made at recording time: originals by stream copy, stills, and a thin proxy."""
