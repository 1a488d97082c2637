"""MQTT between a client that speaks version 5, or QoS 2, and a broker that speaks neither."""

from .translate import MAX_PACKET_BYTES, Translator

__all__ = ["MAX_PACKET_BYTES", "Translator"]
