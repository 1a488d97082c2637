"""Where pictures and sound come from: adapters that open a device and deliver its packets.

An adapter blocks until it fails and owns no retry; `fieldlink.edge.capture` supervises it.
"""
