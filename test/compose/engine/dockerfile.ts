/** A Dockerfile in stages of instructions, as far as the project's own uses the language; anything else is an error. */
export interface Instruction {
  readonly kind: 'ARG' | 'CMD' | 'COPY' | 'ENTRYPOINT' | 'ENV' | 'RUN' | 'USER' | 'WORKDIR';
  /** Behind the keyword; continued lines are one. */
  readonly text: string;
  readonly line: number;
}

export interface Stage {
  readonly name: string;
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

export interface Copy {
  /** A stage; null: the context. */
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
}

const KINDS: readonly string[] = ['ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'RUN', 'USER', 'WORKDIR'];

export function parseDockerfile(text: string): Stage[] {
  const stages: (Stage & { readonly instructions: Instruction[] })[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const line = index + 1;
    let whole = lines[index] ?? '';
    if (/^\s*(#|$)/.test(whole)) continue;
    while (whole.endsWith('\\')) {
      index += 1;
      whole = `${whole.slice(0, -1).trimEnd()} ${(lines[index] ?? '').trim()}`;
    }
    const [, kind = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(whole) ?? [];
    if (kind === 'FROM') {
      const [, from = '', name = ''] = /^(\S+) AS (\S+)$/.exec(rest) ?? [];
      if (name === '') throw new Error(`Dockerfile:${line}: a stage without a name: ${whole}`);
      stages.push({ name, from, instructions: [] });
    } else {
      if (!KINDS.includes(kind)) throw new Error(`Dockerfile:${line}: not known here: ${whole}`);
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`Dockerfile:${line}: before the first FROM: ${whole}`);
      stage.instructions.push({ kind: kind as Instruction['kind'], text: rest, line });
    }
  }
  return stages;
}

export function copyOf({ text, line }: Instruction): Copy {
  const words = text.split(/\s+/);
  const flags = words.filter((word) => word.startsWith('--'));
  const paths = words.filter((word) => !word.startsWith('--'));
  const target = paths.pop();
  if (target === undefined || paths.length === 0) throw new Error(`Dockerfile:${line}: COPY ${text}`);
  if (paths.length > 1 && !target.endsWith('/'))
    throw new Error(`Dockerfile:${line}: a target without / behind it`);
  const from = flags.map((flag) => /^--from=(.*)$/.exec(flag)?.[1] ?? flag);
  return { from: from[0] ?? null, sources: paths, target };
}
