"""From a filter in a notebook to one file of source that stands alone."""
