/**
 * What a subscription holds: a copy of its devices as the gateway last told them.
 *
 * Everything named by the outside world lives in a `Map`, so that a device or point called `__proto__` or `constructor` is a
 * name like any other.
 */

/** Entries of an object off the wire; empty where there is none. */
const entries = (object) => Object.entries(object ?? {});

/**
 * A device off the wire, with its points and values as maps:
 * `{id, name, make, adapter, state, since, reason, link, points: Map, values: Map<point, {value, time, quality}>}`.
 */
export function deviceFrom(wire) {
  const device = {
    id: String(wire.id),
    name: String(wire.name ?? wire.id),
    make: [wire.vendor, wire.model].filter(Boolean).join(" "), // empty where nobody tells
    adapter: wire.adapter ?? null,
    state: wire.state ?? "unknown",
    since: wire.since ?? null,
    reason: wire.reason ?? null,
    link: wire.link ?? null,
    points: new Map(entries(wire.points)),
    values: new Map(),
  };
  for (const [point, held] of entries(wire.values)) {
    device.values.set(point, valueFrom(held?.value, held?.time, held?.quality));
  }
  return device;
}

/** 0, false and "" are values; only the absence of one is null, and that is never better than bad. */
function valueFrom(value, time, quality) {
  const present = value !== undefined && value !== null;
  return { value: present ? value : null, time: time ?? null, quality: quality ?? (present ? "good" : "bad") };
}

export class Mirror {
  /** @type {Map<string, ReturnType<typeof deviceFrom>>} */
  devices = new Map();

  /** A snapshot replaces everything that was held. */
  replace(wireDevices) {
    this.devices.clear();
    this.applyDevices(wireDevices);
  }

  /** Devices that appeared, changed or went. */
  applyDevices(wireDevices) {
    for (const wire of wireDevices ?? []) {
      if (wire.removed === true) {
        this.devices.delete(String(wire.id));
        continue;
      }
      const device = deviceFrom(wire);
      const before = this.devices.get(device.id);
      if (before && wire.values === undefined) device.values = before.values;
      if (before && wire.points === undefined) device.points = before.points;
      this.devices.set(device.id, device);
    }
  }

  /** Readings, in the order they came; a reading carries only the points it measured. */
  applyReadings(readings) {
    for (const reading of readings ?? []) {
      let device = this.devices.get(reading.device);
      if (device === undefined) {
        device = deviceFrom({ id: reading.device });
        this.devices.set(device.id, device);
      }
      for (const [point, value] of entries(reading.values)) {
        device.values.set(point, valueFrom(value, reading.time, qualityOf(reading, point)));
      }
    }
  }
}

/** What a reading says of one point's quality; undefined where it says nothing. `Object.hasOwn`, because a point may be called `constructor`. */
export function qualityOf(reading, point) {
  return reading.quality && Object.hasOwn(reading.quality, point) ? reading.quality[point] : undefined;
}
