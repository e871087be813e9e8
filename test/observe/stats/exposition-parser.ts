/**
 * A strict little parser of the Prometheus text format 0.0.4, written from the format's description and sharing nothing with the
 * writer. Throws at whatever a scraper would refuse: repeated series or headers, samples outside their family, bad escapes,
 * histograms that are not cumulative.
 */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly type: string;
  readonly samples: ParsedSample[];
}

export function parseExposition(text: string): Map<string, ParsedFamily> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let open = '';
  for (const line of text.split('\n')) {
    const head = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    if (head !== null) {
      open = head[1]!;
      if (families.has(open)) throw new Error(`a second TYPE of ${open}`);
      families.set(open, { type: head[2]!, samples: [] });
    } else if (line !== '' && !line.startsWith('#')) {
      const sample = parseSample(line);
      const family = families.get(open);
      const suffix = sample.name.slice(open.length);
      const allowed = family?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      if (family === undefined || !sample.name.startsWith(open) || !allowed.includes(suffix)) {
        throw new Error(`${sample.name} outside its family`);
      }
      const key = `${sample.name} ${keyOf(sample.labels)}`;
      if (seen.has(key)) throw new Error(`a second ${key}`);
      seen.add(key);
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families)
    if (family.type === 'histogram') checkHistogram(name, family.samples);
  return families;
}

function parseSample(line: string): ParsedSample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
  if (name === undefined) throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  let at = name.length;
  if (line[at] === '{') {
    at += 1;
    while (line[at] !== '}') {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(,?)/.exec(line.slice(at));
      if (label === null) throw new Error(`bad label at ${at}: ${line}`);
      if (Object.hasOwn(labels, label[1]!)) throw new Error(`label ${label[1]} twice: ${line}`);
      labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
      at += label[0].length;
      if (label[3] === '' && line[at] !== '}') throw new Error(`no comma at ${at}: ${line}`);
    }
    at += 1;
  }
  const value = /^ (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NaN|[+-]Inf)$/.exec(line.slice(at))?.[1];
  if (value === undefined) throw new Error(`bad value: ${line}`);
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) };
}

function checkHistogram(name: string, samples: readonly ParsedSample[]): void {
  const series = new Map<string, { buckets: ParsedSample[]; count: number; sums: number }>();
  for (const sample of samples) {
    const { le, ...rest } = sample.labels;
    const key = keyOf(rest);
    let one = series.get(key);
    if (one === undefined) series.set(key, (one = { buckets: [], count: -1, sums: 0 }));
    if (le !== undefined) one.buckets.push(sample);
    else if (sample.name === `${name}_count`) one.count = sample.value;
    else one.sums += 1;
  }
  for (const [key, { buckets, count, sums }] of series) {
    const bounds = buckets.map(({ labels }) => Number(labels['le']!.replace('Inf', 'Infinity')));
    for (let index = 1; index < buckets.length; index += 1) {
      if (!(bounds[index]! > bounds[index - 1]!)) throw new Error(`bounds of ${name} ${key} do not grow`);
      if (buckets[index]!.value < buckets[index - 1]!.value)
        throw new Error(`${name} ${key} is not cumulative`);
    }
    const whole = buckets.at(-1);
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY || whole?.value !== count || sums !== 1) {
      throw new Error(`${name} ${key} is not complete`);
    }
  }
}

/** The same for the same labels in any order. */
function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
