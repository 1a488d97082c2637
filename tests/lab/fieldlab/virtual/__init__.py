"""Two hours of a site in seconds: the planner under a virtual clock, over the lab's scenarios.

Bearers are fluid pipes: rate less loss and headers, round trip, outages. Devices record at given
rates. Everything between is the product's own: spool state, planner, capacity, forecast, budget.
"""

from fieldlab.virtual.devices import Alarms, Camera, Recording
from fieldlab.virtual.pipe import Pipe
from fieldlab.virtual.world import Arrival, Run, Tariff, simulate

__all__ = ["Alarms", "Arrival", "Camera", "Pipe", "Recording", "Run", "Tariff", "simulate"]
