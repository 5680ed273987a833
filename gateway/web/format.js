/** Values, units and times as people write them. */

/** UCUM codes whose everyday form does not follow from the code. */
const UNITS = new Map([
  ["1", ""],
  ["Cel", "°C"],
  ["[degF]", "°F"],
  ["deg", "°"],
  ["'", "′"],
  ["''", "″"],
  ["Ohm", "Ω"],
  ["kOhm", "kΩ"],
  ["MOhm", "MΩ"],
  ["W.h", "Wh"],
  ["kW.h", "kWh"],
  ["MW.h", "MWh"],
  ["V.A", "VA"],
  ["kV.A", "kVA"],
  ["A.h", "Ah"],
  ["mA.h", "mAh"],
  ["By", "B"],
  ["KiBy", "KiB"],
  ["MiBy", "MiB"],
  ["GiBy", "GiB"],
  ["[ppm]", "ppm"],
  ["[ppb]", "ppb"],
  ["[pH]", "pH"],
  ["[psi]", "psi"],
  ["[kn_i]", "kn"],
  ["[mi_i]/h", "mph"],
  ["[ft_i]", "ft"],
  ["[in_i]", "in"],
  ["[lb_av]", "lb"],
  ["[gal_us]", "gal"],
  ["m[Hg]", "mHg"],
  ["mm[Hg]", "mmHg"],
  ["dB[mW]", "dBm"],
  ["dB[SPL]", "dB"],
  ["1/min", "/min"],
  ["1/s", "/s"],
  ["{rpm}", "rpm"],
  ["{#}", ""],
]);

const SUPERSCRIPTS = new Map([
  ["-", "⁻"],
  ["1", "¹"],
  ["2", "²"],
  ["3", "³"],
  ["4", "⁴"],
]);

/** A UCUM code as people write it: `Cel` → `°C`, `m3/h` → `m³/h`, `ug/m3` → `µg/m³`; what is no such code stays as it is. */
export function unitText(code) {
  if (code === null || code === undefined) return "";
  const known = UNITS.get(code);
  if (known !== undefined) return known;
  return String(code)
    .replace(/\{([^{}]*)\}/g, "$1") // annotations
    .replace(
      /([A-Za-z])(-?[1-4])(?![0-9])/g,
      (_, letter, power) => letter + [...power].map((c) => SUPERSCRIPTS.get(c)).join(""),
    )
    .replace(/(^|[./])u(?=[A-Za-z])/g, "$1µ")
    .replaceAll(".", "·");
}

/** Most digits after the point that say something at this size. */
function usefulDecimals(value) {
  const size = Math.abs(value);
  if (size >= 1000) return 1;
  if (size >= 100) return 2;
  if (size >= 0.1 || size === 0) return 3;
  return Math.min(10, 2 - Math.floor(Math.log10(size)));
}

/** How many digits after the point a number has, none beyond the useful ones. */
export function decimalsOf(value) {
  const text = value.toFixed(usefulDecimals(value)).replace(/\.?0*$/, "");
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}

/** A number with at least `decimals` digits after the point, so that a changing value keeps its width. */
export function numberText(value, decimals = 0) {
  if (value !== 0 && (Math.abs(value) >= 1e12 || Math.abs(value) < 1e-6)) return value.toExponential(3);
  const most = usefulDecimals(value);
  return value.toLocaleString(undefined, {
    minimumFractionDigits: Math.min(decimals, most),
    maximumFractionDigits: most,
  });
}

/** Any value but null. Not for numbers with a history of digits: see `numberText`. */
export function valueText(value) {
  if (typeof value === "boolean") return value ? "On" : "Off";
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return value === "" ? "empty text" : value;
  return JSON.stringify(value);
}

/** Seconds as an age: `now`, `12 s ago`, `5 min ago`. */
export function ageText(seconds) {
  if (seconds < 2) return "now";
  return `${spanText(seconds)} ago`;
}

export function spanText(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** Seconds since the epoch as the time of day here. */
export const timeText = (seconds) => clock.format(new Date(seconds * 1000));

/** A point's title, or its name made readable: `air.humidity` → `Air humidity`. */
export function titleOf(name, point) {
  if (point?.title) return point.title;
  const words = name.replace(/[._-]+/g, " ").trim();
  return words === "" ? name : words[0].toUpperCase() + words.slice(1);
}
