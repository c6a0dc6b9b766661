"""Jobs: answers that have not happened yet, computed by worker processes that outlive the page."""
