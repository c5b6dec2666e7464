// Metrics: Prometheus text read into samples; rates and percentiles between two readings. No DOM.

const kLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const kLabel = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const kWindow = 10_000;  // milliseconds that rates and percentiles look back
const kReadings = 90;    // points of a sparkline

function unescape(text) {
  return text.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));
}

// Name -> list of { labels, value }.
export function parseMetrics(text) {
  const families = new Map();
  for (const line of text.split("\n")) {
    if (line === "" || line[0] === "#") continue;
    const found = kLine.exec(line);
    if (!found) continue;
    const labels = {};
    if (found[2]) for (const [, name, value] of found[2].matchAll(kLabel)) labels[name] = unescape(value);
    const list = families.get(found[1]);
    const sample = { labels, value: Number(found[3]) };
    if (list) list.push(sample);
    else families.set(found[1], [sample]);
  }
  return families;
}

// One reading: sums of samples, optionally by one or more labels.
export class Reading {
  constructor(text, at) {
    this.at = at;
    this.families = parseMetrics(text);
    this.sums = new Map();
  }

  // Key of labels -> sum over everything else. Made once per reading.
  by(name, ...labels) {
    const key = name + "|" + labels;
    let sums = this.sums.get(key);
    if (!sums) {
      sums = new Map();
      for (const { labels: has, value } of this.families.get(name) ?? []) {
        const group = labels.map(each => has[each] ?? "").join("\0");
        sums.set(group, (sums.get(group) ?? 0) + value);
      }
      this.sums.set(key, sums);
    }
    return sums;
  }

  // Undefined where there is no such sample.
  get(name, ...values) {
    const list = this.families.get(name);
    if (!list) return undefined;
    return this.by(name, ...Object.keys(list[0].labels).slice(0, values.length)).get(values.join("\0"));
  }
}

// The time below which a share of what came lies: from pairs of bound and count up to it. Between two
// bounds it is taken to be spread evenly. Infinity if it is beyond the last bound.
export function quantile(share, buckets) {
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (!(total > 0)) return undefined;
  const rank = share * total;
  let lower = 0, before = 0;
  for (const [bound, count] of sorted) {
    if (count >= rank) {
      if (bound === Infinity) return Infinity;
      return count === before ? bound : lower + (bound - lower) * (rank - before) / (count - before);
    }
    lower = bound;
    before = count;
  }
  return undefined;
}

// The last readings of one process.
export class History {
  constructor() {
    this.readings = [];
    this.lines = new Map();
  }

  get now() { return this.readings.at(-1); }

  add(reading) {
    const began = each => each.get("process_start_time_seconds");
    const restarted = this.now && began(this.now) !== began(reading);
    if (restarted) this.readings = [];  // counters began again
    this.readings.push(reading);
    // One that is older than the window stays: what was counted is counted from there.
    while (this.readings.length > 2 && reading.at - this.readings[1].at >= kWindow) this.readings.shift();
    return restarted;
  }

  // How much a sum grew in the window; undefined before there are two readings.
  growth(name, labels, values) {
    if (this.readings.length < 2) return undefined;
    const group = values.join("\0");
    const count = reading => reading.by(name, ...labels).get(group) ?? 0;
    return Math.max(0, count(this.now) - count(this.readings[0]));
  }

  get seconds() { return (this.now.at - this.readings[0].at) / 1000; }

  rate(name, labels = [], values = []) {
    const grown = this.growth(name, labels, values);
    return grown === undefined ? undefined : grown / this.seconds;
  }

  // Buckets of a histogram as they grew; `keep` tells which values of its label count.
  buckets(name, label, keep) {
    const grown = new Map();
    if (this.readings.length < 2) return grown;
    const before = this.readings[0].by(name + "_bucket", label, "le");
    for (const [group, count] of this.now.by(name + "_bucket", label, "le")) {
      const [value, le] = group.split("\0");
      if (!keep(value)) continue;
      const bound = le === "+Inf" ? Infinity : Number(le);
      grown.set(bound, (grown.get(bound) ?? 0) + count - (before.get(group) ?? 0));
    }
    return grown;
  }

  // All values of the label at once: value -> buckets.
  bucketsBy(name, label) {
    const all = new Map();
    if (this.readings.length < 2) return all;
    const before = this.readings[0].by(name + "_bucket", label, "le");
    for (const [group, count] of this.now.by(name + "_bucket", label, "le")) {
      const [value, le] = group.split("\0");
      if (!all.has(value)) all.set(value, []);
      all.get(value).push([le === "+Inf" ? Infinity : Number(le), count - (before.get(group) ?? 0)]);
    }
    return all;
  }

  // Remembers a value of this reading for a sparkline, and gives all that are remembered.
  line(name, value) {
    if (!this.lines.has(name)) this.lines.set(name, { values: [], reading: null });
    const line = this.lines.get(name);
    if (line.reading !== this.now) line.values.push(value);
    line.reading = this.now;
    if (line.values.length > kReadings) line.values.shift();
    return line.values;
  }
}
