"""The command line: every verb is a thin wrapper over one call of the engine, its flags read off the specs."""
