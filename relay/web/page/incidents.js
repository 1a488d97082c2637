// Choosing, starting and closing incidents.

import { post } from "./api.js";
import { byId, el, setText } from "./dom.js";
import { t } from "./text.js";

export class IncidentPanel {
  constructor(changed) {
    this.changed = changed; // changed(id): show this incident
    this.armed = false;
    byId("incident").addEventListener("change", (event) => changed(event.target.value));
    byId("incident-close").addEventListener("click", () => this.#close());
    byId("incident-form").addEventListener("submit", (event) => { event.preventDefault(); this.#start(); });
  }

  draw(incidents, shown) {
    this.shown = shown;
    const select = byId("incident");
    const options = incidents.map((each) => el("option", {
      value: each.id, selected: each.id === shown?.id,
      text: each.state === "closed" ? `${each.name} (${t("state.closed")})` : each.name }));
    select.replaceChildren(...options);
    if (shown) select.value = shown.id;
    const button = byId("incident-close");
    button.hidden = shown?.state !== "open";
    setText(button, this.armed ? t("incident.confirm", { name: shown?.name }) : t("incident.close"));
  }

  // Two presses: closing cannot be undone.
  async #close() {
    if (!this.armed) {
      this.armed = true;
      setText(byId("incident-close"), t("incident.confirm", { name: this.shown.name }));
      setTimeout(() => { this.armed = false; setText(byId("incident-close"), t("incident.close")); }, 4000);
      return;
    }
    this.armed = false;
    await this.#ask(`/api/incidents/${this.shown.id}/close`, {});
  }

  async #start() {
    const name = byId("incident-name").value.trim();
    const window_s = Math.round(Number(byId("incident-window").value) * 60);
    if (await this.#ask("/api/incidents", { name, window_s })) byId("incident-form").reset();
  }

  async #ask(path, body) {
    setText(byId("incident-fault"), "");
    try {
      const incident = await post(path, body);
      this.changed(incident.id);
      return true;
    } catch (fault) {
      setText(byId("incident-fault"), t("incident.failed", { reason: fault.message }));
      return false;
    }
  }
}
