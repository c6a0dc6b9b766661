"""Foreign files to checkpoints, tickets and runs. What is not our own file is read in the child of the gate alone."""
