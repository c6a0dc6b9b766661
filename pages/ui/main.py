"""The frame of every page: icon, navigation, banners, teaching mode."""

import streamlit as st

from pages.ui import frame

frame.configure()
frame.navigation().run()
