"""Who may name paths of this machine: whoever sits at it, or everybody if only it can reach the app."""

from __future__ import annotations

import ipaddress

import streamlit as st

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
"""Headers by which another server says that it asks for somebody else."""


def paths_allowed() -> bool:
    """Whether this visitor may have files read by their path: the app listens on a loopback address, or the visitor's
    own is one."""
    if loopback(str(st.get_option("server.address") or "")):
        return True
    if any(name in st.context.headers for name in FORWARDED):
        return False
    return loopback(st.context.ip_address or "localhost")  # Streamlit says None for a visitor at this machine


def loopback(address: str) -> bool:
    """Whether an address leads back to this machine."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
