"""A bad link between two network namespaces, in user space, and scenarios of such links.

`lab.py` is what tests use; `scenario.py` and `line.py` are pure and run under any clock.
"""
