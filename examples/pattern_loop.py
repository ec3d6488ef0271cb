"""A loop over items in one call: the same check for each of them, and a summary.

Step by step this takes an agent a tool call for each item. python examples/pattern_loop.py
"""

from typing import Any

import onehop

CODE = """
const alarms = context.sensors
  .map(({ id, limit, readings }) => {
    const mean = readings.reduce((sum, value) => sum + value, 0) / readings.length;
    const peak = Math.max(...readings);
    return { id, mean: Math.round(mean * 10) / 10, peak, alarm: peak > limit };
  })
  .filter((sensor) => sensor.alarm);
return { checked: context.sensors.length, alarms };
"""

CONTEXT: dict[str, Any] = {
    "sensors": [
        {"id": "s1", "limit": 30, "readings": [21.5, 22, 23.5]},
        {"id": "s2", "limit": 30, "readings": [28, 31.5, 29]},
        {"id": "s3", "limit": 25, "readings": [19, 18.5, 20]},
        {"id": "s4", "limit": 40, "readings": [36, 38.5, 39]},
        {"id": "s5", "limit": 25, "readings": [24, 26.5, 27]},
        {"id": "s6", "limit": 30, "readings": [25, 25.5, 26]},
        {"id": "s7", "limit": 35, "readings": [33, 32.5, 34]},
        {"id": "s8", "limit": 30, "readings": [30, 29.5, 28]},
    ]
}


def main() -> None:
    """Run it and print the alarms."""
    output = onehop.run(CODE, context=CONTEXT).output
    for sensor in output["alarms"]:
        print(f"{sensor['id']}: mean {sensor['mean']}, peak {sensor['peak']}")
    print(f"{len(output['alarms'])} of {output['checked']} sensors raise an alarm")


if __name__ == "__main__":
    main()
