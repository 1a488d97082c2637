"""The laboratory: bad links, broken disks, foreign peers and simulators for the tests."""
