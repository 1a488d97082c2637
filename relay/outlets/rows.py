"""The tasks that tell other systems, as the settings ask for them."""

from collections.abc import Callable

from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.feed import Feed
from fieldlink.relay.outlets.mqtt_out import Latest, MqttOut
from fieldlink.relay.outlets.settings import MqttOutSettings, WebhookSettings
from fieldlink.relay.outlets.webhook import Note, Webhook
from fieldlink.systemd.service import Row

__all__ = ["outlet_rows"]


def outlet_rows(
    webhooks: tuple[WebhookSettings, ...],
    mqtt_out: MqttOutSettings,
    catalogue: Catalogue,
    latest: Latest,
    feed: Feed,
    *,
    centre: str,
    clock: Callable[[], int],
    note: Note,
) -> list[Row]:
    """One row for each webhook, and one for updates over MQTT if they have a broker."""
    rows = []
    for each in webhooks:
        hook = Webhook(each, catalogue, feed, centre=centre, clock=clock, note=note)
        rows.append(Row(f"webhook {each.name}", hook.run))
    if mqtt_out.url is not None:
        out = MqttOut(mqtt_out, catalogue, latest, clock=clock, note=note)
        rows.append(Row("mqtt-out", out.run))
    return rows
