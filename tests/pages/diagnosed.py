"""What a page about answers has drawn, and a question on the queue that somebody works on."""

import json


def drawn(app, alt):
    """The figure of this name, as plotly's JSON."""
    (found,) = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart") if chart.proto.alt == alt]
    return found


def alts(app):
    """The names of all figures."""
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def button(app, text):
    """The button with this text."""
    (found,) = [b for b in app.button if text in b.label]
    return found


def begin(queue, question):
    """A job that is running."""
    job = queue.submit(question)
    queue.claim(job.id)
    queue.begin(job.id, 1, 4242)
    return job
