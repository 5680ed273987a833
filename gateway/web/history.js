/** What the charts draw: the last minutes of one device's numbers, in a bounded space. */

const KEEP_SECONDS = 600;
const MOST_ROWS = 2000;
const RAW_ROWS = 500; // the newest, which are never thinned
const SET_BACK = 60; // seconds; a clock that is behind by more, again and again, was set back
const LATE = 5; // readings in a row that may be so late
const BUCKET = 1.2; // seconds that thinning folds into two rows; so the thinned ones are at most 1,000

/**
 * Rows of one time and the numbers measured then, as uPlot wants them: a column of times and one for each point. In a
 * column `undefined` is "not measured then" and `null` breaks the line.
 */
export class History {
  times = [];
  #columns = new Map();
  #late = 0; // readings in a row that were older than the newest by more than a clock wanders

  /** The column of a point, as long as `times`. */
  column(point) {
    let column = this.#columns.get(point);
    if (column === undefined) {
      column = new Array(this.times.length).fill(undefined);
      this.#columns.set(point, column);
    }
    return column;
  }

  /**
   * Add numbers (or nulls) measured at `time`: `[[point, number], …]`. A value that the gateway held back for a while comes
   * after newer ones of other points, and stands where it was measured.
   */
  add(time, numbers) {
    const behind = (this.times.at(-1) ?? time) - time;
    this.#late = behind >= SET_BACK ? this.#late + 1 : 0;
    if (behind >= SET_BACK && (time < this.times[0] || this.#late > LATE)) this.#clear(); // the clock was set back
    const row = this.#rowOf(time);
    for (const [point, number] of numbers) this.column(point)[row] = number;
    if (this.times.length > MOST_ROWS) {
      this.#forget(time - KEEP_SECONDS);
      if (this.times.length > MOST_ROWS - RAW_ROWS) this.#thin();
    }
  }

  /** Whether any of the points has two numbers, so that there is a line to draw. */
  hasLine(points) {
    return points.some((point) => {
      const column = this.column(point);
      const first = column.findIndex((cell) => typeof cell === "number");
      return first >= 0 && column.findLastIndex((cell) => typeof cell === "number") > first;
    });
  }

  /** Interrupt every line after the last row: something may be missing there. */
  interrupt() {
    const last = this.times.at(-1);
    if (last === undefined) return;
    this.times.push(last + 0.001);
    for (const column of this.#columns.values()) column.push(null);
  }

  /** The row of this time, new where there is none. */
  #rowOf(time) {
    const before = this.times.findLastIndex((other) => other <= time);
    if (this.times[before] === time) return before;
    this.times.splice(before + 1, 0, time);
    for (const column of this.#columns.values()) column.splice(before + 1, 0, undefined);
    return before + 1;
  }

  #clear() {
    this.#late = 0;
    this.times.length = 0;
    for (const column of this.#columns.values()) column.length = 0;
  }

  #forget(before) {
    const first = this.times.findIndex((time) => time >= before);
    if (first <= 0) return;
    this.times.splice(0, first);
    for (const column of this.#columns.values()) column.splice(0, first);
  }

  /** Of every bucket of older rows keep the lowest and the highest of each point, so that peaks stay. */
  #thin() {
    const end = this.times.length - RAW_ROWS;
    const buckets = []; // [first row, row after the last]
    for (let row = 0; row < end; row += 1) {
      const bucket = buckets.at(-1);
      if (bucket && sameBucket(this.times[bucket[0]], this.times[row])) bucket[1] = row + 1;
      else buckets.push([row, row + 1]);
    }
    const fold = (cells, few) =>
      buckets.flatMap(([from, to]) => (to - from <= 2 ? cells.slice(from, to) : few(cells.slice(from, to))));
    const times = fold(this.times, (bucket) => [bucket[0], bucket.at(-1)]);
    for (const column of this.#columns.values()) column.splice(0, end, ...fold(column, extremes));
    this.times.splice(0, end, ...times);
  }
}

const sameBucket = (one, other) => Math.floor(one / BUCKET) === Math.floor(other / BUCKET);

/** The lowest and highest of some cells, in the order they came; a break among them stays a break. */
function extremes(cells) {
  if (cells.includes(null)) return [cells.find((cell) => typeof cell === "number"), null];
  const numbers = cells.filter((cell) => cell !== undefined);
  if (numbers.length === 0) return [undefined, undefined];
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  return numbers.indexOf(low) <= numbers.indexOf(high) ? [low, high] : [high, low];
}
