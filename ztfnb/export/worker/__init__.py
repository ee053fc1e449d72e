"""From topic to topic: alerts in, what a filter passes out, nothing lost.

The function itself runs in a process of its own (`cell`), which may loop, grow or crash; the
process that has the broker's trust decodes nothing, and knows no more of a filter than verdicts.
"""
