"""The frame of every page: icon, navigation, banners, teaching mode."""

from pages.ui import frame, lab
from pages.ui.guard import guard

frame.configure()
with guard():
    frame.navigation().run()
lab.first_page_drawn.set()
