"""The engine of the lottery-ticket lab: trains, prunes, stores and analyses sparse tickets."""

__version__ = "0.1.0"
