"""A bad link between two network namespaces, in user space, and scenarios of such links."""
