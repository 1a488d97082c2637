"""What the centre tells other systems by itself: alarms to webhooks, updates over MQTT, figures."""
