"""What devices say over MQTT: JSON, MessagePack or CBOR to readings and notices."""
