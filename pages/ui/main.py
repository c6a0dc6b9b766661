"""The frame of every page: icon, navigation, banners, teaching mode."""

from pages.ui import frame

frame.configure()
frame.navigation().run()
