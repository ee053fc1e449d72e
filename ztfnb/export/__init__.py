"""From a filter in a notebook to a folder that runs anywhere.

`Filter.export` writes the folder, a bundle: the filter's source and all that this needs, its data
files, alerts with the decisions expected of it, and what builds and deploys a container of it.
`ztfnb.export.worker` is what runs in that container, or from a terminal, or beside a notebook.
"""
